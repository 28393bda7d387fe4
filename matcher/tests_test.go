package matcher

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// genTests draws tests of a few slots, of which the first has its presence at 1, and programs.
func genTests(presence, values []uint32) *rapid.Generator[[]uint32] {
	return rapid.Custom(func(t *rapid.T) []uint32 {
		slot := rapid.Uint32Range(0, uint32(len(values)-1)).Draw(t, "slot")
		code := []uint32{0, slot}
		op := rapid.SampledFrom([]uint32{opPresent, opIs, opIn, opNotIn, opInOrEmpty, opCondition}).Draw(t, "op")
		terms := 0
		switch op {
		case opIs, opCondition:
			terms = 1
		case opIn:
			terms = rapid.IntRange(2, 3).Draw(t, "terms")
		case opNotIn, opInOrEmpty:
			terms = rapid.IntRange(1, 3).Draw(t, "terms")
		}
		if terms > int(values[slot]) {
			op, terms = opPresent, 0
		}
		symbols := rapid.SliceOfNDistinct(rapid.Uint32Range(1, max(1, values[slot])), terms, terms, rapid.ID).Draw(t, "symbols")
		slices.Sort(symbols)
		for _, s := range symbols {
			code = append(code, presence[slot]+s)
		}
		return closeNode(code, 0, op)
	})
}

// TestArrangement: equal tests have one number, whoever numbers them, tests of one field and kind have ranks beside each other, which
// next leads over, fields with few values come first, and programs last.
func TestArrangement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint32Range(0, 5), 1, 4).Draw(t, "values")
		presence, next := make([]uint32, len(values)), uint32(1)
		for slot, n := range values {
			presence[slot] = next
			next += n + 1
		}
		tests := rapid.SliceOf(genTests(presence, values)).Draw(t, "tests")
		all, some := newResidues(int(next), len(values)), newResidues(int(next), len(values))
		numbers, mine := make([]uint32, len(tests)), len(tests)/2
		for i, code := range tests {
			if i < mine {
				numbers[i] = all.number(code)
			} else {
				numbers[i] = some.number(code)
			}
		}
		as := all.absorb(&some)
		for i := mine; i < len(tests); i++ {
			numbers[i] = as[numbers[i]]
		}
		for i := range tests {
			for j := range i {
				if same := slices.Equal(tests[i], tests[j]); same != (numbers[i] == numbers[j]) {
					t.Fatalf("%v has number %d, %v has %d", tests[i], numbers[i], tests[j], numbers[j])
				}
			}
		}

		a := all.arrange(presence, values)
		checkFamilies(t, a, values)
	})
}

// checkFamilies holds an arrangement against what each test is about.
func checkFamilies(t *rapid.T, a *arrangement, values []uint32) {
	kind := func(code []uint32) int {
		return map[uint32]int{opPresent: 0, opIs: 1, opIn: 1, opNotIn: 2}[opOf(code)]
	}
	for rank := 1; rank < len(a.order); rank++ {
		x, y := a.test(uint32(rank-1)), a.test(uint32(rank))
		related := a.next[rank-1] > uint32(rank)
		if isProgram(x) || isProgram(y) {
			if isProgram(x) && !isProgram(y) || related {
				t.Fatalf("%v and %v: related is %v", x, y, related)
			}
			continue
		}
		c := cmp.Or(cmp.Compare(values[x[1]], values[y[1]]), cmp.Compare(x[1], y[1]), cmp.Compare(kind(x), kind(y)))
		if c > 0 || related != (c == 0) || related && a.next[rank-1] != a.next[rank] {
			t.Fatalf("%v then %v: %d, next %d and %d", x, y, c, a.next[rank-1], a.next[rank])
		}
	}
	for n, rank := range a.rank {
		if a.order[rank] != uint32(n) {
			t.Fatalf("test %d has rank %d, where %d is", n, rank, a.order[rank])
		}
	}
}

// isProgram reports whether a test is none of the symbols of a field.
func isProgram(code []uint32) bool {
	switch opOf(code) {
	case opIs, opIn, opNotIn, opPresent:
		return false
	}
	return true
}
