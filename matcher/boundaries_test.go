package matcher

import (
	"fmt"
	"slices"
	"testing"

	"hookline/jql"
)

// TestWordBoundaries gives a field as many values as fit into one word of bits, and one more or less, behind a field that
// fills a word: what rules out the first or the last value must see it, wherever its bit is.
func TestWordBoundaries(t *testing.T) {
	tuned := standard
	tuned.exceptFrom, tuned.minSaved = 1<<30, 1<<30
	for n := wordBits - 3; n <= wordBits+3; n++ {
		x, m := New(), model{}
		x.writer = newWriter(&tuned)
		var add []Entry
		enter := func(node jql.Node) { add = append(add, Entry{ID(len(add)), jql.NewFilter(node)}) }
		for i := range wordBits - 1 {
			enter(is(fieldP, fmt.Sprint("v", i)))
		}
		for i := range n {
			enter(all(is(fieldP, "v0"), not(fieldS, fmt.Sprint("v", i))))
		}
		x.Update(add, nil)
		m.apply(add, nil)
		if v := x.View(); v.presence[1]%wordBits != 0 {
			t.Fatalf("the symbols of the field begin at %d", v.presence[1])
		}
		var e Event
		for i := range n + 1 {
			d := document{terms: map[jql.Field][]string{fieldP: {"v0"}, fieldS: {fmt.Sprint("v", i)}}}
			compareTo(t, x.View(), m, d, &e)
		}
	}
}

// TestPairsOfSeveralValues: an event with several values of either field, or of both, comes to a filter under several
// pairs and still matches it once.
func TestPairsOfSeveralValues(t *testing.T) {
	tuned := standard
	tuned.minSaved, tuned.smallIndex = 0, 0
	x, m := New(), model{}
	x.writer = newWriter(&tuned)
	add := entriesFor(all(is(fieldP, "a", "b"), is(fieldS, "c", "d")), all(is(fieldP, "a"), is(fieldS, "c")))
	x.Update(add, nil)
	m.apply(add, nil)
	if len(x.View().base.schemas) == 0 {
		t.Fatal("no pairs")
	}
	values := [][]string{{"a"}, {"a", "b"}, {"b", "other"}}
	others := [][]string{{"c"}, {"c", "d"}, {"d", "other"}}
	var e Event
	for _, p := range values {
		for _, s := range others {
			compareTo(t, x.View(), m, document{terms: map[jql.Field][]string{fieldP: p, fieldS: s}}, &e)
		}
	}
}

// TestUpdateDuringAMergeKeepsNothingOfItsArguments: what a merge missed is repeated after it, when the caller has long
// used its slices for something else.
func TestUpdateDuringAMergeKeepsNothingOfItsArguments(t *testing.T) {
	tuned := standard
	tuned.smallIndex = 0
	x, m := New(), model{}
	x.writer = newWriter(&tuned)
	first := entriesFor(is(fieldP, "a"), is(fieldP, "b"))
	x.Update(first, nil)
	m.apply(first, nil)

	w := x.writer
	merger := w.newMerger()
	w.merging = make(chan struct{})
	add, remove := []Entry{{50, jql.NewFilter(is(fieldS, "c"))}}, []ID{first[0].ID}
	x.Update(add, remove)
	m.apply(add, remove)
	add[0], remove[0] = Entry{51, first[1].Filter}, first[1].ID
	merger.run(2)
	w.adopt(merger)
	w.catchUp()
	w.merging = nil
	x.publish()

	var e Event
	for _, d := range []document{
		{terms: map[jql.Field][]string{fieldP: {"a", "b"}}},
		{terms: map[jql.Field][]string{fieldS: {"c"}}},
	} {
		compareTo(t, x.View(), m, d, &e)
	}
}

func compareTo(t *testing.T, v *View, m model, d document, e *Event) {
	t.Helper()
	d.fill(e, v, false)
	if got, want := matchSorted(v, e), m.match(d); !slices.Equal(got, want) {
		t.Errorf("%v: matched %v, want %v", d.terms, got, want)
	}
}
