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
