package queue

import (
	"fmt"
	"testing"
	"time"
)

// notedFor is a delivery with a note that fills a block, so that a text is where its key is.
func notedFor(ep EndpointID, text string) []Target {
	return []Target{{Endpoint: ep, Note: []byte(text)}}
}

// An endpoint that has nothing but what is corrupt has nothing to take. The others are found, one with a single delivery behind
// that too; what comes for it later is taken; and once the disk is mended it has what it had.
func TestCorruptEndpoint(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1, Logger: quietLogger()})
	for ep := range EndpointID(3) {
		h.accept("old", notedFor(ep+1, blockText(byte(ep)))...)
	}
	h.accept("older", notedFor(2, blockText(9))...)
	h.stored()
	h.damage(blockText(1))
	h.damage(blockText(9))
	h.open()
	h.takes(1, "old")
	h.takes(3, "old")
	h.takes(2)
	if s := h.settledStats(); s.Unreadable == 0 || s.InHand != 2 || s.Waiting != 0 {
		t.Errorf("stats %+v", s)
	}
	h.endpoints.drop()
	for i := range 3 {
		w.add(2 * time.Second)
		for ep := range EndpointID(3) {
			h.accept(fmt.Sprint(i), to(ep+1)...)
			h.settle(h.takes(ep+1, fmt.Sprint(i))[0], done)
		}
		h.flush()
	}
	if mark := h.mark(2, Fresh); mark != start {
		t.Errorf("the mark is at %v", mark)
	}
	h.close()
	h.damage2(blockText(1))
	h.damage2(blockText(9))
	h.open()
	h.takes(2, "old", "older")
	h.takes(1, "old")
	h.takes(3, "old")
}

// A low-water mark moves up to what is corrupt and no further, whoever passed that over: a scan or the look for work at Open.
func TestLowWaterStopsAtWhatIsCorrupt(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1, Logger: quietLogger()})
	for i := range byte(3) {
		h.accept(fmt.Sprint(i), notedFor(1, blockText(i))...)
		w.add(2 * time.Second)
	}
	h.stored()
	h.damage(blockText(1))
	h.open()
	h.settle(h.take(1), done)
	h.passedBy(w)
	for range 3 {
		h.passedBy(w)
	}
	mark := h.mark(1, Fresh)
	if mark == start {
		t.Error("the mark did not move")
	}
	if replay := h.mark(1, Replay); !mark.less(replay) {
		t.Errorf("the mark of the other lane is at %v", replay)
	}
	h.reopen()
	h.passedBy(w)
	h.passedBy(w)
	if now := h.mark(1, Fresh); mark.less(now) {
		t.Errorf("the mark went from %v to %v", mark, now)
	}
	h.close()
	h.damage2(blockText(1))
	h.open()
	got := h.take(1)
	if string(got.Payload) != "1" {
		t.Errorf("took %q", got.Payload)
	}
	h.settle(got, done)
	h.passedBy(w)
	h.passedBy(w)
	if now := h.mark(1, Fresh); !mark.less(now) {
		t.Errorf("the mark stays at %v", now)
	}
}

func TestHiddenBefore(t *testing.T) {
	key := func(ep EndpointID, l Lane, due micros) []byte { return appendDeliveryKey(nil, ep, l, position{due, 7}) }
	for _, tt := range []struct {
		from, to []byte
		want     micros // the mark of endpoint 5, lane Replay, that would go from 10 to 20
	}{
		{key(5, Replay, 12), key(5, Replay, 13), 12},
		{append(key(5, Replay, 12), 0), key(5, Replay, 13), 12},
		{key(5, Replay, 8), key(5, Replay, 11), 10},
		{[]byte{prefixDelivery}, []byte{prefixDelivery + 1}, 10},
		{key(4, Fresh, 1), key(5, Fresh, 1), 20},
		{key(5, Fresh, 1), key(5, Replay, 9), 20},
		{key(5, Replay, 21), key(9, Fresh, 1), 20},
		{appendPayloadKey(nil, 1), appendPayloadKey(nil, 2), 20},
	} {
		var h hidden
		h.add(tt.from, tt.to)
		h.add(tt.from, tt.to)
		if len(h.keys) > 1 {
			t.Errorf("%d ranges for one", len(h.keys))
		}
		if got := h.before(5, Replay, position{10, 7}, position{20, 7}); got.due != tt.want || got.event != 7 {
			t.Errorf("from %x to %x: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
