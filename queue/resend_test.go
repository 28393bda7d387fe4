package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func (h *house) resend(rs ...Resend) []bool {
	h.t.Helper()
	made, err := h.Resend(context.Background(), rs)
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

// one makes a single delivery again.
func (h *house) one(r Resend) bool {
	h.t.Helper()
	return h.resend(r)[0]
}

func (h *house) die(ep EndpointID) {
	h.t.Helper()
	h.settle(h.take(ep), Outcome{Verdict: Dead, Reason: Exhausted, Status: 500, Attempted: true})
	h.flush()
}

func (h *house) mustSweep() {
	h.t.Helper()
	if err := h.sweep(); err != nil {
		h.t.Fatal(err)
	}
}

var rejected = Outcome{Verdict: Dead, Reason: Rejected, Attempted: true, Status: 400}

func TestResendDeadLetter(t *testing.T) {
	w := newWall()
	var ready announced
	h := newHouse(t, Options{now: w.now, Ready: ready.ready})
	r := h.accept("a", Target{Endpoint: 1, Note: []byte("old")})
	h.die(1)
	w.add(time.Hour)
	ready.of(1)
	l := h.letters()[0]
	note := []byte("new")
	again := Resend{Event: r.Event, Endpoint: 1, Note: note, Letter: &l}
	if made := h.resend(again, again); !made[0] || made[1] {
		t.Errorf("made %v, want the first alone", made)
	}
	note[0] = 'x'
	if at := ready.of(1); len(at) != 1 || !near(at[0], w.now()) {
		t.Errorf("Ready called for %v", at)
	}
	if h.one(again) {
		t.Error("a letter that is gone was sent again")
	}
	if n := len(h.letters()); n != 0 {
		t.Errorf("%d letters left", n)
	}
	if s := h.settledStats(); s.Waiting != 1 || s.Dead != 0 {
		t.Errorf("stats %+v", s)
	}
	h.crash() // it is durable
	if s := h.settledStats(); s.Waiting != 1 || s.Dead != 0 {
		t.Errorf("stats %+v after a crash", s)
	}
	d := h.takes(1, "a")[0]
	if d.Lane != Replay || d.Attempts != 0 || d.LastStatus != 0 || !d.FirstFailure.IsZero() ||
		!near(d.Accepted, w.now()) || string(d.Note) != "new" {
		t.Errorf("delivery %+v", d)
	}
	h.settle(d, rejected)
	h.flush()
	l = h.letters()[0]
	if l.Lane != Replay || !h.one(Resend{Event: r.Event, Endpoint: 1, Letter: &l}) {
		t.Errorf("letter %+v cannot be sent again", l)
	}
	h.settle(h.takes(1, "a")[0], done)
	h.flush()
	h.mustSweep()
	if n := len(h.payloads()); n != 0 {
		t.Errorf("%d payloads left", n)
	}
}

func TestResendBusy(t *testing.T) {
	h := newHouse(t, Options{KeepDelivered: time.Hour})
	r := h.accept("a", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay}, Target{Endpoint: 2})
	again := Resend{Event: r.Event, Endpoint: 1}
	if h.one(again) {
		t.Error("sent again while it waits")
	}
	fresh := h.take(1)
	replay := h.take(1)
	h.settle(fresh, rejected)
	h.flush()
	l := h.letters()[0]
	letter := Resend{Event: r.Event, Endpoint: 1, Letter: &l}
	if h.one(again) || h.one(letter) {
		t.Error("sent again while it is in hand")
	}
	h.settle(replay, Outcome{Verdict: Again})
	h.flush()
	if h.one(again) || h.one(letter) {
		t.Error("sent again while it is due again")
	}
	if len(h.letters()) != 1 {
		t.Error("the letter is gone though nothing was sent")
	}
	h.reopen()
	if h.one(again) {
		t.Error("sent again while it waits, after a restart")
	}
	h.settle(h.take(1), done)
	h.flush()
	if made := h.resend(again, Resend{Event: r.Event, Endpoint: 2}); !made[0] || !made[1] {
		t.Errorf("made %v of what is free again, and of what waits in the other lane", made)
	}
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	if !h.one(again) {
		t.Error("not sent again after a purge")
	}
	h.takes(1, "a")
}

