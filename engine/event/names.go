package event

import (
	"bytes"
	"hash/maphash"
)

// names remembers the member names of every object of one body and tells a repeated one. It is one
// table for the whole body, so that an object with hundreds of members costs no more per member than
// a small one, and nothing is allocated once the table has grown to the size of the bodies that come.
type names struct {
	seed   maphash.Seed
	slots  []nameSlot // open addressing; the length is a power of two
	used   int        // slots taken in this body
	body   uint32     // number of this body; slots of other numbers are free
	object uint32     // number of the object opened last

	// unescaped holds the plain spelling of names that were written with escapes.
	unescaped []byte
}

// nameSlot is one name of one object. The name is kept as a place and not as a slice: the table
// outlives the body and must not keep it alive.
type nameSlot struct {
	body   uint32
	object uint32
	hash   uint32
	start  int // in the body, or bit-inverted in names.unescaped
	length int
}

const (
	smallestTable = 256

	// largestKept bounds what a scanner holds on to after an unusually large body.
	largestKept = 1 << 14
)

// reset forgets all names.
func (n *names) reset() {
	if n.slots == nil {
		n.seed = maphash.MakeSeed()
		n.slots = make([]nameSlot, smallestTable)
		n.body = 0
	}
	if n.body++; n.body == 0 {
		clear(n.slots)
		n.body = 1
	}
	n.used, n.object = 0, 0
	n.unescaped = n.unescaped[:0]
}

// trim drops what an unusually large body has grown.
func (n *names) trim() {
	if len(n.slots) > largestKept {
		n.slots = nil
	}
	if cap(n.unescaped) > largestKept {
		n.unescaped = nil
	}
}

// open starts an object and returns its number.
func (n *names) open() uint32 {
	n.object++
	return n.object
}

// keep copies the plain spelling of an escaped name to where insert can refer to it.
func (n *names) keep(name []byte) (kept []byte, start int) {
	at := len(n.unescaped)
	n.unescaped = append(n.unescaped, name...)
	return n.unescaped[at:], ^at
}

// insert adds a name to an object and reports whether the object did not have it before. text is the
// body that non-negative places refer to.
func (n *names) insert(object uint32, name []byte, start int, text []byte) bool {
	if n.used >= len(n.slots)/2 {
		n.grow()
	}
	hash := uint32(maphash.Bytes(n.seed, name)) ^ object*0x9e3779b1
	mask := uint32(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.body != n.body {
			*s = nameSlot{n.body, object, hash, start, len(name)}
			n.used++
			return true
		}
		if s.hash == hash && s.object == object && bytes.Equal(n.name(s, text), name) {
			return false
		}
	}
}

func (n *names) name(s *nameSlot, text []byte) []byte {
	if s.start < 0 {
		text = n.unescaped
		return text[^s.start:][:s.length]
	}
	return text[s.start:][:s.length]
}

// grow doubles the table.
func (n *names) grow() {
	old := n.slots
	n.slots = make([]nameSlot, 2*len(old))
	mask := uint32(len(n.slots) - 1)
	for _, s := range old {
		if s.body != n.body {
			continue
		}
		i := s.hash & mask
		for n.slots[i].body == n.body {
			i = (i + 1) & mask
		}
		n.slots[i] = s
	}
}
