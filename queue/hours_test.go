package queue

import (
	"fmt"
	"testing"
	"time"
)

func TestAccepted(t *testing.T) {
	w := newWall() // noon
	h := newHouse(t, Options{now: w.now})
	type accepted struct {
		id EventID
		at time.Time
	}
	var all []accepted
	for i, wait := range []time.Duration{0, 59 * time.Minute, time.Minute, 5 * time.Hour, time.Second, 24 * time.Hour, 0} {
		w.add(wait)
		all = append(all, accepted{h.accept("a", to(1)...).Event, w.now()})
		if i%3 == 2 {
			h.crash()
		}
	}
	if n := h.keys(prefixHour); n != 4 {
		t.Errorf("%d rows for accepts in 4 hours", n)
	}
	check := func() {
		t.Helper()
		for _, a := range all {
			if at, ok := h.Accepted(a.id); !ok || !near(at, a.at.Truncate(time.Hour)) {
				t.Errorf("event %d was accepted %v %v, want the hour of %v", a.id, at, ok, a.at)
			}
		}
	}
	check()
	for {
		d, ok := h.Take(1)
		if !ok {
			break
		}
		h.settle(&d, done)
	}
	h.reopen()
	check()
	for _, id := range []EventID{0, 1 << 40, ^EventID(0)} {
		if at, ok := h.Accepted(id); ok {
			t.Errorf("event %d was accepted %v", id, at)
		}
	}
}

// A payload stays for the time after its last delivery was done, however late that was, and not much longer.
func TestKeepDelivered(t *testing.T) {
	for _, late := range []time.Duration{0, 50 * time.Minute, 30 * time.Hour} {
		for _, handOff := range []int{1, 1 << 20} {
			t.Run(fmt.Sprint(late, handOff), func(t *testing.T) {
				const keep = 3 * time.Hour
				w := newWall()
				w.add(20 * time.Minute)
				h := newHouse(t, Options{now: w.now, KeepDelivered: keep, HandOffBytes: handOff})
				r := h.accept("a", to(1, 2)...)
				h.settle(h.take(1), done)
				h.flush()
				w.add(late)
				h.settle(h.take(2), done)
				h.flush()
				h.accept("another", to(3)...)
				for range 3 {
					w.add(keep/3 - time.Minute)
					h.mustSweep()
					h.reopen()
					if _, ok, err := h.Payload(r.Event); !ok || err != nil {
						t.Fatalf("the payload is gone: %v", err)
					}
				}
				if !h.one(Resend{Event: r.Event, Endpoint: 1}) {
					t.Fatal("not sent again")
				}
				h.settle(h.takes(1, "a")[0], done)
				h.flush()
				w.add(keep - time.Minute)
				h.mustSweep()
				if _, ok, _ := h.Payload(r.Event); !ok {
					t.Fatal("the payload is gone after it was sent again")
				}
				w.add(time.Hour + time.Minute)
				h.mustSweep()
				if p := h.payloads(); p[r.Event] || len(p) != 1 {
					t.Errorf("payloads %v, want that which waits", p)
				}
				if n := h.keys(prefixKept); n != 0 {
					t.Errorf("%d notes of what is kept are left", n)
				}
			})
		}
	}
}

// Records go by the hour, and with them nothing else.
func TestKeepAttempts(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepAttempts: 2 * time.Hour})
	logged := func() (n int) {
		t.Helper()
		if err := h.Attempts(Select{}, func(a LoggedAttempt) bool {
			if a.At.Before(w.now().Add(-3 * time.Hour)) {
				t.Errorf("an attempt of %v is left at %v", a.At, w.now())
			}
			n++
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	h.accept("a", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay})
	for range 12 {
		for range 2 { // both lanes, in one batch
			h.settle(h.take(1), Outcome{Verdict: Again, Attempted: true, Record: []byte("r")})
		}
		h.flush()
		w.add(30 * time.Minute)
		h.mustSweep()
	}
	if n := logged(); n < 8 || n > 12 {
		t.Errorf("%d attempts, want those of two to three hours", n)
	}
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Gone, Record: []byte{}})
	h.settle(h.take(1), done)
	h.flush()
	before := logged()
	h.crash()
	if n := logged(); n != before {
		t.Errorf("%d attempts after a crash, %d before", n, before)
	}
	w.add(4 * time.Hour)
	h.mustSweep()
	if n := logged(); n != 0 || len(h.letters()) != 1 {
		t.Errorf("%d attempts, %d letters", n, len(h.letters()))
	}
}