func TestResendRefusals(t *testing.T) {
	h := newHouse(t, Options{})
	a, b := h.accept("a", to(1)...), h.accept("b", to(1)...)
	h.die(1)
	h.settle(h.take(1), done)
	h.flush()
	l := h.letters()[0]
	ctx := context.Background()
	if _, err := h.Resend(ctx, []Resend{{Event: a.Event, Endpoint: 1, Note: make([]byte, MaxNote+1)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("long note: %v", err)
	}
	if _, err := h.Resend(ctx, []Resend{{Event: b.Event, Endpoint: 1, Letter: &l}}); err == nil {
		t.Error("the letter of another delivery was taken")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.Resend(cancelled, []Resend{{Event: a.Event, Endpoint: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	none := Resend{Event: b.Event, Endpoint: 1} // delivered, and its payload went with it
	unknown := Resend{Event: 1 << 40, Endpoint: 1}
	if made := h.resend(none, unknown, Resend{}); made[0] || made[1] || made[2] {
		t.Errorf("made %v of nothing", made)
	}
	if made := h.resend(); len(made) != 0 {
		t.Errorf("made %v", made)
	}
	if n, err := h.Discard([]DeadLetter{l, {}, l}); n != 1 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
	h.crash()
	if h.one(Resend{Event: a.Event, Endpoint: 1, Letter: &l}) {
		t.Error("a discarded letter was sent again")
	}
	if s := h.settledStats(); s.Dead != 0 || s.Waiting != 0 {
		t.Errorf("stats %+v", s)
	}
	h.mustSweep()
	if n := len(h.payloads()); n != 0 {
		t.Errorf("%d payloads left", n)
	}
}

// A sweep that has marked before a Resend, and frees after it, leaves the payload; one that has freed it makes Resend
// say so. The payloads are those that nothing else refers to.
func TestResendDuringSweep(t *testing.T) {
	for _, run := range []int{1, 2 * sweepRun} { // freed one by one, or with a range deletion
		var h *house
		var events []EventID
		during := func() {}
		h = newHouse(t, Options{HandOffBytes: 1, hooks: hooks{afterMark: func() { during() }}})
		for range run {
			events = append(events, h.accept("a", to(1)...).Event)
		}
		for range run {
			h.settle(h.take(1), done)
		}
		h.flush()
		again := Resend{Event: events[run/2], Endpoint: 1}
		during = func() {
			if !h.one(again) {
				t.Error("the payload is there and was not sent again")
			}
		}
		h.mustSweep()
		during = func() {}
		d := h.takes(1, "a")[0]
		h.mustSweep()
		if p := h.payloads(); len(p) != 1 || !p[again.Event] {
			t.Errorf("run of %d: payloads %v, want that of %d", run, p, again.Event)
		}
		h.settle(d, done)
		h.flush()
		h.mustSweep()
		if h.one(again) {
			t.Error("a payload that was freed was sent again")
		}
		h.takes(1)
	}
}

// A letter that was sent again does not expire, and one that has expired is not sent again.
func TestResendAndExpiry(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepDead: day, HandOffBytes: 1})
	h.accept("a", to(1, 2)...)
	h.die(1)
	h.die(2)
	letters := h.letters()
	if !h.one(Resend{Event: letters[0].Event, Endpoint: letters[0].Endpoint, Letter: &letters[0]}) {
		t.Error("not sent again")
	}
	w.add(3 * day)
	h.mustSweep()
	if h.one(Resend{Event: letters[1].Event, Endpoint: letters[1].Endpoint, Letter: &letters[1]}) {
		t.Error("an expired letter was sent again")
	}
	if s := h.settledStats(); s.Dead != 0 || s.Waiting != 1 || len(h.letters()) != 0 {
		t.Errorf("stats %+v", s)
	}
	h.takes(letters[0].Endpoint, "a")
}

// The last delivery of a message is done while another one is sent again: the payload does not go with it, whether
// the settlement was committed before the payload was looked for or is still to come.
func TestResendDuringLastSettlement(t *testing.T) {
	for _, when := range []string{"before", "pinned", "written", "after"} {
		hs := map[string]func(){}
		at := func(name string) func() {
			return func() {
				if f := hs[name]; f != nil {
					f()
				}
			}
		}
		h := newHouse(t, Options{hooks: hooks{beforeResend: at("pinned"), afterResend: at("written")}})
		r := h.accept("a", to(1, 2)...)
		h.settle(h.take(1), done)
		h.flush()
		last := h.take(2)
		hs[when] = func() { h.settle(last, done); h.flush() }
		at("before")()
		made := h.one(Resend{Event: r.Event, Endpoint: 1})
		at("after")()
		if made != (when != "before") {
			t.Errorf("%s: made %v", when, made)
		}
		if made {
			d := h.takes(1, "a")[0]
			h.mustSweep()
			if p := h.payloads(); len(p) != 1 {
				t.Errorf("%s: payloads %v", when, p)
			}
			h.settle(d, done)
			h.flush()
		}
		h.mustSweep()
		if p := h.payloads(); len(p) != 0 {
			t.Errorf("%s: payloads %v left", when, p)
		}
	}
}

// A settlement that has decided to delete the payload and is not committed has to be waited for.
func TestResendWaitsForSettlements(t *testing.T) {
	inside, leave, armed := make(chan struct{}), make(chan struct{}), new(atomic.Bool)
	h := newHouse(t, Options{hooks: hooks{beforeSettle: func() {
		if armed.CompareAndSwap(true, false) {
			inside <- struct{}{}
			<-leave
		}
	}}})
	r := h.accept("a", to(1)...)
	armed.Store(true)
	h.settle(h.take(1), done)
	<-inside
	result := make(chan []bool)
	go func() {
		made, err := h.Resend(context.Background(), []Resend{{Event: r.Event, Endpoint: 1}})
		if err != nil {
			t.Error(err)
		}
		result <- made
	}()
	for len(h.settles.ops) == 0 { // it has asked to be told
		runtime.Gosched()
	}
	close(leave)
	if made := <-result; len(made) != 1 || made[0] {
		t.Errorf("made %v of a message whose payload is gone", made)
	}
	h.takes(1)
}

// Everything at once. What is counted in the end is what is on disk.
func TestByHandAtOnce(t *testing.T) {
	const endpoints, messages = 4, 150
	h := newHouse(t, Options{Window: 3, HandOffBytes: 20 << 10, KeepDelivered: time.Hour})
	var events []EventID
	for i := range messages {
		events = append(events, h.accept(strings.Repeat("x", i), to(0, 1, 2, 3)...).Event)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	loop := func(seed uint64, f func(*rand.Rand)) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for {
				select {
				case <-stop:
					return
				default:
					f(rng)
				}
			}
		})
	}
	for seed := range uint64(2) {
		loop(seed, func(rng *rand.Rand) {
			if d, ok := h.Take(EndpointID(rng.IntN(endpoints))); ok {
				o := []Outcome{done, rejected, {Verdict: Again}}[rng.IntN(3)]
				if err := h.Settle(&d, o); err != nil {
					t.Error(err)
				}
			}
		})
		loop(10+seed, func(rng *rand.Rand) {
			var rs []Resend
			var letters []DeadLetter
			h.DeadLetters(Select{Oldest: rng.IntN(2) == 0}, func(l DeadLetter) bool {
				letters = append(letters, l)
				return len(letters) < 5
			})
			for i := range letters {
				rs = append(rs, Resend{Event: letters[i].Event, Endpoint: letters[i].Endpoint, Letter: &letters[i]})
			}
			rs = append(rs, Resend{Event: events[rng.IntN(messages)], Endpoint: EndpointID(rng.IntN(endpoints))})
			if _, err := h.Resend(context.Background(), rs); err != nil {
				t.Error(err)
			}
			if len(letters) > 1 {
				if _, err := h.Discard(letters[:1]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	loop(20, func(rng *rand.Rand) {
		if err := h.Purge(EndpointID(rng.IntN(endpoints))); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
	})
	loop(30, func(*rand.Rand) {
		if err := h.sweep(); err != nil {
			t.Error(err)
		}
		h.dropIdle()
	})
	time.Sleep(300 * time.Millisecond)
	close(stop)
	wg.Wait()
	s := h.settledStats()
	if n := h.keys(prefixDelivery); s.Waiting+s.InHand != n || s.InHand != 0 {
		t.Errorf("stats %+v, %d deliveries on disk", s, n)
	}
	if n := h.keys(prefixDead); s.Dead != n {
		t.Errorf("stats %+v, %d letters on disk", s, n)
	}
	replays := int64(0)
	for ep := range EndpointID(endpoints) {
		for {
			d, ok := h.Take(ep)
			if !ok {
				break
			}
			if d.Lane == Replay {
				replays++
			}
		}
	}
	if n := h.keys(prefixReplay); n != replays {
		t.Errorf("%d deliveries in lane Replay, %d notes of them", replays, n)
	}
	for _, l := range h.letters() {
		if l.Reason != Rejected {
			t.Errorf("letter %+v", l)
		}
	}
}

// keys counts the keys of a kind.
func (h *house) keys(prefix byte) int64 {
	h.t.Helper()
	n, err := countKeys(h.db, []byte{prefix}, []byte{prefix + 1}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// An event that is being accepted is not known yet: sending it again would keep no payload.
func TestResendDuringAccept(t *testing.T) {
	p := newPausing("x")
	h := newHouse(t, Options{maxShared: alone, hooks: hooks{afterCommit: p.hook}})
	before := h.accept("a", to(1)...)
	finish := p.start(t, h, "x", to(1)...)
	guess := Resend{Event: before.Event + 1, Endpoint: 2}
	if h.one(guess) {
		t.Error("sent again what was not accepted yet")
	}
	finish()
	if !h.one(guess) {
		t.Error("not sent though it was accepted")
	}
	h.takes(2, "x")
}

// A purge that comes at any point of a Resend removes the delivery or leaves it whole, and the counts stay exact.
func TestPurgeDuringResend(t *testing.T) {
	for _, where := range []string{"pinned", "written", "pinned, dropped", "written, dropped"} {
		t.Run(where, func(t *testing.T) {
			where, dropped := strings.CutSuffix(where, ", dropped")
			var h *house
			purge := func() {
				if err := h.Purge(1); err != nil {
					t.Error(err)
				}
				h.takes(1)
				if dropped {
					h.dropIdle()
				}
			}
			hs := hooks{beforeResend: purge}
			if where == "written" {
				hs = hooks{afterResend: purge}
			}
			h = newHouse(t, Options{hooks: hs})
			r := h.accept("x", to(1, 2)...)
			h.die(1)
			h.accept("y", to(1, 2)...)
			l := h.letters()[0]
			if !h.one(Resend{Event: r.Event, Endpoint: 1, Letter: &l}) {
				t.Fatal("not made")
			}
			want := Stats{Waiting: 2}
			if where == "pinned" {
				want.Waiting = 3
			}
			if s := h.settledStats(); s.Waiting != want.Waiting || s.InHand != 0 || s.Dead != 0 {
				t.Errorf("stats %+v, want %d waiting", s, want.Waiting)
			}
			if where == "pinned" {
				if h.Queue.hooks.beforeResend = nil; h.one(Resend{Event: r.Event, Endpoint: 1}) {
					t.Error("sent twice")
				}
				h.settle(h.takes(1, "x")[0], done)
			} else {
				h.takes(1)
				if h.Queue.hooks.afterResend = nil; !h.one(Resend{Event: r.Event, Endpoint: 1}) {
					t.Error("what was purged cannot be sent again")
				}
				h.settle(h.takes(1, "x")[0], done)
			}
			h.reopen()
			h.takes(1)
			if s := h.settledStats(); s.Waiting != 2 || s.Dead != 0 {
				t.Errorf("stats %+v", s)
			}
			h.takes(2, "x", "y")
		})
	}
}

// Before it is durable a delivery sent again is not handed out, not even by a scan that comes across it.
func TestResentIsNotYetHandedOut(t *testing.T) {
	w := newWall()
	var h *house
	h = newHouse(t, Options{now: w.now, hooks: hooks{afterResend: func() {
		w.add(time.Second)
		ln := &h.endpoints.find(1).lanes[Replay]
		ln.rewind()
		h.takes(1)
	}}})
	r := h.accept("a", to(1, 2)...)
	h.die(1)
	h.accept("b", to(1)...)
	h.take(1)
	l := h.letters()[0]
	if !h.one(Resend{Event: r.Event, Endpoint: 1, Letter: &l}) {
		t.Error("not made")
	}
	h.takes(1, "a")
}

// Two that send the same again at the same time send it once.
func TestDoubleClick(t *testing.T) {
	h := newHouse(t, Options{})
	for range 50 {
		r := h.accept("a", to(1)...)
		h.die(1)
		l := h.letters()[0]
		results := make(chan int)
		for i := range 3 {
			go func() {
				n := 0
				if i == 2 {
					n, _ = h.Discard([]DeadLetter{l})
				} else if made, err := h.Resend(context.Background(), []Resend{{Event: r.Event, Endpoint: 1, Letter: &l}}); err == nil && made[0] {
					n = 1
				}
				results <- n
			}()
		}
		if n := <-results + <-results + <-results; n != 1 {
			t.Fatalf("%d of three took the letter", n)
		}
		if d, ok := h.Take(1); ok {
			h.settle(&d, done)
		}
		h.takes(1)
		if s := h.settledStats(); s.Dead != 0 || s.Waiting != 0 || s.InHand != 0 {
			t.Fatalf("stats %+v", s)
		}
	}
}
