package event

import (
	"fmt"
	"testing"
)

// TestNames fills the table with the same names in two objects, one inside the other, written plainly in one and as if
// they had been escaped in the other, and asks for every one of them again, with the table grown in between.
func TestNames(t *testing.T) {
	var text []byte
	var spans [][2]int
	for i := range 5000 {
		start := len(text)
		text = fmt.Appendf(text, "member-%d", i)
		spans = append(spans, [2]int{start, len(text)})
	}
	var n names
	fill := func(o *opened, size int, want, escaped bool) {
		for _, span := range spans[:size] {
			plain, start := text[span[0]:span[1]], span[0]
			if escaped {
				plain, start = n.keep(plain)
			}
			if n.insert(o, name{keyOf(plain), start, len(plain)}, text) != want {
				t.Fatalf("%s: not %v", plain, want)
			}
		}
	}
	for _, size := range []int{1, most - 1, most, most + 1, most + 2, 5000, 3} {
		n.reset()
		outer := n.open()
		fill(&outer, size/2, true, false)
		inner := n.open()
		fill(&inner, size, true, true)
		fill(&inner, size, false, false)
		n.close(&inner)
		next := n.open()
		fill(&next, size, true, false)
		n.close(&next)
		fill(&outer, size/2, false, true)
		n.close(&outer)
	}
}

// TestNamesOfOneKey has names that only their middle tells apart.
func TestNamesOfOneKey(t *testing.T) {
	var n names
	n.reset()
	o := n.open()
	text := []byte("customfield_AA_customfieldcustomfield_BB_customfield")
	half := len(text) / 2
	for i, want := range []bool{true, true, false} {
		start := i % 2 * half
		plain := text[start:][:half]
		if n.insert(&o, name{keyOf(plain), start, half}, text) != want {
			t.Errorf("%d: not %v", i, want)
		}
	}
}
