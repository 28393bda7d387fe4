package matcher

// delta files the filters that came after the base was built. It only grows, in place: a copy of the
// struct is a snapshot.
type delta struct {
	table cells
	keys  []uint64 // keys[0] is unused
	posts chains   // by index into keys
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
