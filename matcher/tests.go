package matcher

import (
	"cmp"
	"slices"
)

// residues collects the tests that are left of filters once their keys are known, each distinct one once, and gives them
// an order. Filters of a bucket then share as many first tests as they can: tests of fields with few values come first,
// since more filters have those in common, and programs come last, since they cost the most.
type residues struct {
	words   []uint32           // of all tests
	starts  []uint32           // by number
	is      []uint32           // by symbol: the number of the test for it alone, plus 1
	present []uint32           // by slot: the number of the test for its presence, plus 1
	table   cells              // of the other tests
	large   map[*uint32]uint32 // numbers of the largest tests, by where their words are
}

// opPresent is a test that only residues know: the field is not empty. What rules out values of a field asks for that as
// well. Where it is not part of the same test it is one by itself, so that all that need it share it.
const opPresent = opMask

func newResidues(symbols, slots int) residues {
	return residues{is: make([]uint32, symbols), present: make([]uint32, slots)}
}

// add appends the numbers of the tests that a node of a program stands for. known reports whether the field of a slot is
// known not to be empty, or found to be by whatever test rules out its values.
func (r *residues) add(dst []uint32, code []uint32, known func(slot uint32) bool) []uint32 {
	if opOf(code) != opNotIn {
		return append(dst, r.number(code))
	}
	terms, slot := len(termsOf(code)), code[1]
	if terms == 0 || !known(slot) {
		dst = append(dst, r.presence(slot))
	}
	if terms > 0 {
		dst = append(dst, r.number(code))
	}
	return dst
}

// number returns the number of a test. One that is left of every part of a large disjunction comes by as often as that has
// parts, at the same place, and is compared once.
func (r *residues) number(code []uint32) uint32 {
	const large = 64
	switch {
	case opOf(code) == opPresent:
		return r.presence(code[1])
	case opOf(code) == opIs:
		if at := &r.is[code[2]]; *at == 0 {
			*at = r.push(code...) + 1
		}
		return r.is[code[2]] - 1
	case len(code) < large:
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

func (r *residues) presence(slot uint32) uint32 {
	if r.present[slot] == 0 {
		r.present[slot] = r.push(opPresent|2<<opBits, slot) + 1
	}
	return r.present[slot] - 1
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
	n := r.push(code...)
	r.table = r.table.add(hash, n+1, int(n))
	return n
}

func (r *residues) push(code ...uint32) (n uint32) {
	r.starts = append(r.starts, uint32(len(r.words)))
	r.words = append(r.words, code...)
	return uint32(len(r.starts) - 1)
}

// absorb returns the numbers that the tests of others have here.
func (r *residues) absorb(others *residues) (as []uint32) {
	as = make([]uint32, len(others.starts))
	for n := range as {
		as[n] = uint32(n)
		if r != others {
			as[n] = r.number(others.of(uint32(n)))
		}
	}
	return as
}

func hashWords(code []uint32) uint32 {
	h := secret + uint64(len(code))
	for _, w := range code {
		h = mix(h ^ uint64(w))
	}
	return uint32(h >> 32)
}

// of returns the words of a test.
func (r *residues) of(n uint32) []uint32 { return nodeOf(r.words[r.starts[n]:]) }

// arrangement is the order of residues.
type arrangement struct {
	*residues
	rank  []uint32 // by number
	order []uint32 // by rank: the number
	next  []uint32 // by rank: the first rank behind the tests of the same field and kind
}

// arrange gives all tests their ranks, by the presence and the number of values of each slot.
//
// A test has a place by what is named first in it: each slot has one for its presence, one for each of its symbols in tests
// that ask for them, and one for each in tests that rule them out; programs share the last. So few tests have the same.
func (r *residues) arrange(presence, values []uint32) *arrangement {
	a := &arrangement{residues: r, rank: make([]uint32, len(r.starts)), next: make([]uint32, len(r.starts))}
	first, programs := placesOf(values)
	numbers := make([]uint32, len(r.starts))
	for n := range numbers {
		numbers[n] = uint32(n)
	}
	order, ends := deal(programs+1, func(n *uint32) int {
		switch code := r.of(*n); opOf(code) {
		case opPresent:
			return int(first[code[1]])
		case opIs, opIn:
			return int(first[code[1]] + code[2] - presence[code[1]])
		case opNotIn:
			return int(first[code[1]] + values[code[1]] + code[2] - presence[code[1]])
		}
		return programs
	}, numbers)
	sortDealt(order, ends, func(x, y uint32) int { return slices.Compare(r.of(x), r.of(y)) })
	for rank, n := range order {
		a.rank[n], a.next[rank] = uint32(rank), uint32(rank+1)
	}
	a.order = order
	for slot, at := range first {
		a.join(ends, at+1, at+values[slot])
		a.join(ends, at+1+values[slot], at+2*values[slot])
	}
	return a
}

// placesOf returns the first place for the tests of each slot, and the place for programs.
func placesOf(values []uint32) (first []uint32, programs int) {
	slots := make([]uint32, len(values))
	for slot := range slots {
		slots[slot] = uint32(slot)
	}
	slices.SortFunc(slots, func(x, y uint32) int { return cmp.Or(cmp.Compare(values[x], values[y]), cmp.Compare(x, y)) })
	first = make([]uint32, len(values))
	next := uint32(0)
	for _, slot := range slots {
		first[slot] = next
		next += 1 + 2*values[slot]
	}
	return first, int(next)
}

// join notes that the tests of the places from lo to hi are of the same field and kind.
func (a *arrangement) join(ends []uint32, lo, hi uint32) {
	for rank, end := ends[lo-1], ends[hi]; rank < end; rank++ {
		a.next[rank] = end
	}
}

// test returns the test of a rank.
func (a *arrangement) test(rank uint32) []uint32 { return a.of(a.order[rank]) }
