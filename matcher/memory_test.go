package matcher

import (
	"runtime"
	"testing"
	"unsafe"

	"hookline/jql"
)

func TestMatchDoesNotAllocate(t *testing.T) {
	t.Run("without conditions", func(t *testing.T) { matchWithoutAllocation(t, newWorkload(3)) })
	t.Run("with conditions", func(t *testing.T) {
		w := newWorkload(3)
		w.conditions = 0.3
		matchWithoutAllocation(t, w)
	})
}

func matchWithoutAllocation(t *testing.T, w *workload) {
	x := New()
	x.Update(w.entries(1, 2000), nil)
	x.Update(w.entries(1900, 200), []ID{1, 2, 3})
	v := x.View()
	var events []prepared
	for _, d := range w.documents(50) {
		events = append(events, d.prepare(v))
	}
	var e Event
	var ids []ID
	i := 0
	one := func() {
		events[i%len(events)].fill(&e, v)
		e.SetPresent(0)
		e.SetTime(firstDay)
		ids = v.Match(ids[:0], &e)
		i++
	}
	for range events {
		one()
	}
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations per event", n)
	}
}

// TestUnknownTermsLeaveNoTrace: an event's terms are looked up only.
func TestUnknownTermsLeaveNoTrace(t *testing.T) {
	x := New()
	x.Update([]Entry{{1, jql.NewFilter(&jql.Test{Field: testFields[0], Terms: []string{"a"}})}}, nil)
	before := x.Stats()
	var e Event
	e.Reset(x.View())
	for i := range 100_000 {
		e.Add(0, []byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	x.View().Match(nil, &e)
	if after := x.Stats(); after != before || cap(e.syms) > 8 {
		t.Errorf("%+v became %+v, %d terms kept", before, after, cap(e.syms))
	}
}

// The budget of a service with thousands of tenants, each with an index of its own.
func TestSmallIndexesAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(Index{}); n > 500 {
		t.Errorf("an empty index takes %d bytes", n)
	}
	w := newWorkload(4)
	const tenants, filters = 12, 100
	var entries [][]Entry
	for range tenants {
		entries = append(entries, w.entries(1, filters))
	}
	indexes := make([]*Index, tenants)
	before := heap()
	for i := range indexes {
		indexes[i] = New()
		for _, e := range entries[i] {
			indexes[i].Update([]Entry{e}, nil)
		}
	}
	got := (heap() - before) / tenants
	runtime.KeepAlive(entries)
	t.Logf("%d bytes of heap, %d by Stats", got, indexes[0].Stats().Bytes)
	if got > 60_000 {
		t.Errorf("an index of %d filters takes %d bytes", filters, got)
	}
}

// TestChurnIsBounded: what is removed does not stay.
func TestChurnIsBounded(t *testing.T) {
	w := newWorkload(5)
	x := New()
	entries := w.entries(1, 3000)
	x.Update(entries[:200], nil)
	before := x.Stats()
	for i := 200; i < len(entries); i += 10 {
		x.Update(entries[i:i+10], idsOf(entries[i-200:i-190]))
	}
	after := x.Stats()
	if after.Subscribers != 200 || after.Terms > 3*before.Terms || after.Bytes > 4*before.Bytes {
		t.Errorf("%+v became %+v", before, after)
	}
	x.Update(nil, idsOf(entries))
	if s := x.Stats(); s.Filters != 0 || s.Terms != 0 || s.Keys != 0 || s.Bytes > 8000 {
		t.Errorf("emptied: %+v", s)
	}
}

func idsOf(entries []Entry) []ID {
	ids := make([]ID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids
}

// TestLongOperandsDoNotAllocate: beyond some bytes, what looks like a comparison may be a copy.
func TestLongOperandsDoNotAllocate(t *testing.T) {
	x := New()
	x.Update(entriesFor(
		&jql.Range{Field: fieldP, Op: jql.Less, Prefix: longPrefix, Bound: longPrefix},
		&jql.Range{Field: fieldP, Op: jql.Eq, Negate: true, Prefix: "l", Bound: longPrefix},
		&jql.Range{Field: fieldP, Op: jql.GreaterEq, Moment: &jql.Moment{
			End: true, Period: jql.Month, Shift: []jql.Shift{{Count: -2, Unit: jql.Hour}, {Count: 1, Unit: jql.Year}},
		}},
		&jql.Search{Field: wordsField, Text: longPrefix + "?*"},
		&jql.Search{Field: phrasesField, Text: " " + longPrefix},
	), nil)
	v := x.View()
	term := []byte(" " + longPrefix + " " + longPrefix + "a")
	var e Event
	ids := make([]ID, 0, 5)
	one := func() {
		e.Reset(v)
		e.SetTime(firstDay)
		for slot := range v.Fields() {
			e.Add(slot, term)
			e.Add(slot, term[1:])
		}
		ids = v.Match(ids[:0], &e)
	}
	one()
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations per event", n)
	}
}
