package matcher

import (
	"fmt"
	"testing"

	"hookline/jql"
)

// TestEventLetsGo: neither many terms that no filter names, nor many that filters do, nor many that conditions look at
// leave an Event, or the index, larger than they were.
func TestEventLetsGo(t *testing.T) {
	const n = 200_000
	x := New()
	x.Update(entriesFor(
		some(is(fieldL, "a"), is(fieldS, "b")), all(is(fieldL, "a"), is(fieldS, "b")),
		&jql.Search{Field: wordsField, Text: "w*"},
	), nil)
	v := x.View()
	before := x.Stats()
	var e Event
	for name, fill := range map[string]func(slot int){
		"unknown terms": func(slot int) {
			for i := range n {
				e.Add(slot, fmt.Appendf(nil, "unknown %d", i))
			}
		},
		"known terms": func(slot int) {
			for range n {
				e.Add(slot, []byte("a"))
				e.Add(slot, []byte("b"))
			}
		},
		"short words": func(slot int) {
			for range n {
				e.Add(slot, []byte("w"))
			}
		},
		"long words": func(slot int) {
			for range 100 {
				e.Add(slot, make([]byte, n))
			}
		},
	} {
		e.Reset(v)
		for slot := range v.Fields() {
			fill(slot)
		}
		v.Match(nil, &e)
		e.Reset(v)
		if after := x.Stats(); after != before {
			t.Errorf("%s: the index went from %+v to %+v", name, before, after)
		}
		if kept := retained(&e); kept > 4<<20 {
			t.Errorf("%s: the event keeps %d bytes", name, kept)
		}
	}
}

// TestEventLetsGoOfManySlots: events that are large in one field each, and never in the same, add up to one that is large
// in all.
func TestEventLetsGoOfManySlots(t *testing.T) {
	const fields, terms = 40, 20_000
	var nodes []jql.Node
	for i := range fields {
		nodes = append(nodes, &jql.Search{Field: jql.Field{Name: fmt.Sprint("f", i), Aspect: wordsField.Aspect}, Text: "w*"})
	}
	x := New()
	x.Update(entriesFor(nodes...), nil)
	v := x.View()
	var e Event
	for slot := range fields {
		e.Reset(v)
		for range terms {
			e.Add(slot, []byte("w"))
		}
		if got := len(v.Match(nil, &e)); got != 1 {
			t.Fatalf("%d matches", got)
		}
	}
	if kept := retained(&e); kept > 4<<20 {
		t.Errorf("the event keeps %d bytes", kept)
	}
}

// TestEventLetsGoOfLists: nor does one that has many of the terms that came since the last merge.
func TestEventLetsGoOfLists(t *testing.T) {
	const n = 100_000
	x := New()
	x.Update(entriesFor(is(fieldL, "a")), nil)
	x.writer.merging = make(chan struct{}) // so that the filters stay in the delta
	var later []Entry
	for i := range n {
		later = append(later, Entry{ID(100 + i), jql.NewFilter(is(fieldL, fmt.Sprint("later ", i)))})
	}
	x.Update(later, nil)
	v := x.View()
	var e Event
	e.Reset(v)
	for i := range n {
		e.Add(0, fmt.Appendf(nil, "later %d", i))
	}
	if got := len(v.Match(nil, &e)); got != n {
		t.Errorf("%d matches, want %d", got, n)
	}
	e.Reset(v)
	if kept := retained(&e); kept > 1<<20 {
		t.Errorf("the event keeps %d bytes", kept)
	}
}

// retained is what an event keeps of what it has seen.
func retained(e *Event) int {
	n := size(e.syms) + size(e.keys) + size(e.runs) + size(e.lists) + size(e.texts.bytes)
	for _, terms := range e.texts.bySlot {
		n += size(terms)
	}
	return n
}
