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

// What is parked may be corrupt as everything else. The rest of it waits again when it is unparked, in its place among what came
// later, and the marks of its segment stop there while those of the other one move.
func TestCorruptParked(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1, Logger: quietLogger()})
	for i := range byte(4) {
		h.accept(fmt.Sprint(i), notedFor(1, blockText(i))...)
		w.add(2 * time.Second)
	}
	if err := h.Park(1, Disabled); err != nil {
		t.Fatal(err)
	}
	h.accept("4", notedFor(1, blockText(4))...)
	h.stored()
	h.damage(blockText(1))
	h.open()
	if s := h.settledStats(); s.Dead == 0 || s.Dead > 3 || s.Waiting != 1 || s.Unreadable == 0 {
		t.Errorf("stats %+v", s)
	}
	if err := h.Unpark(1); err != nil {
		t.Fatal(err)
	}
	var places []position // without that of "2", which may be passed over with the one before it
	for _, want := range []string{"0", "3", "4"} {
		d := h.take(1)
		if string(d.Payload) == "2" {
			h.settle(d, done)
			d = h.take(1)
		}
		if string(d.Payload) != want {
			t.Errorf("took %q, want %q", d.Payload, want)
		}
		places = append(places, d.item.pos)
		h.settle(d, done)
	}
	h.flush()
	w.add(2 * time.Second)
	h.passedBy(w)
	h.passedBy(w)
	marks := map[segment]position{}
	for s := range segment(2) {
		mark, err := readWater(h.db, 1, Fresh.in(s))
		if err != nil {
			t.Fatal(err)
		}
		marks[s] = mark
	}
	if marks[0] == start || !marks[0].less(places[1]) || !places[2].less(marks[1]) {
		t.Errorf("marks %+v", marks)
	}
	h.close()
	h.damage2(blockText(1))
	h.open()
	if d := h.take(1); string(d.Payload) != "1" {
		t.Errorf("took %q", d.Payload)
	}
}

// An endpoint of which all that waits is corrupt can be parked, and has it back once the disk is mended.
func TestParkCorrupt(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	h.accept("old", notedFor(1, blockText(1))...)
	h.stored()
	h.damage(blockText(1))
	h.open()
	if err := h.Park(1, Disabled); err != nil {
		t.Fatal(err)
	}
	h.accept("new", to(1)...)
	h.takes(1, "new")
	h.close()
	h.damage2(blockText(1))
	h.open()
	h.takes(1, "new")
	if letters := h.letters(); len(letters) != 1 || letters[0].Reason != Disabled {
		t.Errorf("letters %+v", letters)
	}
	if err := h.Unpark(1); err != nil {
		t.Fatal(err)
	}
	h.takes(1, "old")
}

func TestHiddenBefore(t *testing.T) {
	key := func(ep EndpointID, l Lane, due micros) []byte {
		return appendDeliveryKey(nil, ep, l.in(2), position{due, 7})
	}
	for _, tt := range []struct {
		from, to []byte
		want     micros // the mark of endpoint 5, lane Replay of segment 2, that would go from 10 to 20
	}{
		{key(5, Replay, 12), key(5, Replay, 13), 12},
		{append(key(5, Replay, 12), 0), key(5, Replay, 13), 12},
		{key(5, Replay, 8), key(5, Replay, 11), 10},
		{[]byte{prefixDelivery}, []byte{prefixDelivery + 1}, 10},
		{key(4, Fresh, 1), key(5, Fresh, 1), 20},
		{key(5, Fresh, 1), key(5, Replay, 9), 20},
		{key(5, Replay, 21), key(9, Fresh, 1), 20},
		{appendDeliveryKey(nil, 5, Replay.in(1), position{12, 7}), appendDeliveryKey(nil, 5, Replay.in(1), end), 20},
		{appendDeliveryKey(nil, 5, Replay.in(3), start), appendDeliveryKey(nil, 5, Replay.in(3), end), 20},
		{appendTrackKey(nil, 5, Replay.in(2)), appendTrackKey(nil, 5, Fresh.in(3)), 10},
		{appendPayloadKey(nil, 1), appendPayloadKey(nil, 2), 20},
	} {
		var h hidden
		h.add(tt.from, tt.to)
		h.add(tt.from, tt.to)
		if len(h.keys) > 1 {
			t.Errorf("%d ranges for one", len(h.keys))
		}
		if got := h.before(5, Replay.in(2), position{10, 7}, position{20, 7}); got.due != tt.want || got.event != 7 {
			t.Errorf("from %x to %x: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
