package queue

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// A block with deliveries of many endpoints is corrupt, and between them are newer ones in other tables. Those are found, by all
// who look: at Open, behind a cursor, in lists of both directions, and in a sweep.
func TestCorruptBlockHidesNothingElse(t *testing.T) {
	const eps = 50
	h := newHouse(t, Options{Window: 4, HandOffBytes: 1, Logger: quietLogger()})
	for ep := range EndpointID(eps) {
		h.accept(fmt.Sprint("lost", ep), to(ep+1)...)
	}
	h.damageKind(prefixDelivery)
	h.open()
	for ep := range EndpointID(eps) {
		h.takes(ep + 1)
	}
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprint("new", n))
	}
	for _, payload := range want { // more than a window has
		for ep := range EndpointID(eps) {
			h.accept(payload, to(ep+1)...)
		}
	}
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	waiting := 0
	if err := h.Waiting(Select{}, func(WaitingDelivery) bool { waiting++; return true }); err != nil || waiting != eps*len(want) {
		t.Errorf("%d deliveries wait, %v", waiting, err)
	}
	if s := h.settledStats(); s.Waiting != eps*int64(len(want)) || s.Unreadable != 1 {
		t.Errorf("stats %+v", s)
	}
	old := len(h.payloads())
	for ep := range EndpointID(eps) {
		for _, d := range h.takes(ep+1, want...) {
			h.settle(d, done)
		}
	}
	h.accept("later", to(1)...)
	h.settle(h.takes(1, "later")[0], done)
	h.flush()
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.payloads()); n != old {
		t.Errorf("%d payloads are left of %d that something may refer to, and one that nothing does", n, old)
	}
}

// Letters and attempts in a block that is corrupt are missing in the lists, and no others, whichever way these go.
func TestCorruptLists(t *testing.T) {
	const n, broken = 5, 2
	h := newHouse(t, Options{Logger: quietLogger()})
	for i := range byte(n) {
		h.accept("a", Target{Endpoint: EndpointID(i%2 + 1), Note: []byte(blockText(i))})
		record := []byte(blockText(100 + i))
		h.settle(h.take(EndpointID(i%2+1)), Outcome{Verdict: Dead, Reason: Rejected, Status: 400 + int(i), Attempted: true, Record: record})
		h.flush()
	}
	h.stored()
	h.damage(blockText(broken))
	h.damage(blockText(100 + broken))
	h.open()
	for _, oldest := range []bool{true, false} {
		var letters, attempts []int
		err := h.DeadLetters(Select{Oldest: oldest}, func(l DeadLetter) bool { letters = append(letters, l.LastStatus); return true })
		if err != nil {
			t.Error(err)
		}
		err = h.Attempts(Select{Oldest: oldest}, func(a LoggedAttempt) bool {
			for i := range byte(n) {
				if string(a.Record) == blockText(100+i) {
					attempts = append(attempts, 400+int(i))
				}
			}
			return true
		})
		if err != nil {
			t.Error(err)
		}
		want := []int{400, 401, 403, 404}
		if !oldest {
			slices.Reverse(want)
		}
		if !slices.Equal(letters, want) || !slices.Equal(attempts, want) {
			t.Errorf("oldest first %v: letters %v, attempts %v", oldest, letters, attempts)
		}
	}
}

// A corrupt table cannot be compacted any more, and holds up nobody for good: what is written meanwhile is compacted without it.
func TestCorruptTableStallsNothing(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	h.accept("old", to(1, 2, 3)...)
	h.damageKind(prefixDelivery)
	h.open()
	for range 300 {
		h.accept("new", to(1, 2, 3)...)
		if err := h.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.db.Metrics().Levels[0].Sublevels; n > 24 { // the bound at which writes wait, see Tune
		t.Errorf("%d sublevels", n)
	}
}

// Where idempotency keys are corrupt they are not known, and nothing is refused for that.
func TestCorruptKeys(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	m := Message{Payload: []byte("a"), Deliveries: to(1), Key: "k"}
	if _, err := h.Accept(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	h.damageKind(prefixKey)
	h.open()
	for _, repeated := range []bool{false, true} {
		r, err := h.Accept(context.Background(), m)
		if err != nil || r.Repeated != repeated {
			t.Errorf("%+v, %v", r, err)
		}
	}
	h.takes(1, "a", "a")
}

// A payload that is corrupt and referred to stays where it is while those around it are freed, also when a sweep knows of it
// beforehand: once the disk is mended it is there.
func TestSweepSparesCorruptPayload(t *testing.T) {
	const n = sweepRun + 10
	h := newHouse(t, Options{HandOffBytes: 1, Logger: quietLogger()})
	for range n {
		h.accept(blockText(2), to(1)...)
	}
	kept := h.accept(blockText(1), to(2)...)
	for range n {
		h.accept(blockText(2), to(1)...)
	}
	for range 2 * n {
		h.settle(h.take(1), done)
	}
	h.flush()
	h.stored()
	h.damage(blockText(1))
	h.open()
	if _, err := h.countReadable(h.db, []byte{prefixPayload}, []byte{prefixPayload + 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.payloadsReadable(); n != 0 {
		t.Errorf("%d payloads are left", n)
	}
	h.close()
	h.damage2(blockText(1))
	h.open()
	if payload, ok, err := h.Payload(kept.Event); !ok || err != nil || string(payload) != blockText(1) {
		t.Errorf("the payload: %v, %v", ok, err)
	}
}
