package matcher

// delta is the filters that came after the base was built. It only grows, in place: a copy of the
// struct is a snapshot.
type delta struct {
	filters []filter
	code    []uint32 // programs of the filters
	twins   cells    // from the number of a filter in the base to its number here, plus 1
	subs    subscriptions

	table cells
	keys  []uint64 // keys[0] is unused
	posts chains   // by index into keys
}

// filter is one distinct filter of a delta: where its program begins, its first subscribers, and the number of the same filter in
// the base, plus 1.
type filter struct {
	code   uint32
	lo, hi uint32
	twin   uint32
}

// post is one filter of a delta filed under one key: its number, and two facts that spare work.
type post uint32

const (
	postExact  post = 1 << 31 // having the key is all the filter asks for
	postShared post = 1 << 30 // filed under several keys, so an event may come by twice
	postFilter      = postShared - 1
)

func makePost(filter uint32, keys int, exact bool) post {
	p := post(filter)
	if exact {
		p |= postExact
	}
	if keys > 1 {
		p |= postShared
	}
	return p
}

// twinOf returns the number here of a filter of the base.
func (d *delta) twinOf(n uint32) (at uint32, ok bool) {
	hash := hashKey(uint64(n))
	place := hash
	for {
		at := d.twins.next(hash, &place)
		if at == 0 {
			return 0, false
		}
		if int(at) <= len(d.filters) && d.filters[at-1].twin == n+1 {
			return at - 1, true
		}
	}
}

func hashKey(key uint64) uint32 { return uint32(mix(key) >> 32) }

// file puts a post under a key. Writer only.
func (d *delta) file(key uint64, p post) {
	k := d.find(key)
	if k == 0 {
		if len(d.keys) == 0 {
			d.keys = append(d.keys, 0)
		}
		k = uint32(len(d.keys))
		d.keys = append(d.keys, key)
		d.table = d.table.add(hashKey(key), k, int(k)-1)
	}
	d.posts.push(k, uint32(p))
}

// find returns the index of a key, 0 when nothing is filed under it.
func (d *delta) find(key uint64) uint32 {
	hash := hashKey(key)
	at := hash
	for {
		k := d.table.next(hash, &at)
		if k == 0 {
			return 0
		}
		if int(k) < len(d.keys) && d.keys[k] == key {
			return k
		}
	}
}
