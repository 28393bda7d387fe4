package matcher

import (
	"fmt"
	"runtime"
	"testing"

	"hookline/jql"
)

// TestAnUpdateBringsManyFields: what an update allocates must follow what it brings, also where each of its filters asks
// something of a field of its own. A copy of what is asked for each question would take 300 MB here.
func TestAnUpdateBringsManyFields(t *testing.T) {
	const fields = 6000
	tuned := standard
	tuned.largeUpdate, tuned.backgroundFrom, tuned.smallIndex = 1<<30, 1<<30, 0
	x := New()
	x.writer = newWriter(&tuned)
	x.Update(entriesFor(is(fieldP, "a")), nil)
	x.writer.merging = make(chan struct{}) // so that the fields stay in the delta
	var add []Entry
	for i := range fields {
		f := jql.Field{Name: fmt.Sprint("f", i)}
		add = append(add, Entry{ID(100 + i), jql.NewFilter(some(orEmpty(f, "x"), not(f, "y")))})
	}
	before := x.View()
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	x.Update(add, nil)
	runtime.ReadMemStats(&to)
	if took := to.TotalAlloc - from.TotalAlloc; took > 50<<20 {
		t.Errorf("%d bytes for %d fields", took, fields)
	}

	x.Update([]Entry{{1 << 20, jql.NewFilter(orEmpty(fieldS))}}, nil)
	v := x.View()
	if len(before.interests.empty) != 0 || len(v.interests.empty) != fields+1 {
		t.Errorf("%d fields may be empty, and %d before", len(v.interests.empty), len(before.interests.empty))
	}
	x.Update([]Entry{{1<<20 + 1, jql.NewFilter(not(fieldS))}}, nil)
	if slot := uint32(len(v.fields) - 1); v.interests.of(slot) != wantEmpty || x.View().interests.of(slot) != wantEmpty|wantPresent {
		t.Error("a view changed what it asks of a field, or the one after it did not")
	}
	var e Event
	e.Reset(v)
	if got := len(v.Match(nil, &e)); got != fields+1 {
		t.Errorf("%d matches of an empty event, want %d", got, fields+1)
	}
}
