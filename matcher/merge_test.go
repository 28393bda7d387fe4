package matcher

import "testing"

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
