package matcher

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMergeDue: few changes wait for many more where merges would otherwise take more than a small part of the time.
func TestMergeDue(t *testing.T) {
	for _, c := range []struct {
		name    string
		based   int
		changes int
		since   time.Duration // the last merge, which took a second
		want    bool
	}{
		{"half of a small index", 500, 250, time.Hour, false},
		{"more than half of a small index", 500, 251, 0, true},
		{"a thousand changes", 20_000, 1024, time.Hour, false},
		{"more than a thousand changes", 20_000, 1025, 0, true},
		{"a fiftieth after a rest", 50_000, 1025, 31 * time.Second, true},
		{"a fiftieth without", 50_000, 1025, 30 * time.Second, false},
		{"a hundredth after a rest", 200_000, 2001, 31 * time.Second, true},
		{"a hundredth without", 200_000, 2001, 30 * time.Second, false},
		{"a twentieth without", 200_000, 10_001, 0, true},
		{"less than a hundredth", 200_000, 2000, time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(&standard)
				w.base = &base{holdings: holdings{ids: make([]ID, c.based)}}
				w.changes, w.merged, w.mergeTook = c.changes, time.Now(), time.Second
				time.Sleep(c.since)
				if got := w.mergeDue(); got != c.want {
					t.Errorf("%d changes of %d subscribers, %v after a merge: due %v", c.changes, c.based, c.since, got)
				}
			})
		})
	}
}

// TestLargeUpdateMerges: of two updates that are large, and after which a merge is due, only the one that is large for the index waits for it.
func TestLargeUpdateMerges(t *testing.T) {
	for _, c := range []struct {
		own  int
		want bool
	}{{2001, false}, {9999, false}, {10_000, true}} {
		w := newWriter(&standard)
		w.base = &base{holdings: holdings{ids: make([]ID, 200_000)}}
		w.subscribers, w.changes = 200_000, 10_001
		if !w.mergeDue() || w.mergeNow(c.own) != c.want {
			t.Errorf("%d changes of their own in an index of 200,000: due %v, now %v", c.own, w.mergeDue(), w.mergeNow(c.own))
		}
	}
}

// TestMergesAreTimed: each way to make a base notes when and how long.
func TestMergesAreTimed(t *testing.T) {
	tuned := standard
	tuned.smallIndex, tuned.backgroundFrom = 0, 1000
	w, x := newWorkload(6), New()
	x.writer = newWriter(&tuned)
	timed := func(how string, make func()) {
		t.Helper()
		begin := time.Now()
		x.writer.merged, x.writer.mergeTook = time.Time{}, 0
		make()
		x.settle()
		if at, took := x.writer.merged, x.writer.mergeTook; at.Before(begin) || took <= 0 || took > time.Since(begin) {
			t.Errorf("%s: over %v after it began, took %v", how, at.Sub(begin), took)
		}
	}
	timed("fill", func() { x.Update(w.entries(0, 500), nil) })
	timed("within an update", func() { x.Update(w.entries(500, 400), nil) })
	timed("beside", func() {
		x.Update(w.entries(900, 200), nil)
		x.Update(w.entries(1100, 1000), nil)
	})
	if s := x.Stats(); s.Delta != 0 {
		t.Errorf("%d changes are left", s.Delta)
	}
}

// TestMergeAfterMerge: what comes while a merge runs beside the updates is merged, too, if it is much, although no other update comes.
func TestMergeAfterMerge(t *testing.T) {
	tuned := standard
	tuned.smallIndex, tuned.backgroundFrom = 0, 0
	w, x, m := newWorkload(5), New(), model{}
	x.writer = newWriter(&tuned)
	first, second := w.entries(0, 100), w.entries(50, 1000)
	x.Update(first, nil)
	m.apply(first, nil)

	x.mu.Lock() // which the merge takes before it is over
	x.mergeBeside()
	x.writer.update(second, []ID{1, 2, 3})
	m.apply(second, []ID{1, 2, 3})
	x.publish()
	x.mu.Unlock()
	x.settle()

	if s := x.Stats(); s.Delta != 0 || s.Subscribers != len(m) {
		t.Errorf("%d changes are left, of %d subscribers", s.Delta, s.Subscribers)
	}
	var e Event
	for _, d := range w.documents(20) {
		compareTo(t, x.View(), m, d, &e)
	}
}
