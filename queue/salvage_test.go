package queue

import (
	"testing"
	"time"
)

// Where the rows of the queue's own are corrupt, it opens, nothing that waits is lost, and no id, number or place is given out
// again, although the machine's clock went back; and the rows are written anew.
func TestCorruptState(t *testing.T) {
	w := newWall()
	h := newHouse(t, withSides(Options{now: w.now, lowWaterStep: 1, Logger: quietLogger()}))
	for range 3 {
		h.passedBy(w)
	}
	last := h.accept("small", to(1, 2)...).Event
	h.accept(large(1), to(3)...)
	mark := h.mark(1, Fresh)
	h.damageKind(prefixMeta)
	w.add(-30 * time.Minute)
	h.open()
	if s := h.Stats(); s.Unreadable != 4 {
		t.Errorf("%d rows cannot be read", s.Unreadable)
	}
	r := h.accept("new", to(4)...)
	if r.Event <= last {
		t.Errorf("event %d is given out after %d", r.Event, last)
	}
	if d := h.takes(4, "new")[0]; !mark.less(d.item.pos) {
		t.Errorf("a place of %v, and a mark of %v", d.item.pos, mark)
	}
	h.accept(large(2), to(5)...)
	if n := len(h.files()); n != 2 {
		t.Errorf("%d files, want 2", n)
	}
	w.add(-10 * 24 * time.Hour) // before it opens again: this clock has no monotonic reading, and an open queue would go back with it
	h.reopen()
	for prefix, id := range map[byte]uint64{prefixPayload: uint64(r.Event), prefixSide: h.sides.numbers.first - sideBlock} {
		if n, err := h.unused(prefix); err != nil || n <= id {
			t.Errorf("%d is taken for unused, and %d is in use, %v", n, id, err)
		}
	}
	if s := h.Stats(); s.Unreadable != 1 {
		t.Errorf("%d rows cannot be read, want the version alone, which is not written anew", s.Unreadable)
	}
	if r := h.accept("newer", to(6)...); r.Event <= last {
		t.Errorf("event %d is given out after %d", r.Event, last)
	}
	h.takes(1, "small")
	h.takes(2, "small")
	h.takes(3, large(1))
	h.takes(4, "new")
	h.takes(5, large(2))
	h.takes(6, "newer")
}

// Where it is corrupt which event was accepted when, what is kept after its delivery is kept longer, and not less.
func TestCorruptHours(t *testing.T) {
	const keep = 3 * time.Hour
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepDelivered: keep, Logger: quietLogger()})
	first := h.accept("a", to(1)...)
	h.settle(h.takes(1, "a")[0], done)
	h.damageKind(prefixHour)
	h.open()
	if at, ok := h.Accepted(first.Event); ok {
		t.Errorf("accepted %v", at)
	}
	left := func(want int) {
		t.Helper()
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
		if n := len(h.payloads()); n != want {
			t.Errorf("%d payloads are left, want %d", n, want)
		}
	}
	for range 3 {
		w.add(time.Hour)
		h.accept("b", to(1)...)
		h.settle(h.takes(1, "b")[0], done)
	}
	left(4)
	w.add(4 * time.Hour)
	left(1) // of the last hour that is known to be over
	h.reopen()
	h.accept("c", to(1)...)
}
