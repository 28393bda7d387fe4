package matcher

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestReadersDuringUpdates lets readers match while a writer goes through a fixed history. The writer
// announces each step before and after, so a reader knows between which two states its view lies, and
// the answer must be the plain evaluation's on one of them.
func TestReadersDuringUpdates(t *testing.T) {
	beside := standard
	beside.backgroundFrom, beside.smallIndex = 0, 0
	t.Run("merges within updates", func(t *testing.T) { readDuringUpdates(t, &standard) })
	t.Run("merges beside updates", func(t *testing.T) { readDuringUpdates(t, &beside) })
}

func readDuringUpdates(t *testing.T, tuned *tuning) {
	const steps = 90
	w := newWorkload(1)
	w.conditions = 0.3
	docs := w.documents(8)
	x, m := New(), model{}
	x.writer = newWriter(tuned)
	history := makeHistory(w, 300, steps)
	answers := make([][][]ID, steps+1) // by state and document
	for i := range answers {
		for _, d := range docs {
			answers[i] = append(answers[i], m.match(d))
		}
		if i < steps {
			m.apply(history[i].add, history[i].remove)
		}
	}

	var started, done atomic.Int32 // steps
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			var e Event
			for i := r; done.Load() < steps; i++ {
				d := i % len(docs)
				from := done.Load()
				v := x.View()
				to := started.Load()
				docs[d].fill(&e, v, false)
				got := matchSorted(v, &e)
				if !slices.ContainsFunc(answers[from:to+1], func(a [][]ID) bool { return slices.Equal(a[d], got) }) {
					t.Errorf("document %d: matched %v, which is no state from %d to %d", d, got, from, to)
					return
				}
			}
		})
	}
	for _, step := range history {
		started.Add(1)
		x.Update(step.add, step.remove)
		done.Add(1)
	}
	readers.Wait()
}

// makeHistory begins with many subscribers and goes on with small changes.
func makeHistory(w *workload, subscribers, steps int) []change {
	history := make([]change, steps)
	history[0].add = w.entries(1, subscribers)
	for i := 1; i < steps; i++ {
		history[i].add = w.entries(ID(1+w.rng.IntN(2*subscribers)), w.rng.IntN(8))
		for range w.rng.IntN(6) {
			history[i].remove = append(history[i].remove, ID(1+w.rng.IntN(2*subscribers)))
		}
	}
	return history
}

// TestWorkload compares on filters that look like real ones, in an index that is large enough for pairs and for all kinds of
// nodes, with a base and a delta.
func TestWorkload(t *testing.T) {
	tuned := standard
	tuned.switchFrom = 2
	w := newWorkload(2)
	w.conditions = 0.3
	x, m := New(), model{}
	x.writer = newWriter(&tuned)
	for _, s := range makeHistory(w, 3000, 40) {
		x.Update(s.add, s.remove)
		m.apply(s.add, s.remove)
	}
	s := x.Stats()
	if s.Delta == 0 || len(x.View().base.schemas) == 0 {
		t.Fatalf("the index has no delta or no pairs: %+v", s)
	}
	kinds := map[uint32]bool{}
	for _, n := range x.View().base.nodes {
		kinds[n.kind()] = true
	}
	if len(kinds) != nodeExcept+1 {
		t.Fatalf("the nodes are of these kinds only: %v", kinds)
	}
	var e Event
	v := x.View()
	for _, d := range w.documents(70) {
		d.fill(&e, v, false)
		if got, want := matchSorted(v, &e), m.match(d); !slices.Equal(got, want) {
			t.Fatalf("matched %d, want %d: %v", len(got), len(want), d)
		}
	}
}

// TestProgramsStaySorted: verification searches the terms of a test, so they must be in order after any
// number of merges, each of which numbers symbols and filters anew.
func TestProgramsStaySorted(t *testing.T) {
	w := newWorkload(6)
	w.conditions = 0.3
	x := New()
	for _, s := range makeHistory(w, 60, 60) {
		x.Update(s.add, s.remove)
	}
	v := x.View()
	for n := range v.base.filters.len() {
		checkSorted(t, packer{v.presence}.unpack(nil, v.base.filters.of(uint32(n))))
	}
}

func checkSorted(t *testing.T, code []uint32) {
	if op := opOf(code); op != opAll && op != opAny {
		if !slices.IsSorted(termsOf(code)) {
			t.Errorf("terms %v", termsOf(code))
		}
		return
	}
	for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
		checkSorted(t, rest)
	}
}
