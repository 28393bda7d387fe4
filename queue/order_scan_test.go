package queue

import (
	"slices"
	"testing"
)

// lined has three lines and a delivery in none at endpoint 1, their first ones in hand, and the window empty.
func lined(t *testing.T, h *house) (a1, b1, c1, free *Delivery) {
	for _, p := range []string{"a1", "b1", "c1", "a2", "b2", "-1", "a3"} {
		target := inOrder(uint64(p[0]))
		if p == "-1" {
			target.Order = 0
		}
		h.accept(p, target)
	}
	ds := h.takes(1, "a1", "b1", "c1", "-1")
	return ds[0], ds[1], ds[2], ds[3]
}

// Everything that can happen to lines happens while a scan of their endpoint runs without the lock, which meets
// all that stands in line or is in hand.
func TestLinesDuringScan(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, window := range []int{1, 4, 64} {
			w, p := newWall(), newPausedScan()
			hs := hooks{beforeScan: p.hook}
			if after {
				hs = hooks{afterScan: p.hook}
			}
			h := newHouse(t, Options{now: w.now, Window: window, hooks: hs})
			a1, b1, c1, free := lined(t, h)
			got := p.during(h, func() {
				h.settle(a1, done)
				h.settle(b1, Outcome{Verdict: Again})
				h.settle(free, Outcome{Verdict: Again})
				h.flush()
				h.Release(c1)
				h.accept("a4", inOrder('a'))
				h.accept("c2", inOrder('c'))
				h.accept("d1", inOrder('d'))
				a2 := h.take(1) // from the window that the scan found empty
				if string(a2.Payload) != "b1" {
					t.Errorf("window %d, after reading %v: took %q during the scan", window, after, a2.Payload)
				}
				h.settle(a2, done)
				h.flush()
			})
			slices.Sort(got)
			if want := []string{"-1", "a2", "b2", "c1", "d1"}; !slices.Equal(got, want) {
				t.Errorf("window %d, after reading %v: took %q", window, after, got)
			}
			h.reopen()
			var rest []string
			for d, ok := h.Take(1); ok; d, ok = h.Take(1) {
				rest = append(rest, string(d.Payload))
				h.settle(&d, done)
			}
			slices.Sort(rest)
			if want := []string{"-1", "a2", "a3", "a4", "b2", "c1", "c2", "d1"}; !slices.Equal(rest, want) {
				t.Errorf("window %d, after reading %v: took %q in the end", window, after, rest)
			}
		}
	}
}

// A purge during a scan ends all lines; what is accepted after it is in new ones.
func TestPurgeOfLinesDuringScan(t *testing.T) {
	for _, after := range []bool{false, true} {
		p := newPausedScan()
		hs := hooks{beforeScan: p.hook}
		if after {
			hs = hooks{afterScan: p.hook}
		}
		h := newHouse(t, Options{hooks: hs})
		a1, b1, c1, _ := lined(t, h)
		got := p.during(h, func() {
			h.settle(a1, done)
			h.settle(b1, Outcome{Verdict: Again})
			if err := h.Purge(1); err != nil {
				t.Error(err)
			}
			h.accept("a5", inOrder('a'))
			h.accept("a6", inOrder('a'))
			h.Release(c1)
			h.settle(c1, done)
		})
		if !slices.Equal(got, []string{"a5"}) {
			t.Errorf("after reading %v: took %q", after, got)
		}
		if s := h.settledStats(); s.InHand != 1 || s.Waiting != 1 {
			t.Errorf("after reading %v: %+v", after, s)
		}
	}
}
