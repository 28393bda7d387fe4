package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func (h *house) park(ep EndpointID) {
	h.t.Helper()
	if err := h.Park(ep, Disabled); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) unpark(ep EndpointID) {
	h.t.Helper()
	if err := h.Unpark(ep); err != nil {
		h.t.Fatal(err)
	}
}

// wants compares what waits and what is dead of all endpoints.
func (h *house) wants(waiting, inHand, dead int64) {
	h.t.Helper()
	if s := h.settledStats(); s.Waiting != waiting || s.InHand != inHand || s.Dead != dead {
		h.t.Errorf("%d waiting, %d in hand, %d dead; want %d, %d, %d", s.Waiting, s.InHand, s.Dead, waiting, inHand, dead)
	}
	if n := int64(len(h.letters())); n != dead {
		h.t.Errorf("%d dead letters are listed, want %d", n, dead)
	}
	n := int64(0)
	if err := h.Waiting(Select{}, func(WaitingDelivery) bool { n++; return true }); err != nil || n != waiting+inHand {
		h.t.Errorf("%d are listed as waiting, %v, want %d", n, err, waiting+inHand)
	}
}

func TestParkAndUnpark(t *testing.T) {
	w := newWall()
	var ready announced
	parked := map[Lane]int64{}
	var mu sync.Mutex
	h := newHouse(t, Options{now: w.now, Window: 2, Ready: ready.ready, Parked: func(l Lane, why Reason, n int64) {
		mu.Lock()
		defer mu.Unlock()
		if parked[l] += n; why != Disabled {
			t.Errorf("reason %v", why)
		}
	}})
	later := w.now().Add(time.Hour)
	for _, p := range []string{"a", "b", "c", "d"} {
		h.accept(p, Target{Endpoint: 1, Note: []byte(p)}, Target{Endpoint: 2})
	}
	h.accept("r", Target{Endpoint: 1, Lane: Replay})
	h.accept("later", Target{Endpoint: 1, NotBefore: later})
	inHand := h.take(1)
	died := w.add(time.Minute)
	h.park(1)
	h.wants(4, 1, 5)
	if mu.Lock(); parked[Fresh] != 4 || parked[Replay] != 1 {
		t.Errorf("Parked was called for %v", parked)
	}
	mu.Unlock()
	if h.OldestAge(Replay) != 0 || h.OlderThan(Fresh, time.Second) != 5 {
		t.Errorf("%v, %d", h.OldestAge(Replay), h.OlderThan(Fresh, time.Second))
	}
	for _, l := range h.letters() {
		if l.Endpoint != 1 || l.Reason != Disabled || !near(l.Died, died) {
			t.Errorf("letter %+v", l)
		}
	}
	h.takes(1)
	w.add(2 * time.Hour)
	h.takes(1)
	if _, ok := h.NextDue(1); ok {
		t.Error("something is due that is parked")
	}

	// What is in hand goes on as ever, and what is accepted now waits.
	h.settle(inHand, Outcome{Verdict: Again, At: w.now(), Attempted: true, Status: 500})
	h.flush()
	h.accept("new", to(1)...)
	h.flush()
	h.wants(6, 0, 5)
	ready.of(1)
	h.unpark(1)
	if len(ready.of(1)) == 0 {
		t.Error("what waits again was not announced")
	}
	h.wants(11, 0, 0)
	ds := h.takes(1, "b", "c", "d", "later", "a", "new", "r")
	if d := ds[0]; string(d.Note) != "b" || d.Attempts != 0 || !near(ds[3].Due, later) || ds[4].Attempts != 1 {
		t.Errorf("%+v", d)
	}
	for _, d := range ds {
		h.settle(d, done)
	}
	h.takes(2, "a", "b", "c", "d")
	h.wants(0, 4, 0)
	h.mustSweep()
	h.mustSweep()
	if n := int(h.keys(prefixParked)) + len(h.segments.all()); n != 0 {
		t.Errorf("%d rows are left of what was parked once", n)
	}
	if n := len(h.payloads()); n != 4 {
		t.Errorf("%d payloads, want 4", n)
	}
}

