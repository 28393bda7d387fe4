package matcher

import "slices"

// scan goes through the nodes from lo to hi and notes the leaves that are reached, as runs. need says of what kinds of sharing
// an event may make use, so that a filter may have been come across before.
//
// Leaves that were passed without a failure between them are one run: from is where it began.
func (e *Event) scan(b *base, lo, hi, need uint32) {
	nodes, at := b.nodes, lo
	from, tests := nodes[lo].leaf, 0
	for at < hi {
		n := &nodes[at]
		kind, holds := n.kind(), true
		if kind != nodePass {
			tests++
		}
		switch {
		case kind <= nodeNone:
			holds = (e.bits[n.at()]&n.arg != 0) == (kind == nodeAny)
		case kind == nodeOnly:
			has := e.bits[n.at()] & n.arg
			holds = has == n.arg&-n.arg
		case kind >= nodeSwitch:
			e.reach(from, n.leaf)
			e.scanGroup(b, n, need)
			at = n.skip
			from = nodes[at].leaf
			continue
		case kind != nodePass:
			holds = e.passes(b, n)
		}
		switch {
		case !holds:
			e.reach(from, n.leaf)
			at = n.skip
			from = nodes[at].leaf
		case n.shared()&need != 0:
			e.reach(from, n.leaf)
			at++
			from = nodes[at].leaf
			e.reachOnce(b, n.leaf, from, need)
		default:
			at++
		}
	}
	e.reach(from, nodes[hi].leaf)
	e.work.tests += tests
}

// passes decides the kinds of nodes that are not decided by one word of bits.
func (e *Event) passes(b *base, n *node) bool {
	switch n.kind() {
	case nodeAnyOf:
		return e.hasAny(n.at(), b.set(n.arg))
	case nodeNoneOf:
		return !e.hasAny(n.at(), b.set(n.arg))
	}
	return e.holds(b.code[n.arg:])
}

// scanGroup goes on below a nodeSwitch or nodeExcept.
func (e *Event) scanGroup(b *base, n *node, need uint32) {
	s := &e.spans[n.at()]
	if s.empty() {
		return
	}
	start := len(e.places)
	e.placesUnder(b.list(n.arg), s)
	if n.kind() == nodeSwitch {
		for i := start; i < len(e.places); i++ {
			e.scan(b, e.places[i], b.nodes[e.places[i]].skip, need)
		}
	} else {
		e.reachOthers(b, n, e.places[start:], need)
	}
	e.places = e.places[:start]
}

// reachOthers notes the leaves of a nodeExcept but for some.
func (e *Event) reachOthers(b *base, n *node, but []uint32, need uint32) {
	from, need := n.leaf, n.shared()&need
	for _, at := range but {
		e.reachOnce(b, from, at, need)
		from = at + 1
	}
	e.reachOnce(b, from, b.nodes[n.skip].leaf, need)
}

// reach notes a run of leaves.
func (e *Event) reach(from, to uint32) {
	if from < to {
		e.reached = append(e.reached, run{from, to})
	}
}

// reachOnce notes a run of leaves but for those that are shared in a way that is needed and were reached before.
func (e *Event) reachOnce(b *base, from, to, need uint32) {
	if need == 0 {
		e.reach(from, to)
		return
	}
	for ; from < to; from++ {
		if l := b.leaves[from]; l.shared()&need == 0 || e.once(l.filter()) {
			e.reach(from, from+1)
		}
	}
}

// placesUnder appends to e.places what is listed under the symbols of a field, each place once and in order.
func (e *Event) placesUnder(list []listed, s *span) {
	start := len(e.places)
	for next := s.first; next != 0; next = e.syms[next-1].next {
		for _, l := range under(list, e.syms[next-1].symbol) {
			e.places = append(e.places, l.at)
		}
	}
	if s.size > 1 {
		slices.Sort(e.places[start:])
		e.places = e.places[:start+len(slices.Compact(e.places[start:]))]
	}
}
