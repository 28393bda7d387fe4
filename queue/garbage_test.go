package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What a backlog leaves is freed soon after it has drained, and what others refer to stays.
func TestSweepComesWhenWorth(t *testing.T) {
	for name, leave := range map[string]func(*house){
		"settled": func(h *house) {
			for {
				d, ok := h.Take(1)
				if !ok {
					break
				}
				h.settle(&d, done)
			}
			h.flush()
		},
		"purged": func(h *house) {
			if err := h.Purge(1); err != nil {
				h.t.Error(err)
			}
		},
	} {
		if testing.Short() && name != "purged" {
			continue // thousands of deliveries one after the other
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, Options{HandOffBytes: 1, SweepInterval: 1000 * time.Hour})
				defer h.finish()
				h.settledStats()
				fillFor(h, 1, sweepWorth-1)
				stays := h.accept("stays", to(2)...)
				leave(h)
				time.Sleep(2 * sweepGathers)
				if n := len(h.payloads()); n != sweepWorth {
					t.Errorf("%d payloads are left of %d, too few to be worth a sweep", n, sweepWorth)
				}
				fillFor(h, 1, 1)
				leave(h)
				time.Sleep(2 * sweepGathers)
				if got := h.payloads(); len(got) != 1 || !got[stays.Event] {
					t.Errorf("%d payloads are left", len(got))
				}
			})
		})
	}
}

// fillFor accepts n messages for an endpoint.
func fillFor(h *house, to EndpointID, n int) {
	for n > 0 {
		ms := make([]Message, min(n, 500))
		for i := range ms {
			ms[i] = Message{Payload: []byte("x"), Deliveries: []Target{{Endpoint: to}}}
		}
		if _, err := h.AcceptAll(context.Background(), ms); err != nil {
			h.t.Fatal(err)
		}
		n -= len(ms)
	}
}

// A payload that goes with its last delivery leaves nothing for a sweep, nor does one that a dead letter refers to.
func TestNothingLeftBehind(t *testing.T) {
	var r recent
	r.init(1 << 20)
	r.add(1, []byte("x"), 2)
	r.add(2, []byte("x"), 2)
	r.close(1, false)
	r.close(1, false)
	r.close(2, true)
	r.close(2, false)
	r.close(3, true)
	if n := r.leftBehind(); n != 0 {
		t.Errorf("%d deliveries have left something", n)
	}
	r.close(4, false)
	if n := r.leftBehind(); n != 1 {
		t.Errorf("%d deliveries have left something, want that of a message long ago", n)
	}
}
