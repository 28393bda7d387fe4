package matcher

import "testing"

// TestRemovalsAreSeen compares next with the stamps themselves, over all runs.
func TestRemovalsAreSeen(t *testing.T) {
	const places = 200
	for _, stamped := range [][]uint32{{}, {0}, {63}, {64}, {127, 128}, {199}, {5, 70, 131}} {
		r := newRemovals(places)
		for _, place := range stamped {
			r.stamp(place, 7)
		}
		for lo := range uint32(places + 1) {
			want := lo
			for hi := lo; hi <= places; hi++ {
				if want < hi && r.lasts(want, 7) {
					want++
				}
				if got := r.next(lo, hi); got != want {
					t.Fatalf("stamps %v: the first from %d to %d is %d, want %d", stamped, lo, hi, got, want)
				}
			}
		}
		for _, place := range stamped {
			if !r.lasts(place, 6) {
				t.Errorf("place %d is gone before its version", place)
			}
		}
	}
}
