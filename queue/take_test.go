package queue

import "testing"

// TakeFresh leaves replays where they are, and Take prefers what is fresh.
func TestTakeFresh(t *testing.T) {
	h := newHouse(t, Options{})
	defer h.finish()
	h.accept("replay", Target{Endpoint: 1, Lane: Replay}, Target{Endpoint: 2, Lane: Replay})
	if d, ok := h.TakeFresh(1); ok {
		t.Errorf("took %+v", d)
	}
	if due, ok := h.NextDueFresh(1); ok {
		t.Errorf("something fresh is due at %v", due)
	}
	h.accept("fresh", Target{Endpoint: 1})
	if d, ok := h.TakeFresh(1); !ok || d.Lane != Fresh || string(d.Payload) != "fresh" {
		t.Errorf("took %v, %+v", ok, d)
	} else {
		h.Release(&d)
	}
	for _, want := range []Lane{Fresh, Replay} {
		d, ok := h.Take(1)
		if !ok || d.Lane != want {
			t.Fatalf("took %v, %+v; want lane %v", ok, d, want)
		}
		h.settle(&d, done)
	}
	if d, ok := h.Take(2); !ok || d.Lane != Replay {
		t.Errorf("took %v, %+v", ok, d)
	} else {
		h.settle(&d, done)
	}
}
