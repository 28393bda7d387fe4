package queue

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

func TestSweepLeavesWhatIsReferenced(t *testing.T) {
	h := newHouse(t, Options{HandOffBytes: 1}) // no payload is young: all belong to the sweep
	want := map[EventID]bool{}
	for i := range 400 {
		r := h.accept(fmt.Sprint(i), to(1, 2)...)
		a, b := h.take(1), h.take(2)
		h.settle(a, done)
		switch {
		case i%100 == 50: // still waiting
			h.Release(b)
			want[r.Event] = true
		case i == 7: // due later
			h.settle(b, Outcome{Verdict: Again, At: time.Now().Add(time.Hour)})
			want[r.Event] = true
		case i == 9: // dead
			h.settle(b, Outcome{Verdict: Dead, Reason: Exhausted})
			want[r.Event] = true
		case i%100 == 49: // in hand
			want[r.Event] = true
		default:
			h.settle(b, done)
		}
		if i%100 == 50 {
			h.settle(h.take(2), Outcome{Verdict: Again, At: time.Now().Add(time.Hour)})
		}
	}
	h.flush()
	if n := len(h.payloads()); n != 400 {
		t.Fatalf("%d payloads before the sweep", n)
	}
	for range 2 {
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
		if got := h.payloads(); !maps.Equal(got, want) {
			t.Fatalf("payloads %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
	if err := h.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	if got := h.payloads(); !maps.Equal(got, want) {
		t.Fatal("payloads came back after a compaction")
	}
}

// A sweep takes no snapshot while outcomes are being written: the database may have dropped the old keys before it
// shows the new ones.
func TestSweepWaitsForOutcomes(t *testing.T) {
	var h *house
	marked, swept := make(chan struct{}), make(chan error, 1)
	h = newHouse(t, Options{hooks: hooks{
		beforeSettle: sync.OnceFunc(func() {
			go func() { swept <- h.sweep() }()
			for len(h.settles.ops) == 0 {
				select {
				case <-marked:
					t.Error("the snapshot was taken while an outcome was being written")
					return
				default:
					runtime.Gosched()
				}
			}
		}),
		afterMark: sync.OnceFunc(func() { close(marked) }),
	}})
	r := h.accept("one", to(1)...)
	h.settle(h.take(1), Outcome{Verdict: Again})
	if err := <-swept; err != nil {
		t.Fatal(err)
	}
	if !h.payloads()[r.Event] {
		t.Error("the payload is gone")
	}
}

func TestYoungPayloadGoesWithItsLastDelivery(t *testing.T) {
	h := newHouse(t, Options{})
	a := h.accept("a", to(1, 2)...)
	b := h.accept("b", to(1, 2)...)
	h.settle(h.take(1), done)
	h.settle(h.take(2), Outcome{Verdict: Dead, Reason: Rejected})
	h.settle(h.take(1), done)
	h.flush()
	if p := h.payloads(); !p[a.Event] || !p[b.Event] {
		t.Errorf("payloads %v", p)
	}
	h.settle(h.take(2), done)
	h.flush()
	if p := h.payloads(); !p[a.Event] || p[b.Event] {
		t.Errorf("payloads %v, want that of the dead letter only", p)
	}
	if s := h.Stats(); s.MemoryBytes != 0 {
		t.Errorf("%d bytes kept in memory for nothing", s.MemoryBytes)
	}
}

func TestRecentIsBounded(t *testing.T) {
	const limit = 10 * (recentOverhead + 1000)
	h := newHouse(t, Options{HandOffBytes: limit})
	for range 30 {
		h.accept(string(make([]byte, 1000)), to(1)...)
	}
	h.accept(string(make([]byte, limit)), to(2)...)
	if s := h.Stats(); s.MemoryBytes > limit || s.MemoryBytes < limit/2 {
		t.Errorf("%d bytes in memory, limit %d", s.MemoryBytes, limit)
	}
	n := 0
	for {
		d, ok := h.Take(1)
		if !ok {
			break
		}
		n++
		h.settle(&d, done)
	}
	if d := h.take(2); n != 30 || len(d.Payload) != limit {
		t.Errorf("%d deliveries, then one of %d bytes", n, len(d.Payload))
	}
}

func TestDeadLetters(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepDead: 48 * time.Hour})
	for i := range 2 * listChunk {
		ep := EndpointID(i % 3)
		h.accept(fmt.Sprint(i), Target{Endpoint: ep, Lane: Lane(i % 2), Note: []byte{byte(i)}})
		h.settle(h.take(ep), Outcome{Verdict: Dead, Reason: Exhausted, Status: 500, Attempted: true})
		h.flush() // it dies when that is written
		w.add(10 * time.Minute)
	}
	all := h.letters()
	if len(all) != 2*listChunk {
		t.Fatalf("%d letters", len(all))
	}
	for _, ep := range []EndpointID{0, 1, 2} {
		of := h.letters(ep)
		if len(of) < 2*listChunk/3 {
			t.Errorf("%d letters of endpoint %d", len(of), ep)
		}
		for i, l := range of {
			if l.Endpoint != ep || i > 0 && !of[i-1].Died.Before(l.Died) {
				t.Fatalf("letter %d of endpoint %d: %+v", i, ep, l)
			}
		}
	}
	none := EndpointID(77)
	if n := len(h.letters(none)); n != 0 {
		t.Errorf("%d letters of an unknown endpoint", n)
	}
	l := all[4]
	payload, ok, err := h.Payload(l.Event)
	if err != nil || !ok || len(l.Note) != 1 || l.Attempts != 1 || l.LastStatus != 500 || l.Reason != Exhausted ||
		!near(l.Accepted, l.Died) || !near(l.FirstFailure, l.Died) {
		t.Errorf("letter %+v with payload %q %v", l, payload, err)
	}
	if s := h.settledStats(); s.Dead != int64(len(all)) || s.Died != uint64(len(all)) || s.Waiting != 0 {
		t.Errorf("stats %+v", s)
	}

	oldest := w.now().Add(-48 * time.Hour)
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	kept := h.letters()
	for _, l := range all {
		if l.Died.After(oldest) && !slices.ContainsFunc(kept, func(k DeadLetter) bool { return k.Event == l.Event }) {
			t.Errorf("a letter of %v is gone at %v", l.Died, w.now())
		}
	}
	if kept[0].Died.Before(oldest.Add(-day)) {
		t.Errorf("a letter of %v is still there at %v", kept[0].Died, w.now())
	}
	if n := len(h.payloads()); n != len(kept) {
		t.Errorf("%d payloads for %d letters", n, len(kept))
	}
	h.reopen()
	if s := h.settledStats(); s.Dead != int64(len(kept)) || len(kept) == len(all) {
		t.Errorf("%d of %d letters left, stats %+v", len(kept), len(all), s)
	}
}

func TestLostPayload(t *testing.T) {
	var lost []Reason
	h := newHouse(t, Options{HandOffBytes: 1, Logger: quietLogger(), Lost: func(l Lane, why Reason) {
		if l != Fresh {
			t.Errorf("lost in lane %v", l)
		}
		lost = append(lost, why)
	}})
	a := h.accept("a", to(1)...)
	h.accept("b", to(1)...)
	h.takes(1, "a", "b")
	h.reopen()
	if err := h.db.Delete(appendPayloadKey(nil, a.Event), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	h.takes(1, "b")
	h.flush()
	ls := h.letters()
	if len(ls) != 1 || ls[0].Event != a.Event || ls[0].Reason != PayloadLost || !slices.Equal(lost, []Reason{PayloadLost}) {
		t.Errorf("letters %+v, told of %v", ls, lost)
	}
	if _, ok, err := h.Payload(a.Event); ok || err != nil {
		t.Errorf("payload: %v, %v", ok, err)
	}
}

func TestPurge(t *testing.T) {
	h := newHouse(t, Options{Window: 3, HandOffBytes: 2000})
	for i := range 10 {
		h.accept(fmt.Sprint(i), to(1, 2)...)
	}
	h.accept("later", Target{Endpoint: 1, NotBefore: time.Now().Add(time.Hour)}, Target{Endpoint: 1, Lane: Replay})
	held := []*Delivery{h.take(1), h.take(1), h.take(1)}
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	h.takes(1)
	if _, ok := h.NextDue(1); ok {
		t.Error("a purged endpoint has something due")
	}
	h.settle(held[0], done)
	h.settle(held[1], Outcome{Verdict: Again})
	h.Release(held[2])
	h.flush()
	h.takes(1)
	if !h.Idle(1) {
		t.Error("a purged endpoint is not idle")
	}
	h.accept("new", to(1)...)
	ds := h.takes(1, "new")
	if h.Idle(1) {
		t.Error("an endpoint is idle with a delivery in hand")
	}
	if s := h.settledStats(); s.Waiting != 10 || s.InHand != 1 || s.Purged != 12 {
		t.Errorf("stats %+v", s)
	}
	h.settle(ds[0], done)
	h.reopen()
	h.takes(1)
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.payloads()); n != 10 {
		t.Errorf("%d payloads left", n)
	}
	h.takes(2, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	if err := h.Purge(12345); err != nil {
		t.Error(err)
	}
}

// An accept that began before a purge and is handed over after it may have lost its key.
func TestPurgeDuringAccept(t *testing.T) {
	for _, where := range []string{"before commit", "after commit", "before commit, dropped", "after commit, dropped"} {
		t.Run(where, func(t *testing.T) {
			where, dropped := strings.CutSuffix(where, ", dropped")
			p := newPausing("x")
			hs := hooks{beforeCommit: p.hook}
			if where == "after commit" {
				hs = hooks{afterCommit: p.hook}
			}
			h := newHouse(t, Options{maxShared: alone, hooks: hs})
			finish := p.start(t, h, "x", to(1, 2)...)
			if err := h.Purge(1); err != nil {
				t.Fatal(err)
			}
			h.takes(1) // now nothing is known to be on disk
			if dropped {
				h.dropIdle()
			}
			finish()
			if where == "before commit" {
				h.settle(h.takes(1, "x")[0], done)
			} else {
				h.takes(1)
			}
			h.settle(h.takes(2, "x")[0], done)
			h.reopen()
			h.takes(1)
			h.takes(2)
		})
	}
}
