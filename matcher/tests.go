package matcher

import (
	"cmp"
	"slices"
)

// residues collects the tests that are left of filters once their keys are known, each distinct one once, and gives them
// an order. Filters of a bucket then share as many first tests as they can: tests of fields with few values come first,
// since more filters have those in common, and programs come last, since they cost the most.
type residues struct {
	words  []uint32 // of all tests
	starts []uint32 // by number
	table  cells
	large  map[*uint32]uint32 // numbers of the largest tests, by where their words are

	rank  []uint32 // by number
	order []uint32 // by rank: the number
}

// opPresent is a test that only residues know: the field is not empty. What rules out values of a field asks for that as
// well. Where it is not part of the same test it is one by itself, so that all that need it share it.
const opPresent = opMask

// add appends the numbers of the tests that a node of a program stands for. known reports whether the field of a slot is
// known not to be empty, or found to be by whatever test rules out its values.
func (r *residues) add(dst []uint32, code []uint32, known func(slot uint32) bool) []uint32 {
	if opOf(code) == opNotIn && (len(termsOf(code)) == 0 || !known(code[1])) {
		dst = append(dst, r.number([]uint32{opPresent | 2<<opBits, code[1]}))
	}
	if opOf(code) == opNotIn && len(termsOf(code)) == 0 {
		return dst
	}
	return append(dst, r.number(code))
}

// number returns the number of a test. One that is left of every part of a large disjunction comes by as often as that has
// parts, at the same place, and is compared once.
func (r *residues) number(code []uint32) uint32 {
	const large = 64
	if len(code) < large {
		return r.numberOf(code)
	}
	n, known := r.large[&code[0]]
	if !known {
		if r.large == nil {
			r.large = make(map[*uint32]uint32)
		}
		n = r.numberOf(code)
		r.large[&code[0]] = n
	}
	return n
}

func (r *residues) numberOf(code []uint32) uint32 {
	hash := hashWords(code)
	at := hash
	for {
		n := r.table.next(hash, &at)
		if n == 0 {
			break
		}
		if slices.Equal(r.of(n-1), code) {
			return n - 1
		}
	}
	n := uint32(len(r.starts))
	r.starts = append(r.starts, uint32(len(r.words)))
	r.words = append(r.words, code...)
	r.table = r.table.add(hash, n+1, int(n))
	return n
}

func hashWords(code []uint32) uint32 {
	h := uint64(len(code))
	for _, w := range code {
		h = mix(h ^ uint64(w))
	}
	return uint32(h >> 32)
}

// of returns the words of a test.
func (r *residues) of(n uint32) []uint32 { return nodeOf(r.words[r.starts[n]:]) }

// arrange gives all tests their ranks, by the number of values that are named of each slot.
func (r *residues) arrange(values []uint32) {
	r.order = make([]uint32, len(r.starts))
	for n := range r.order {
		r.order[n] = uint32(n)
	}
	slices.SortFunc(r.order, func(x, y uint32) int { return compareTests(r.of(x), r.of(y), values) })
	r.rank = make([]uint32, len(r.starts))
	for rank, n := range r.order {
		r.rank[n] = uint32(rank)
	}
	r.table, r.large = nil, nil
}

func compareTests(x, y []uint32, values []uint32) int {
	if c := cmp.Compare(classOf(x), classOf(y)); c != 0 || classOf(x) == classProgram {
		return cmp.Or(c, slices.Compare(x, y))
	}
	return cmp.Or(cmp.Compare(values[x[1]], values[y[1]]), cmp.Compare(x[1], y[1]),
		cmp.Compare(kindOrder(x), kindOrder(y)), slices.Compare(x[2:], y[2:]))
}

// Classes of tests, in their order.
const (
	classSymbols = iota
	classProgram
)

func classOf(code []uint32) int {
	switch opOf(code) {
	case opIs, opIn, opNotIn, opPresent:
		return classSymbols
	}
	return classProgram
}

// kindOrder puts the tests of one field into an order: what several others may share comes first.
func kindOrder(code []uint32) int {
	switch opOf(code) {
	case opPresent:
		return 0
	case opNotIn:
		return 2
	}
	return 1
}
