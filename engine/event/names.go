package event

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
)

// names remembers the member names of the objects of one body that are being read, and tells a repeated one. Most
// objects have few members, and to compare a name with the few before it costs less than to hash it. The names of larger
// ones are in a table besides, which is one for the whole body, so that an object with thousands of members costs no more
// per member than one with dozens. Nothing is allocated once list and table have grown to the size of the bodies that
// come.
type names struct {
	list []name // of the objects that are open, the innermost last

	seed  maphash.Seed
	slots []nameSlot // open addressing; the length is a power of two
	used  int        // slots taken in this body

	// Objects of the table are numbered on and on, over all bodies: those of this body come behind before, and slots
	// of others are free.
	object, before uint32

	// unescaped holds the plain spelling of names that were written with escapes.
	unescaped []byte
}

// name is one name of one object. It is kept as a place and not as a slice: the list outlives the body and must not
// keep it alive.
type name struct {
	key    uint64 // see keyOf
	start  int    // in the body, or bit-inverted in names.unescaped
	length int
}

type nameSlot struct {
	object uint32
	hash   uint32
	index  uint32 // in names.list, as long as the object is open
}

// opened is an object whose members are being read.
type opened struct {
	base   int    // where its names begin in names.list
	few    uint64 // has a bit for each of the first names: that of the upper six bits of its key
	number uint32 // in the table; 0 if it is not there
}

const (
	// most is how many names are few: from about there on the table is cheaper.
	most = 16

	smallestTable = 256

	// largestKept bounds what a scanner holds on to after an unusually large body.
	largestKept = 1 << 14
)

// keyOf is a number for a name: another one for most other names, and all its bits depend on most of the name. Whoever
// has the same key still has to compare the names.
func keyOf(name []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, which spreads numbers that are close to each other
	switch n := len(name); {
	case n >= 8:
		first, last := binary.LittleEndian.Uint64(name), binary.LittleEndian.Uint64(name[n-8:])
		return (bits.RotateLeft64(first, 32) ^ last + uint64(n)) * odd
	case n >= 4:
		first, last := binary.LittleEndian.Uint32(name), binary.LittleEndian.Uint32(name[n-4:])
		return (uint64(first)<<32 ^ uint64(last) + uint64(n)) * odd
	case n > 0:
		return (uint64(name[0])<<16 | uint64(name[n/2])<<8 | uint64(name[n-1])) * odd
	}
	return 0
}

// reset forgets all names.
func (n *names) reset() {
	if n.slots == nil {
		n.seed = maphash.MakeSeed()
		n.slots = make([]nameSlot, smallestTable)
	}
	if n.object > math.MaxUint32/2 {
		clear(n.slots)
		n.object = 0
	}
	n.used, n.before = 0, n.object
	n.list, n.unescaped = n.list[:0], n.unescaped[:0]
}

// trim drops what an unusually large body has grown.
func (n *names) trim() {
	if len(n.slots) > largestKept {
		n.slots = nil
	}
	if cap(n.list) > largestKept {
		n.list = nil
	}
	if cap(n.unescaped) > largestKept {
		n.unescaped = nil
	}
}

// open starts an object, in whatever other one is open.
func (n *names) open() opened { return opened{base: len(n.list)} }

// close ends the object that was opened last.
func (n *names) close(o *opened) { n.list = n.list[:o.base] }

// keep copies the plain spelling of an escaped name to where insert can refer to it.
func (n *names) keep(plain []byte) (kept []byte, start int) {
	at := len(n.unescaped)
	n.unescaped = append(n.unescaped, plain...)
	return n.unescaped[at:], ^at
}

// insert adds a name to the object opened last and reports whether the object did not have it before. text is the body
// that non-negative places refer to.
func (n *names) insert(o *opened, new name, text []byte) bool {
	index := len(n.list)
	n.list = append(n.list, new)
	if o.number > 0 {
		return n.hash(o.number, index, text)
	}
	bit := uint64(1) << (new.key >> 58)
	if o.few&bit != 0 && n.among(o.base, index, text) {
		return false
	}
	o.few |= bit
	if index-o.base == most {
		n.object++
		o.number = n.object
		for i := o.base; i <= index; i++ {
			n.hash(o.number, i, text)
		}
	}
	return true
}

// among says whether the name at index stands between base and there as well.
func (n *names) among(base, index int, text []byte) bool {
	for i := base; i < index; i++ {
		if n.same(i, index, text) {
			return true
		}
	}
	return false
}

func (n *names) same(i, j int, text []byte) bool {
	return n.list[i].key == n.list[j].key && bytes.Equal(n.spelling(i, text), n.spelling(j, text))
}

// hash adds the name at index to the table and reports whether the object did not have it there before.
func (n *names) hash(object uint32, index int, text []byte) bool {
	if n.used >= len(n.slots)/2 {
		n.grow()
	}
	// An object has a seed of its own, so to say: the same names in many objects are not to fill one part of the table.
	hash := uint32(maphash.Bytes(n.seed, n.spelling(index, text))) ^ object*0x9e3779b1
	mask := uint32(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.object <= n.before {
			*s = nameSlot{object, hash, uint32(index)}
			n.used++
			return true
		}
		if s.hash == hash && s.object == object && n.same(int(s.index), index, text) {
			return false
		}
	}
}

func (n *names) spelling(index int, text []byte) []byte {
	name := &n.list[index]
	if name.start < 0 {
		return n.unescaped[^name.start:][:name.length]
	}
	return text[name.start:][:name.length]
}

// grow doubles the table.
func (n *names) grow() {
	old := n.slots
	n.slots = make([]nameSlot, 2*len(old))
	mask := uint32(len(n.slots) - 1)
	for _, s := range old {
		if s.object <= n.before {
			continue
		}
		i := s.hash & mask
		for n.slots[i].object > n.before {
			i = (i + 1) & mask
		}
		n.slots[i] = s
	}
}