// What is parked is durable when Park returns, nothing of it is announced by the next Open, and it can be
// brought back after that. What was in hand is due again.
func TestParkOutlivesRestarts(t *testing.T) {
	var ready announced
	h := newHouse(t, Options{Ready: ready.ready})
	h.accept("a", to(1, 2, 3)...)
	h.accept("b", append(to(1, 2), Target{Endpoint: 2, Lane: Replay})...)
	h.take(2)
	h.park(1)
	h.park(2)
	for range 2 {
		ready.of(1)
		h.crash()
		h.wants(2, 0, 4)
		if n := len(ready.of(1)); n != 0 {
			t.Errorf("what is parked was announced %d times", n)
		}
		if due, ok := h.NextDue(1); ok {
			t.Errorf("due at %v", due)
		}
		h.reopen()
		h.wants(2, 0, 4)
	}
	h.takes(2, "a")
	h.accept("c", to(1)...)
	h.park(1)
	h.park(1) // with nothing to do
	h.crash()
	h.unpark(1)
	h.unpark(2)
	h.crash()
	h.wants(7, 0, 0)
	h.takes(1, "a", "b", "c")
	h.takes(2, "a", "b", "b")
	h.takes(3, "a")
}

func TestParkedLettersByHand(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	for _, p := range []string{"a", "b", "c"} {
		h.accept(p, Target{Endpoint: 1, Note: []byte(p)}, Target{Endpoint: 1, Lane: Replay})
		w.add(time.Second)
	}
	h.park(1)
	h.die2(2)
	ls := h.letters()
	if len(ls) != 7 || ls[6].Endpoint != 2 {
		t.Fatalf("letters %+v", ls)
	}
	// One of each lane is sent again, and one discarded; twice at once makes no difference.
	var rs []Resend
	for _, l := range ls[:2] {
		rs = append(rs, Resend{Event: l.Event, Endpoint: 1, Letter: &l, Note: []byte("again")})
	}
	if made := h.resend(rs...); made[0] || !made[1] {
		t.Errorf("made %v: the first is the same message, and in lane Replay that is parked", made)
	}
	if n, err := h.Discard([]DeadLetter{ls[2], ls[2], ls[6]}); n != 2 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
	if h.one(rs[1]) || h.one(Resend{Event: ls[2].Event, Endpoint: 1, Letter: &ls[2]}) {
		t.Error("a letter that is gone was sent again")
	}
	h.wants(1, 0, 4)
	h.crash()
	w.add(time.Second) // queue time may go back in a crash by what passed since its mark
	h.wants(1, 0, 4)
	d := h.takes(1, "a")[0]
	if d.Lane != Replay || string(d.Note) != "again" {
		t.Errorf("%+v", d)
	}
	h.settle(d, done)
	h.flush()
	if !h.one(rs[0]) {
		t.Error("the other letter of the message was not sent")
	}
	h.unpark(1)
	if n, err := h.Discard(ls); n != 0 || err != nil {
		t.Errorf("%d that wait again were discarded, %v", n, err)
	}
	h.wants(4, 0, 0)
	h.takes(1, "c", "b", "c", "a")
	if n := h.keys(prefixReplay); n != 3 {
		t.Errorf("%d notes of replays, want 3", n)
	}
}

// die2 makes one dead letter of its own at an endpoint.
func (h *house) die2(ep EndpointID) {
	h.t.Helper()
	h.accept("dead", to(ep)...)
	h.die(ep)
}

