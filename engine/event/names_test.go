package event

import (
	"fmt"
	"math"
	"testing"
)

// TestNames fills the table with the same names in two objects, written plainly in one and as if they
// had been escaped in the other, and asks for every one of them again, with the table grown in between.
func TestNames(t *testing.T) {
	var text []byte
	var spans [][2]int
	for i := range 5000 {
		start := len(text)
		text = fmt.Appendf(text, "member-%d", i)
		spans = append(spans, [2]int{start, len(text)})
	}
	var n names
	n.reset()
	plain, escaped := n.open(), n.open()
	insert := func(want bool) {
		for _, span := range spans {
			name := text[span[0]:span[1]]
			if n.insert(plain, name, span[0], text) != want {
				t.Fatalf("plain %s: not %v", name, want)
			}
			name, start := n.keep(name)
			if n.insert(escaped, name, start, text) != want {
				t.Fatalf("escaped %s: not %v", name, want)
			}
		}
	}
	insert(true)
	insert(false)
	n.reset()
	plain, escaped = n.open(), n.open()
	insert(true)
}

// TestNamesAfterManyBodies checks that names of old bodies do not come back when the count of bodies
// starts over.
func TestNamesAfterManyBodies(t *testing.T) {
	text := []byte("a")
	var n names
	n.reset()
	if !n.insert(n.open(), text, 0, text) {
		t.Fatal("not inserted")
	}
	n.body = math.MaxUint32
	n.reset()
	if !n.insert(n.open(), text, 0, text) {
		t.Error("the name of another body was found")
	}
}
