package matcher

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hookline/jql"
)

// termOf finds a term by its text at a field.
func termOf(t *testing.T, v *View, f jql.Field, text string) Term {
	t.Helper()
	for slot, have := range v.Fields() {
		if id, ok := v.Find(slot, text); ok && have == f {
			return v.Term(id)
		}
	}
	t.Fatalf("no filter names %s", text)
	return Term{}
}

func noteAt(v *View, f jql.Field, text string, at time.Time) {
	var e Event
	document{terms: map[jql.Field][]string{f: {text}}}.fill(&e, v, false)
	v.Match(nil, &e)
	e.Note(at)
}

// TestSightings: what events had is kept through all that an index goes through, each with its time.
func TestSightings(t *testing.T) {
	for name, tuned := range map[string]tuning{
		"rebuilt each time": {smallIndex: 1000, maxKeys: 256},
		"delta":             {backgroundFrom: 1000, maxKeys: 256},
		"merges beside":     {largeUpdate: 1000, maxKeys: 256},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				x := New()
				x.writer = newWriter(&tuned)
				x.Update([]Entry{{1, jql.NewFilter(is(fieldP, "x", "y"))}, {2, jql.NewFilter(is(fieldS, "x"))}}, nil)
				check := func(f jql.Field, text string, seen bool, since time.Duration) {
					t.Helper()
					term := termOf(t, x.View(), f, text)
					if term.Seen != seen || !term.Since.Equal(start.Add(since)) || term.Text != text || term.Field != f {
						t.Errorf("%+v; want seen %v, since %v after the start", term, seen, since)
					}
				}
				check(fieldP, "x", false, 0)
				time.Sleep(time.Hour)
				noteAt(x.View(), fieldP, "x", time.Now().Add(59*time.Second))
				check(fieldP, "x", true, time.Hour)
				check(fieldP, "y", false, 0)
				check(fieldS, "x", false, 0)
				noteAt(x.View(), fieldP, "x", start) // late
				check(fieldP, "x", true, time.Hour)

				time.Sleep(time.Hour)
				for i := range ID(60) {
					x.Update([]Entry{{10 + i, jql.NewFilter(is(fieldP, fmt.Sprint("p", i)))}}, []ID{2})
				}
				x.settle()
				noteAt(x.View(), fieldP, "p7", time.Now().Add(time.Minute))
				x.Update(nil, []ID{10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51})
				x.settle()
				check(fieldP, "x", true, time.Hour)
				check(fieldP, "y", false, 0)
				check(fieldP, "p7", true, 2*time.Hour+time.Minute)
				check(fieldP, "p8", false, 2*time.Hour)
			})
		})
	}
}

// TestNotesDuringUpdates: events may be noted while the index changes; a term that they go on having is seen at the end.
func TestNotesDuringUpdates(t *testing.T) {
	x := New()
	beside := standard
	beside.backgroundFrom, beside.smallIndex = 0, 0
	x.writer = newWriter(&beside)
	x.Update([]Entry{{1, jql.NewFilter(is(fieldP, "x"))}}, nil)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for at := time.Now(); ; at = at.Add(time.Minute) {
				noteAt(x.View(), fieldP, "x", at)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range ID(500) {
		x.Update([]Entry{{2 + i, jql.NewFilter(is(fieldP, fmt.Sprint("p", i)))}}, nil)
	}
	x.settle()
	close(stop)
	readers.Wait()
	noteAt(x.View(), fieldP, "x", time.Now())
	if !termOf(t, x.View(), fieldP, "x").Seen || termOf(t, x.View(), fieldP, "p499").Seen {
		t.Error("x was not seen, or p499 was")
	}
}

// TestNoteDoesNotAllocate, as matching does not.
func TestNoteDoesNotAllocate(t *testing.T) {
	w := newWorkload(3)
	x := New()
	x.Update(w.entries(1, 500), nil)
	v := x.View()
	prepared := w.document().prepare(v)
	var e Event
	at := firstDay
	note := func() {
		prepared.fill(&e, v)
		e.Note(at)
		at = at.Add(time.Minute)
	}
	note()
	if n := testing.AllocsPerRun(100, note); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNote(b *testing.B) {
	w := newWorkload(1)
	x := New()
	x.Update(w.entries(1, 10_000), nil)
	v := x.View()
	var e Event
	w.document().prepare(v).fill(&e, v)
	v.Match(nil, &e)
	for b.Loop() {
		e.Note(firstDay)
	}
	b.ReportMetric(float64(len(e.syms)), "terms")
}
