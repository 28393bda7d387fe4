package queue

import (
	"sync"
	"testing"
	"time"
)

// measures collects what Committed and Refilled are told.
type measures struct {
	mu               sync.Mutex
	accepts, settles int
	passed           []int
}

func (m *measures) committed(synced bool, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if synced {
		m.accepts++
	} else {
		m.settles++
	}
}

func (m *measures) refilled(passed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed = append(m.passed, passed)
}

// reset returns what was collected since the last time.
func (m *measures) reset() measures {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.accepts, m.settles, m.passed = 0, 0, nil }()
	return measures{accepts: m.accepts, settles: m.settles, passed: m.passed}
}

// Commits are told apart by whether they wait for the disk.
func TestCommitsAreMeasured(t *testing.T) {
	var m measures
	h := newHouse(t, Options{Committed: m.committed})
	h.accept("a", to(1)...)
	h.accept("b", to(1)...)
	if got := m.reset(); got.accepts != 2 || got.settles != 0 {
		t.Errorf("two accepts: %+v", &got)
	}
	h.settle(h.take(1), done)
	h.flush()
	if got := m.reset(); got.accepts != 0 || got.settles != 1 {
		t.Errorf("an outcome: %+v", &got)
	}
}

// A refill that begins before what was settled passes over it, as long as it is there; one that begins behind it does not.
func TestRefillsTellWhatTheyPass(t *testing.T) {
	const n = 100
	var m measures
	h := newHouse(t, Options{Refilled: m.refilled, Window: 10})
	for range n {
		h.accept("x", to(1)...)
	}
	for range n / 2 {
		h.settle(h.take(1), done)
	}
	h.flush()
	got := m.reset()
	if len(got.passed) < n/2/10-1 {
		t.Errorf("%d refills of a window of 10 for %d deliveries", len(got.passed), n/2)
	}
	for _, passed := range got.passed {
		if passed > 2*n {
			t.Errorf("a refill passed %d keys", passed)
		}
	}
	e := h.lockEndpoint(1)
	e.clear() // a cursor at the beginning, as an accept that is late would leave it
	e.lanes[Fresh].cursor = start
	e.mu.Unlock()
	h.take(1)
	if got := m.reset(); len(got.passed) != 1 || got.passed[0] < n/2 {
		t.Errorf("a refill from the beginning passed %v keys, %d are deleted", got.passed, n/2)
	}
}
