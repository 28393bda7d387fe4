package queue

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// Once nothing is parked of an endpoint and what was has ended, it has no row any more. What was in hand all the time is settled where it
// is by then, though it was taken from another segment.
func TestRowsOfSegmentsGo(t *testing.T) {
	h := newHouse(t, Options{})
	end := func(want string) {
		t.Helper()
		d := h.take(1)
		if string(d.Payload) != want {
			t.Fatalf("took %q, want %q", d.Payload, want)
		}
		h.settle(d, done)
		h.flush()
	}
	segments := func(present segment, older, parked int) {
		t.Helper()
		if l := h.segments.of(1); l == nil || l.present != present || len(l.older) != older || len(l.parked) != parked {
			t.Fatalf("segments %+v", l)
		}
	}
	h.accept("a", to(1)...)
	h.park(1)
	h.accept("b", to(1)...)
	h.park(1)
	h.unpark(1)
	end("a")
	b := h.take(1)
	h.mustSweep()
	segments(2, 1, 0)
	h.accept("c", to(1)...)
	h.accept("d", to(1)...)
	c := h.take(1)
	h.park(1)
	segments(0, 0, 2) // where those in hand have moved to
	h.unpark(1)
	end("d")
	h.mustSweep()
	if n := h.keys(prefixParked); n != 0 || h.segments.of(1) != nil {
		t.Errorf("%d rows, segments %+v", n, h.segments.of(1))
	}
	h.settle(c, done)
	h.settle(b, Outcome{Verdict: Again})
	h.flush()
	end("b")
	h.wants(0, 0, 0)
	h.checkCounts()
}

// A write that has chosen the present segment before another one is begun is found in it.
func TestRowStaysForAWriteInProgress(t *testing.T) {
	x := newPausing("x")
	h := newHouse(t, Options{maxShared: -1, hooks: hooks{beforeCommit: x.hook}})
	h.accept("a", to(1)...)
	h.park(1)
	h.unpark(1)
	h.settle(h.take(1), done)
	h.flush()
	done := make(chan error, 1)
	go func() {
		_, err := h.Accept(t.Context(), Message{Payload: []byte("x"), Deliveries: to(1)})
		done <- err
	}()
	<-x.reached
	for range 3 {
		h.mustSweep()
	}
	h.accept("new", to(1)...)
	x.resume["x"] <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	h.crash()
	h.wants(2, 0, 0)
	for _, d := range h.takes(1, "x", "new") {
		h.settle(d, Outcome{Verdict: Done})
	}
	h.flush()
	h.mustSweep()
	if n := h.keys(prefixParked); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// Where the rows that tell what is parked are corrupt, or one of them is malformed, the queue opens. What might be either is parked, and
// nothing of it is lost; what is in one segment alone waits, as with most endpoints.
func TestCorruptSegmentRows(t *testing.T) {
	for name, damage := range map[string]func(h *house){
		"table": func(h *house) { h.damageKind(prefixParked) },
		"row": func(h *house) {
			if err := h.db.Set(appendParkedKey(nil, 1), []byte("malformed"), pebble.Sync); err != nil {
				h.t.Fatal(err)
			}
			if err := h.db.Delete(appendParkedKey(nil, 3), pebble.Sync); err != nil {
				h.t.Fatal(err)
			}
			h.close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Options{Logger: quietLogger()})
			h.accept("parked", to(1)...)
			h.park(1)
			h.accept("waits", append(to(1, 2), Target{Endpoint: 1, Lane: Replay})...)
			h.accept("alone", to(3)...)
			h.park(3)
			if err := h.db.Set(appendWaterKey(nil, 4, Fresh.in(5)), appendWater(nil, position{due: 1}), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			damage(h)
			for i := range 2 {
				h.open()
				if said := h.Stats().Unreadable > 0; said != (i == 0) {
					t.Errorf("opened %d times before, unreadable: %v", i, said)
				}
				h.wants(2, 0, 3)
				if marks := h.waters(4); len(marks) != 0 {
					t.Errorf("marks %v of a number that may be used again", marks)
				}
				for _, l := range h.letters() {
					if l.Endpoint != 1 || l.Reason != Corrupt {
						t.Errorf("letter %+v", l)
					}
				}
				h.close()
			}
			h.open()
			h.takes(2, "waits")
			h.takes(3, "alone")
			h.accept("new", to(1)...)
			h.takes(1, "new")
			h.park(1)
			h.reopen()
			h.wants(3, 0, 3)
			h.unpark(1)
			h.takes(1, "parked", "waits", "new", "waits")
			h.checkCounts()
		})
	}
}
