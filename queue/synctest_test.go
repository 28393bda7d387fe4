package queue

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A schedule of hours runs on the real code path, Ready included, in no time.
func TestRetrySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan time.Time, 16)
		h := newHouse(t, Options{Ready: func(_ EndpointID, at time.Time) { wake <- at }})
		defer h.finish()
		begin := time.Now()
		h.accept("x", to(1)...)
		schedule := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 10 * time.Hour}
		var got []time.Duration
		for at := range wake {
			time.Sleep(time.Until(at))
			d, ok := h.Take(1)
			if !ok {
				t.Fatalf("nothing to take at %v, which Ready was called for", at)
			}
			got = append(got, time.Since(begin).Round(time.Second))
			begin = time.Now()
			if d.Attempts == len(schedule) {
				h.settle(&d, done)
				break
			}
			h.settle(&d, Outcome{Verdict: Again, At: time.Now().Add(schedule[d.Attempts]), Attempted: true})
		}
		if want := append([]time.Duration{0}, schedule...); !slices.Equal(got, want) {
			t.Errorf("attempts after %v, want %v", got, want)
		}
		if err := h.Flush(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