// Parked letters go with the days, as others do, and leave the numbers of their segments.
func TestParkedExpire(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepDead: 48 * time.Hour})
	h.accept("old", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay}, Target{Endpoint: 2})
	h.park(1)
	w.add(24 * time.Hour)
	h.accept("new", to(1)...)
	h.park(1)
	if err := h.Purge(1); err != nil { // which is about what waits
		t.Fatal(err)
	}
	h.mustSweep()
	h.wants(1, 0, 3)
	w.add(48 * time.Hour)
	h.mustSweep()
	h.wants(1, 0, 1)
	if n := h.keys(prefixReplay); n != 0 {
		t.Errorf("%d notes of replays are left", n)
	}
	h.reopen()
	h.wants(1, 0, 1)
	if l := h.segments.of(1); len(l.parked) != 1 || l.present == l.parked[0].segment {
		t.Errorf("segments %+v", l)
	}
	w.add(24 * time.Hour)
	h.mustSweep()
	h.wants(1, 0, 0)
	if n := len(h.payloads()); n != 1 {
		t.Errorf("%d payloads, want that of endpoint 2", n)
	}
}

func TestPurgeLeavesWhatIsParked(t *testing.T) {
	h := newHouse(t, Options{})
	h.accept("a", to(1)...)
	h.park(1)
	h.accept("b", to(1)...)
	h.park(1)
	h.unpark(1)
	h.accept("c", to(1)...)
	h.take(1)
	h.park(1)
	h.accept("d", to(1)...)
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	h.wants(0, 0, 2)
	h.crash()
	h.unpark(1)
	h.takes(1, "b", "c")
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.wants(0, 0, 0)
}

// Lines end with a park, and have their old order after an unpark.
func TestParkEndsLines(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, Window: 1})
	line := func(p string) { h.accept(p, Target{Endpoint: 1, Order: 5}); w.add(time.Second) }
	for _, p := range []string{"a", "b", "c"} {
		line(p)
	}
	first := h.take(1)
	h.park(1)
	line("d")
	h.takes(1) // it is behind what is in hand
	h.settle(first, done)
	h.flush()
	d := h.takes(1, "d")[0]
	h.unpark(1)
	line("e")
	h.takes(1) // none is handed out next to another one
	h.Release(d)
	for _, want := range []string{"d", "b", "c", "e"} {
		h.settle(h.takes(1, want)[0], done)
		h.flush()
	}
	h.wants(0, 0, 0)
}

func TestParkRefusals(t *testing.T) {
	h := newHouse(t, Options{})
	if err := h.Park(1, 0); err == nil {
		t.Error("parked without a reason")
	}
	h.park(1)
	h.unpark(1)
	if n := h.keys(prefixParked); n != 0 {
		t.Errorf("%d keys were written for nothing", n)
	}
	var err error
	n := int64(0)
	for ; err == nil; n++ {
		h.accept("a", to(1)...)
		err = h.Park(1, Disabled)
	}
	if !errors.Is(err, ErrTooManyParked) || n != maxSegments {
		t.Errorf("%v after %d", err, n)
	}
	h.wants(1, 0, n-1)
	h.unpark(1)
	h.wants(n, 0, 0)
	for range n {
		h.settle(h.take(1), done)
	}
	h.flush()
	h.mustSweep()
	h.accept("a", to(1)...)
	h.park(1)
	h.wants(0, 0, 1)
}

// A scan that runs while an endpoint is parked or unparked takes nothing that is parked, and misses nothing.
func TestParkDuringScan(t *testing.T) {
	for _, after := range []bool{false, true} {
		w, p := newWall(), newPausedScan()
		hs := hooks{beforeScan: p.hook}
		if after {
			hs = hooks{afterScan: p.hook}
		}
		h := newHouse(t, Options{now: w.now, Window: 2, hooks: hs})
		for _, p := range []string{"a", "b", "c", "d", "e"} {
			h.accept(p, to(1)...)
		}
		settled, released, kept := h.take(1), h.take(1), h.take(1)
		got := p.during(h, func() {
			h.settle(settled, done)
			h.flush()
			h.Release(released)
			h.park(1)
			h.accept("new", to(1)...)
		})
		if !slices.Equal(got, []string{"new"}) {
			t.Errorf("after reading %v: took %q while the rest is parked", after, got)
		}
		h.wants(0, 2, 3)
		h.accept("last", to(1)...)
		got = p.during(h, func() {
			h.unpark(1)
			h.Release(kept)
		})
		if !slices.Equal(got, []string{"b", "c", "d", "e", "last"}) {
			t.Errorf("after reading %v: took %q when it came back", after, got)
		}
		h.wants(0, 6, 0)
	}
}

