package matcher

import (
	"fmt"
	"slices"
	"testing"

	"hookline/jql"
)

// TestCrowdedEvent matches an event with so many labels and components that their product is out of the
// question, against pairs in the base and in the delta.
func TestCrowdedEvent(t *testing.T) {
	const n = 300
	pairOf := func(i, j int) *jql.Filter {
		return jql.NewFilter(all(is(fieldL, fmt.Sprint("l", i)), is(fieldS, fmt.Sprint("s", j))))
	}
	x, m := New(), model{}
	apply := func(add []Entry) {
		x.Update(add, nil)
		m.apply(add, nil)
	}
	var first, later []Entry
	for i := range n {
		first = append(first, Entry{ID(i), pairOf(i%20, i%7)}, Entry{ID(n + i), pairOf(i, i)})
		later = append(later, Entry{ID(2*n + i), pairOf(i%20, 7+i%9)})
	}
	apply(first)
	apply(later)
	v := x.View()
	if len(v.base.schemas) == 0 || v.delta.keys == 0 {
		t.Fatalf("no pairs or no delta: %+v", x.Stats())
	}
	d := document{terms: map[jql.Field][]string{}}
	for i := range n {
		if i%3 != 0 {
			d.terms[fieldL] = append(d.terms[fieldL], fmt.Sprint("l", i))
		}
		if i%4 != 0 {
			d.terms[fieldS] = append(d.terms[fieldS], fmt.Sprint("s", i))
		}
	}
	var e Event
	d.fill(&e, v, false)
	got, want := matchSorted(v, &e), m.match(d)
	if !slices.Equal(got, want) {
		t.Errorf("matched %d, want %d", len(got), len(want))
	}
	if limit := 10 * n; len(e.keys) > limit {
		t.Errorf("%d keys for %d terms", len(e.keys), 2*n)
	}
}

// TestEventIsReusable goes from one index to another and back with one event, and matches twice.
func TestEventIsReusable(t *testing.T) {
	shared := jql.NewFilter(some(is(fieldP, "a"), is(fieldS, "a")))
	small, large := New(), New()
	small.Update([]Entry{{1, shared}}, nil)
	var many []Entry
	for i := range 100 {
		many = append(many, Entry{ID(10 + i), jql.NewFilter(some(is(fieldP, "a"), is(fieldL, fmt.Sprint(i))))})
	}
	large.Update(many, nil)
	d := document{terms: map[jql.Field][]string{fieldP: {"a"}, fieldS: {"a"}}}
	var e Event
	for range 3 {
		for _, test := range []struct {
			index *Index
			want  int
		}{{small, 1}, {large, 100}, {New(), 0}} {
			v := test.index.View()
			d.fill(&e, v, false)
			for range 2 {
				if got := len(v.Match(nil, &e)); got != test.want {
					t.Errorf("%d matches, want %d", got, test.want)
				}
			}
		}
	}
	e.Reset(nil)
}

// TestEpochsWrap: marks of an epoch long ago must not look fresh, neither those of filters nor those of
// conditions.
func TestEpochsWrap(t *testing.T) {
	x := New()
	x.Update(entriesFor(some(is(fieldP, "a"), is(fieldS, "a")), after(fieldP, "0")), nil)
	v := x.View()
	var e Event
	for round := range 4 {
		term, want := "a", 2
		if round%2 == 1 {
			term, want = "", 0
		}
		d := document{terms: map[jql.Field][]string{fieldP: {term}}}
		d.fill(&e, v, false)
		e.epoch = ^uint32(0) - 1
		if got := v.Match(nil, &e); len(got) != want {
			t.Fatalf("%d matches of %q, want %d", len(got), term, want)
		}
	}
}

// TestCrowdedEventOfAnOldView: a View keeps its pairs although lists of later ones are in the table that it shares.
func TestCrowdedEventOfAnOldView(t *testing.T) {
	tuned := standard
	tuned.smallIndex, tuned.maxCombinations = 0, 0
	x, m := New(), model{}
	x.writer = newWriter(&tuned)
	pair := func(i int) Entry {
		return Entry{ID(i), jql.NewFilter(all(is(fieldS, fmt.Sprint("s", i)), is(fieldL, fmt.Sprint("l", i))))}
	}
	var first []Entry
	for a := range 40 {
		for b := range 40 {
			first = append(first, Entry{ID(1000 + a*40 + b), jql.NewFilter(all(is(fieldS, fmt.Sprint("s", a)), is(fieldL, fmt.Sprint("l", b))))})
		}
	}
	x.Update(first, nil)
	m.apply(first, nil)
	d := document{terms: map[jql.Field][]string{}}
	for i := range 200 {
		d.terms[fieldS] = append(d.terms[fieldS], fmt.Sprint("s", i))
		d.terms[fieldL] = append(d.terms[fieldL], fmt.Sprint("l", i))
	}
	type kept struct {
		v    *View
		want []ID
	}
	var old []kept
	for i := range 200 {
		x.Update([]Entry{pair(i)}, nil)
		m.apply([]Entry{pair(i)}, nil)
		old = append(old, kept{x.View(), m.match(d)})
	}
	if v := x.View(); len(v.base.schemas) == 0 || v.delta.keys == 0 {
		t.Fatalf("no pairs or no delta: %+v", x.Stats())
	}
	var e Event
	for i, o := range old {
		d.fill(&e, o.v, false)
		if got := matchSorted(o.v, &e); !slices.Equal(got, o.want) {
			t.Fatalf("view %d: %d matches, want %d", i, len(got), len(o.want))
		}
	}
}
