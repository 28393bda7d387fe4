package matcher

import "sync/atomic"

// delta is the filters that came after the base was built, with their subscribers. It only grows, in place: a copy of the struct is
// a snapshot, for one writer and any number of readers.
//
// What an event reads of filters is in one array of words, beside each other what it needs of one, and the tables lead there. A thing is named by
// its place in the array:
//
//	list          the newest post, the key in two words
//	post          the next older post of the list, its filter
//	filter        number and facts, twin, the newest further subscription, the first subscription, the program
//	subscription  ID, the version that removed it or 0
//	further subscription  the next older one of the filter, the subscription
//
// Places ascend with time: a snapshot has what is below its end, and passes over newer links. The array has its full length from the start and is
// replaced as a whole, so whatever a link leads to is in the same array. Words that change when a snapshot may see them are atomic: the newest post of
// a list, the newest further subscription of a filter, and the removal of a subscription.
type delta struct {
	words   []uint32 // words[0] is unused
	end     uint32
	filters []uint32 // by number: the filter
	twins   cells    // from the number of a filter in the base to the same filter here
	lists   cells    // from a key to its list
	marks   []uint64 // bits of hashes of keys that have a list, so that most keys that have none are seen at once to have none; atomic
	keys    int      // that have a list
}

// The words of a filter, and of a post and a list where they are not the first.
const (
	filterTwin    = 1 // the number of the same filter in the base, plus 1
	filterFurther = 2
	filterFirst   = 3
	filterProgram = filterFirst + subscriptionWords

	postFilter = 1
	postWords  = 2

	listKey   = 1 // the upper half first
	listWords = 3
)

// Facts of a filter that spare work, below its number.
const (
	filterExact  = 1 << iota // having a key is all that the filter asks for
	filterShared             // filed under several keys, so an event may come by twice

	filterNumber = 2 // the bits in front of the number
)

// extend makes room behind the end and returns where it begins. Writer only.
func (d *delta) extend(n int) (at uint32) {
	at = max(d.end, 1)
	if need := int(at) + n; need > len(d.words) {
		words := make([]uint32, max(64, need+need/2))
		copy(words, d.words[:d.end])
		d.words = words
	}
	d.end = at + uint32(n)
	return at
}

// add appends a filter with its first subscriber. twin is the number of the same filter in the base, plus 1. Writer only.
func (d *delta) add(program []uint32, twin uint32, id ID) (filter uint32) {
	filter = d.extend(filterProgram + len(program))
	words := d.words[filter:]
	words[0] = uint32(len(d.filters)) << filterNumber
	words[filterTwin] = twin
	words[filterFirst] = uint32(id)
	copy(words[filterProgram:], program)
	if twin != 0 {
		d.twins = d.twins.add(hashKey(uint64(twin-1)), filter, len(d.filters))
	}
	d.filters = append(d.filters, filter)
	return filter
}

// program returns that of a filter.
func (d *delta) program(filter uint32) []uint32 { return nodeOf(d.words[filter+filterProgram:]) }

// number returns that of a filter.
func (d *delta) number(filter uint32) uint32 { return d.words[filter] >> filterNumber }

// twinOf returns the filter here that is a filter of the base.
func (d *delta) twinOf(n uint32) (filter uint32, ok bool) {
	hash := hashKey(uint64(n))
	place := hash
	for {
		filter := d.twins.next(hash, &place)
		if filter == 0 {
			return 0, false
		}
		if filter < d.end && d.words[filter+filterTwin] == n+1 {
			return filter, true
		}
	}
}

func hashKey(key uint64) uint32 { return upper(mix(key)) }

// upper is what cells take of a hash.
func upper(hash uint64) uint32 { return uint32(hash >> 32) }

// file puts a filter that no snapshot sees yet under its keys. Writer only.
func (d *delta) file(filter uint32, keys []uint64, exact bool) {
	if exact {
		d.words[filter] |= filterExact
	}
	if len(keys) > 1 {
		d.words[filter] |= filterShared
	}
	for _, key := range keys {
		list := d.listFor(key)
		post := d.extend(postWords)
		d.words[post], d.words[post+postFilter] = d.words[list], filter
		atomic.StoreUint32(&d.words[list], post)
	}
}

// listFor returns the list of a key, a new one where there is none.
func (d *delta) listFor(key uint64) (list uint32) {
	if list = d.find(key); list != 0 {
		return list
	}
	list = d.extend(listWords)
	d.words[list+listKey], d.words[list+listKey+1] = uint32(key>>32), uint32(key)
	hash, places := hashKey(key), len(d.lists)
	d.lists = d.lists.add(hash, list, d.keys)
	d.keys++
	if len(d.lists) == places {
		d.mark(hash)
		return list
	}
	d.marks = make([]uint64, max(1, len(d.lists)*marksOfPlace/64))
	for _, cell := range d.lists {
		if cell != 0 {
			d.mark(uint32(cell >> 32))
		}
	}
	return list
}

// marksOfPlace is how many marks there are for each place in delta.lists. With three quarters of these taken a sixth of the marks are set.
const marksOfPlace = 4

// mark notes that a key with a hash has a list. Writer only.
func (d *delta) mark(hash uint32) {
	atomic.OrUint64(&d.marks[int(hash/64)&(len(d.marks)-1)], 1<<(hash%64))
}

// marked reports whether a key with a hash may have a list.
func (d *delta) marked(hash uint32) bool {
	return len(d.marks) > 0 && atomic.LoadUint64(&d.marks[int(hash/64)&(len(d.marks)-1)])&(1<<(hash%64)) != 0
}

// find returns the list of a key, 0 when nothing is filed under it.
func (d *delta) find(key uint64) (list uint32) { return d.findHashed(key, hashKey(key)) }

func (d *delta) findHashed(key uint64, hash uint32) (list uint32) {
	at := hash
	for {
		list := d.lists.next(hash, &at)
		if list == 0 || list < d.end && d.keyOf(list) == key {
			return list
		}
	}
}

func (d *delta) keyOf(list uint32) uint64 {
	return uint64(d.words[list+listKey])<<32 | uint64(d.words[list+listKey+1])
}

// newest returns what a link leads to that the snapshot has, 0 when there is nothing. The first word there is the next link.
func (d *delta) newest(link uint32) uint32 {
	at := atomic.LoadUint32(&d.words[link])
	for at >= d.end {
		at = d.words[at]
	}
	return at
}
