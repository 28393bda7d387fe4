package matcher

import "sync/atomic"

// chains is a set of append-only lists of numbers, newest first, for one writer and any number of
// readers. A copy of the struct is a snapshot: readers skip the nodes that were pushed after it.
//
// heads and nodes have their full length from the start and are replaced together, so that whatever a
// head of one generation of arrays names is inside the nodes of the same generation.
type chains struct {
	heads []uint32 // by list: its newest node, 0 when empty; atomic
	nodes []link   // nodes[0] is unused
	size  uint32   // nodes visible here
}

type link struct{ value, next uint32 }

// push prepends value to a list. Writer only.
func (c *chains) push(list, value uint32) {
	if c.size == 0 {
		c.size = 1
	}
	if int(list) >= len(c.heads) || int(c.size) >= len(c.nodes) {
		c.grow(int(list) + 1)
	}
	c.nodes[c.size] = link{value, c.heads[list]}
	atomic.StoreUint32(&c.heads[list], c.size)
	c.size++
}

func (c *chains) grow(lists int) {
	if lists > len(c.heads) {
		lists = max(8, lists+lists/4)
	} else {
		lists = len(c.heads)
	}
	nodes := len(c.nodes)
	if int(c.size) >= nodes {
		nodes = max(8, lists/64, 2*nodes)
	}
	heads := make([]uint32, lists)
	copy(heads, c.heads)
	room := make([]link, nodes)
	copy(room, c.nodes)
	c.heads, c.nodes = heads, room
}

// first returns the newest visible node of a list, 0 when there is none.
func (c *chains) first(list uint32) uint32 {
	if int(list) >= len(c.heads) {
		return 0
	}
	n := atomic.LoadUint32(&c.heads[list])
	for n >= c.size && n != 0 {
		n = c.nodes[n].next
	}
	return n
}
