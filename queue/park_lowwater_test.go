package queue

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// waters returns the marks on disk of an endpoint.
func (h *house) waters(ep EndpointID) map[track]position {
	h.t.Helper()
	all := map[track]position{}
	for t := range track(2 * maxSegments / lanes) {
		p, err := readWater(h.db, ep, t)
		if err != nil {
			h.t.Fatal(err)
		}
		if p != start {
			all[t] = p
		}
	}
	return all
}

// What is parked stays, however much is settled after it at later places, and is found again after an unpark.
func TestLowWaterLeavesWhatIsParked(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		w := newWall()
		h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
		h.passedBy(w)
		h.accept("a", to(1)...)
		h.passedBy(w) // takes "a" too: it is settled
		h.accept("x", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay})
		before := h.waters(1)
		h.park(1)
		for range 3 {
			h.passedBy(w)
		}
		after := h.waters(1)
		for l := range Lane(lanes) {
			if before[l.in(0)] == start || after[l.in(0)] != before[l.in(0)] || !before[l.in(0)].less(after[l.in(1)]) {
				t.Errorf("%v: marks %v became %v", l, before, after)
			}
		}
		if err := checkMarks(h.db); err != nil {
			t.Error(err)
		}
		if reopen {
			h.reopen()
			h.takes(1)
		}
		h.unpark(1)
		if reopen {
			h.reopen()
		}
		for _, d := range h.takes(1, "x", "x") {
			h.settle(d, done)
		}
		h.flush()
		for range 2 {
			h.passedBy(w)
		}
		for l := range Lane(lanes) {
			if last := h.waters(1); !after[l.in(1)].less(last[l.in(1)]) || last[l.in(0)] != last[l.in(1)] {
				t.Errorf("%v: marks %v became %v", l, after, last)
			}
		}
		h.mustSweep()
		if last := h.waters(1); len(last) != lanes || last[Fresh.in(0)] != start {
			t.Errorf("a segment that is gone has left marks: %v", last)
		}
		h.wants(0, 0, 0)
	}
}

// A segment that a park begins gets deliveries with places from long ago, and may have the number of one whose mark was behind
// them.
func TestLowWaterOfANumberUsedAgain(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 2, KeepDead: 24 * time.Hour})
	check := func(step string) {
		t.Helper()
		if err := checkMarks(h.db); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	h.accept("early", to(1)...)
	w.add(time.Second)
	h.accept("line", Target{Endpoint: 1, Order: 1})
	h.park(1)
	for range 4 {
		h.passedBy(w) // in segment 1
	}
	h.unpark(1)
	early, line := h.take(1), h.take(1)
	h.settle(line, Outcome{Verdict: Again})
	h.flush()
	w.add(time.Second)
	if line = h.take(1); string(line.Payload) != "line" || string(early.Payload) != "early" {
		t.Fatalf("took %q and %q", early.Payload, line.Payload)
	}
	check("first retry")
	park := func(present segment) {
		t.Helper()
		h.accept("more", to(1)...)
		h.park(1) // what is in hand goes to the new segment
		if l := h.segments.of(1); l.present != present {
			t.Fatalf("segments %+v", l)
		}
		check("park")
	}
	park(2)
	h.settle(line, Outcome{Verdict: Again})
	h.flush()
	check("second retry")
	w.add(time.Second)
	line = h.take(1)
	park(3)
	w.add(72 * time.Hour)
	h.mustSweep()
	if l := h.segments.of(1); l.present != 0 || len(l.older) != 1 || len(l.parked) != 0 {
		t.Fatalf("segments %+v", l)
	}
	park(1)
	for range 4 {
		h.passedBy(w)
	}
	check("passed by")
	h.settle(line, Outcome{Verdict: Again})
	h.flush()
	check("third retry")
	h.reopen()
	w.add(time.Second)
	for _, d := range h.takes(1, "early", "line") {
		h.settle(d, done)
	}
	h.flush()
	h.wants(0, 0, 1)
}

// The retry of an ordered delivery that was parked once goes to the present segment, and lowers the mark of that one.
func TestLowWaterIsLoweredInThePresentSegment(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
	h.accept("line", Target{Endpoint: 1, Order: 1})
	h.park(1)
	for range 2 {
		h.passedBy(w)
	}
	h.unpark(1)
	d := h.take(1)
	if string(d.Payload) != "line" || !d.item.pos.less(h.waters(1)[Fresh.in(1)]) {
		t.Fatalf("took %q at %v, marks %v", d.Payload, d.item.pos, h.waters(1))
	}
	h.settle(d, Outcome{Verdict: Again})
	h.flush()
	if err := checkMarks(h.db); err != nil {
		t.Error(err)
	}
	h.reopen()
	w.add(time.Second)
	h.settle(h.takes(1, "line")[0], done)
	h.flush()
	h.wants(0, 0, 0)
}

// At Open, only what waits is looked for: not what is parked, nor what is before the marks.
func TestOpenFindsWhatIsNotParked(t *testing.T) {
	w := newWall()
	var ready announced
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1, Ready: ready.ready})
	for range 2 {
		h.passedBy(w)
	}
	h.accept("parked", to(1, 2, 3)...)
	h.park(1)
	h.park(2)
	h.park(3)
	w.add(time.Hour)
	h.accept("new", Target{Endpoint: 2, NotBefore: w.now().Add(time.Minute)})
	h.unpark(3)
	for ep := range EndpointID(4) {
		ready.of(ep)
	}
	h.reopen()
	h.settledStats()
	if n := len(ready.of(1)); n != 0 {
		t.Errorf("what is parked was announced %d times", n)
	}
	if at := ready.of(2); len(at) != 1 || !near(at[0], w.now().Add(time.Minute)) {
		t.Errorf("the other was announced for %v", at)
	}
	if at := ready.of(3); len(at) != 1 || at[0].After(w.now()) {
		t.Errorf("what came back was announced for %v", at)
	}
}

// A store of layout version 1 has deliveries with their lane alone, and notes of replays with their event.
func TestKeysOfVersion1(t *testing.T) {
	key := func(parts ...string) string { return strings.Join(parts, "") }
	const ep, due, event = "\x00\x00\x00\x00\x00\x00\x00\x07", "\x00\x06\xc0\x11\x22\x33\x44\x55", "\x00\x00\x00\x00\x00\x12\x34\x56"
	at := position{due: 0x0006c01122334455, event: 0x123456}
	for l, lane := range []string{"\x00", "\x01"} {
		if got := appendDeliveryKey(nil, 7, Lane(l).in(0), at); string(got) != key("q", ep, lane, due, event) {
			t.Errorf("delivery key %x", got)
		}
	}
	if got := appendReplayKey(nil, 7, 0, at.event); string(got) != key("x", ep, event) {
		t.Errorf("note %x", got)
	}
	lo, hi := replaySpan(7, 0)
	if k := key("x", ep, event); k < string(lo) || k >= string(hi) {
		t.Errorf("the note is not in %x to %x", lo, hi)
	}
	if !slices.Equal((*segmentList)(nil).read(), []segment{0}) {
		t.Error("without a list not segment 0 is read")
	}
}
