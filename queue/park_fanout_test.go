package queue

import (
	"slices"
	"testing"
)

// A park waits for no expander: it takes what is expanded, after a crash as well, and what is not waits once it is.
func TestParkOfLargeFanOut(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}}))
	h.accept("small", to(4)...)
	h.accept("large", to(1, 2, 3, 4)...)
	h.park(4)
	x.letGo()
	h.flush()
	h.wants(4, 0, 1)
	h.park(4)
	h.wants(3, 0, 2)
	h.accept("next", to(1, 2, 3, 4)...)
	h.flush()
	h.crash()
	h.flush()
	h.wants(7, 0, 2)
	h.takes(4, "next")
	h.unpark(4)
	h.takes(4, "small", "large")
	h.wants(6, 3, 0)
	h.checkCounts()
}

// during does something between the commit of the first part of a fan-out and its hand-over.
func during(t *testing.T, do func(h *house)) *house {
	var h *house
	h = newHouse(t, small(Options{hooks: hooks{afterExpand: func(p part) {
		if p.number == 0 {
			do(h)
		}
	}}}))
	h.accept("old", to(1)...) // or there would be nothing to park
	h.accept("large", append(to(1, 2, 3), Target{Endpoint: 4, Lane: Replay})...)
	h.flush()
	return h
}

// A park that comes between the commit of a part and its hand-over takes what was committed; an unpark brings it back, if nobody
// made something else of it meanwhile.
func TestParkDuringExpansion(t *testing.T) {
	for name, c := range map[string]struct {
		do            func(h *house)
		waiting, dead int64
		takes         []string
	}{
		"parked":   {func(h *house) { h.park(1); h.accept("new", to(1)...) }, 4, 2, []string{"new"}},
		"unparked": {func(h *house) { h.park(1); h.unpark(1); h.accept("new", to(1)...) }, 6, 0, []string{"old", "large", "new"}},
		"twice":    {func(h *house) { h.park(1); h.unpark(1); h.park(1) }, 3, 2, nil},
		"discarded": {func(h *house) {
			h.park(1)
			if n, err := h.Discard(h.letters()[1:]); n != 1 || err != nil {
				h.t.Errorf("discarded %d, %v", n, err)
			}
			h.unpark(1)
		}, 4, 0, []string{"old"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := during(t, c.do)
			h.wants(c.waiting, 0, c.dead)
			h.checkCounts()
			h.takes(1, c.takes...)
			h.takes(4, "large")
			h.mustSweep()
			h.wants(c.waiting-int64(len(c.takes))-1, int64(len(c.takes))+1, c.dead)
			h.reopen()
			h.wants(c.waiting, 0, c.dead)
		})
	}
}

// What is expanded after a park goes to the present segment, with its note, and is found there.
func TestExpansionInALaterSegment(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}}))
	h.accept("old", to(4)...)
	h.park(4)
	r := h.accept("large", append(to(1, 2, 3), Target{Endpoint: 4, Lane: Replay})...)
	x.letGo()
	h.flush()
	if made := h.resend(Resend{Event: r.Event, Endpoint: 4}); !slices.Equal(made, []bool{false}) {
		t.Error("what waits in lane Replay was sent again")
	}
	h.settle(h.takes(4, "large")[0], done)
	h.flush()
	if n := h.keys(prefixReplay); n != 0 {
		t.Errorf("%d notes of replays are left", n)
	}
	h.unpark(4)
	h.takes(4, "old")
	h.checkCounts()
}