// The retry of an ordered delivery that comes during a scan is not in hand, also where an unpark comes during that scan too.
func TestUnparkDuringScanAfterARetry(t *testing.T) {
	for _, after := range []bool{false, true} {
		w, p := newWall(), newPausedScan()
		hs := hooks{beforeScan: p.hook}
		if after {
			hs = hooks{afterScan: p.hook}
		}
		h := newHouse(t, Options{now: w.now, Window: 2, hooks: hs})
		h.accept("old", to(1)...)
		h.park(1)
		h.accept("line", Target{Endpoint: 1, Order: 5})
		line := h.take(1)
		for _, p := range []string{"a", "b", "c", "d"} {
			h.accept(p, to(1)...)
		}
		h.take(1)
		h.take(1)
		got := p.during(h, func() {
			h.settle(line, Outcome{Verdict: Again})
			h.flush()
			h.unpark(1)
		})
		if !slices.Equal(got, []string{"old", "line", "c", "d"}) {
			t.Errorf("after reading %v: took %q", after, got)
		}
		h.wants(0, 6, 0)
	}
}

// An accept whose commit meets a park, and an unpark after that, at any of its steps is where it belongs, and counted there.
func TestParkMeetsACommit(t *testing.T) {
	steps := []string{"begin", "commit", "end", "park", "unpark"}
	for _, order := range permutations(steps) {
		at := func(s string) int { return slices.Index(order, s) }
		if at("begin") > at("commit") || at("commit") > at("end") || at("park") > at("unpark") {
			continue
		}
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			w := newWall()
			begin, end := newPausing("x"), newPausing("x")
			h := newHouse(t, Options{now: w.now, hooks: hooks{beforeCommit: begin.hook, afterCommit: end.hook}})
			h.accept("old", to(1)...)
			done := make(chan error, 1)
			for _, s := range order {
				switch s {
				case "begin":
					go func() {
						_, err := h.Accept(t.Context(), Message{Payload: []byte("x"), Deliveries: to(1)})
						done <- err
					}()
					<-begin.reached
				case "commit":
					begin.resume["x"] <- struct{}{}
					<-end.reached
				case "end":
					end.resume["x"] <- struct{}{}
					if err := <-done; err != nil {
						t.Fatal(err)
					}
				case "park":
					h.park(1)
					h.mustSweep()
				case "unpark":
					h.unpark(1)
				}
				w.add(time.Minute)
				if at("begin") < at("commit") && at(s) >= at("end") && at(s) >= at("park") && at(s) < at("unpark") {
					parked := int64(2)
					if at("begin") > at("park") {
						parked = 1
					}
					h.wants(2-parked, 0, parked)
				}
			}
			h.wants(2, 0, 0)
			h.checkCounts()
			h.takes(1, "old", "x")
		})
	}
}

func permutations(all []string) (found [][]string) {
	if len(all) == 0 {
		return [][]string{nil}
	}
	for i, s := range all {
		rest := slices.Delete(slices.Clone(all), i, i+1)
		for _, p := range permutations(rest) {
			found = append(found, append([]string{s}, p...))
		}
	}
	return found
}

// checkCounts compares what is counted with what is on disk, when nothing is going on.
func (h *house) checkCounts() {
	h.t.Helper()
	h.settledStats()
	var stored, dead, owed int64
	var ages [lanes]int64
	err := h.eachReadable(h.db, []byte{prefixDelivery}, []byte{prefixDelivery + 1}, ofDelivery(func(id EndpointID, t track, _ micros) {
		if h.segments.of(id).parking(t.segment()) != nil {
			dead++
			return
		}
		stored++
		ages[t.lane()]++
	}))
	if err != nil {
		h.t.Fatal(err)
	}
	dead += int64(h.keys(prefixDead))
	h.endpoints.each(func(e *endpoint) { owed += e.owed })
	if c := &h.counts; c.stored.Load() != stored || c.dead.Load() != dead || owed != stored {
		h.t.Errorf("counted %d stored, %d owed, %d dead; on disk are %d and %d", c.stored.Load(), owed, c.dead.Load(), stored, dead)
	}
	for l, want := range ages {
		var n int64
		for _, m := range h.ages.lanes[l] {
			for _, k := range m {
				n += k
			}
		}
		if n != want {
			h.t.Errorf("%d of %v have an age, want %d", n, Lane(l), want)
		}
	}
}

