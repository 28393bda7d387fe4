package queue

import "testing"

// Purges come while a scan of the endpoint is held up, and settlements and releases between them: what is in hand is
// counted out once.
func TestPurgesDuringAScan(t *testing.T) {
	scanned, goOn := make(chan struct{}), make(chan struct{})
	hold := false
	h := newHouse(t, Options{Window: 2, hooks: hooks{afterScan: func(EndpointID) {
		if hold {
			hold = false
			scanned <- struct{}{}
			<-goOn
		}
	}}})
	for range 4 {
		h.accept("x", to(1)...)
	}
	settling, released := h.take(1), h.take(1)
	hold = true
	taken := make(chan bool)
	go func() {
		_, ok := h.Take(1)
		taken <- ok
	}()
	<-scanned
	h.Release(released)
	// The settlement has begun, and is written only after the first purge.
	if ok, _ := settling.home.claim(settling.Lane, &settling.item); !ok {
		t.Fatal("what was taken is not in hand")
	}
	for range 2 {
		if err := h.Purge(1); err != nil {
			t.Error(err)
		}
		h.settles.ops <- settlement{home: settling.home, lane: settling.Lane, item: settling.item, outcome: done}
		h.flush()
	}
	close(goOn)
	if <-taken {
		t.Error("something was taken after the purges")
	}
	if s := h.settledStats(); s.InHand != 0 || s.Waiting != 0 {
		t.Errorf("stats %+v of an empty queue", s)
	}
	if got := h.counts.inHand.Load(); got != 0 {
		t.Errorf("%d are counted as in hand", got)
	}
}
