package matcher

import "slices"

// made is the node of a test, without a place in a trie. In that of a set or of a program arg is the rank of the test until
// its words have a place in a base; see base.settle.
type made struct{ test, arg uint32 }

func makeNode(kind, at, arg uint32) made { return made{kind | at<<testShift, arg} }

// node makes the node of the test of a rank.
func (a *arrangement) node(rank uint32, r *renumbering) made {
	switch code := a.test(rank); opOf(code) {
	case opPresent:
		sym := r.presence[code[1]]
		return makeNode(nodeAny, sym/wordBits, 1<<(sym%wordBits))
	case opIs, opIn:
		return symbolsNode(code, rank, nodeAny, nodeAnyOf)
	case opNotIn:
		if first := r.presence[code[1]]; r.small(code[1]) {
			return makeNode(nodeOnly, first/wordBits, maskOf(termsOf(code))|1<<(first%wordBits))
		}
		return symbolsNode(code, rank, nodeNone, nodeNoneOf)
	}
	return makeNode(nodeProgram, 0, rank)
}

// symbolsNode makes the node of a test of symbols, which is of one kind if one word has them all.
func symbolsNode(code []uint32, rank, one, many uint32) made {
	terms := termsOf(code)
	if word := terms[0] / wordBits; terms[len(terms)-1]/wordBits == word {
		return makeNode(one, word, maskOf(terms))
	}
	return makeNode(many, code[1], rank)
}

// wordBits is the length of a word of an event's bits.
const wordBits = 32

func maskOf(terms []uint32) (mask uint32) {
	for _, sym := range terms {
		mask |= 1 << (sym % wordBits)
	}
	return mask
}

// settle gives the sets and programs of nodes their places. Nodes of one test share them, and they are in the order of the first of
// these.
func (b *base) settle(tests *arrangement) {
	places := make([]uint32, len(tests.order)) // by rank, plus 1
	for i := range b.nodes {
		n := &b.nodes[i]
		switch n.kind() {
		case nodeAnyOf, nodeNoneOf, nodeProgram:
			at := &places[n.arg]
			if *at == 0 {
				*at = b.keep(n.kind(), tests.test(n.arg)) + 1
			}
			n.arg = *at - 1
		}
	}
	b.sets, b.code = slices.Clip(slices.Clone(b.sets)), slices.Clip(slices.Clone(b.code))
}

// keep stores what a test has besides its node and returns its place.
func (b *base) keep(kind uint32, code []uint32) (at uint32) {
	if kind == nodeProgram {
		at = uint32(len(b.code))
		b.code = append(b.code, code...)
		return at
	}
	at = uint32(len(b.sets))
	b.sets = append(append(b.sets, uint32(len(termsOf(code)))), termsOf(code)...)
	return at
}