// Everything that moves many deliveries at once goes on while they come and go one by one; in the end each is where it was
// counted, and none is lost.
func TestRemovalsUnderLoad(t *testing.T) {
	const endpoints = 3
	h := newHouse(t, Options{
		Window: 3, HandOffBytes: 1 << 12, SyncInterval: time.Millisecond, Dir: "payloads", SideBytes: 2,
		lowWaterStep: 5, maxDirect: 2, maxPart: 1,
	})
	ctx, stop := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	loop := func(seed uint64, f func(rng *rand.Rand, ep EndpointID) error) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for ctx.Err() == nil {
				if err := f(rng, EndpointID(rng.IntN(endpoints))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range uint64(2) {
		loop(n, func(rng *rand.Rand, ep EndpointID) error {
			_, err := h.Accept(context.Background(), Message{Payload: make([]byte, rng.IntN(4)), Deliveries: []Target{
				{Endpoint: ep, Order: uint64(rng.IntN(3))}, {Endpoint: ep, Lane: Replay}, {Endpoint: (ep + 1) % endpoints, NotBefore: time.Now().Add(time.Millisecond)},
			}})
			return err
		})
		loop(10+n, func(rng *rand.Rand, ep EndpointID) error {
			d, ok := h.Take(ep)
			switch o := (Outcome{Verdict: Verdict(1 + rng.IntN(3)), Reason: Rejected}); {
			case !ok:
			case rng.IntN(4) == 0:
				h.Release(&d)
			default:
				return h.Settle(&d, o)
			}
			return nil
		})
	}
	loop(20, func(rng *rand.Rand, ep EndpointID) error {
		switch rng.IntN(12) {
		case 0:
			return h.Purge(ep)
		case 1, 2, 3, 4:
			return h.Unpark(ep)
		}
		if err := h.Park(ep, Disabled); !errors.Is(err, ErrTooManyParked) {
			return err
		}
		return nil
	})
	loop(30, func(rng *rand.Rand, _ EndpointID) error {
		var ls []DeadLetter
		if err := h.DeadLetters(Select{Oldest: rng.IntN(2) == 0}, func(l DeadLetter) bool { ls = append(ls, l); return len(ls) < 4 }); err != nil {
			return err
		}
		if len(ls) < 4 {
			return nil
		}
		if _, err := h.Discard(ls[:2]); err != nil {
			return err
		}
		_, err := h.Resend(context.Background(), []Resend{{Event: ls[2].Event, Endpoint: ls[2].Endpoint, Letter: &ls[2]}, {Event: ls[3].Event, Endpoint: ls[3].Endpoint, Letter: &ls[3]}})
		return err
	})
	loop(40, func(*rand.Rand, EndpointID) error { h.dropIdle(); return h.sweep() })
	wg.Wait()
	h.flush()
	h.checkCounts()
	if err := checkMarks(h.db); err != nil {
		t.Error(err)
	}
	for ep := range EndpointID(endpoints) {
		h.unpark(ep)
	}
	time.Sleep(2 * time.Millisecond) // everything is due
	h.checkCounts()
	want, got := int64(h.settledStats().Waiting), int64(0)
	for ep := range EndpointID(endpoints) {
		for {
			d, ok := h.Take(ep)
			if !ok {
				break
			}
			got++
			h.settle(&d, done)
		}
	}
	h.checkCounts()
	if got != want {
		t.Errorf("%d of %d were taken", got, want)
	}
	h.wants(0, 0, int64(h.keys(prefixDead)))
	h.mustSweep()
	h.consistent()
}
