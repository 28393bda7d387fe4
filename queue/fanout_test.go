package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// heldExpander keeps the expander at a hook until it is let go, part by part.
type heldExpander struct {
	at   chan part
	step chan struct{}
	free atomic.Bool
}

func newHeldExpander() *heldExpander {
	return &heldExpander{at: make(chan part), step: make(chan struct{})}
}

func (x *heldExpander) hook(p part) {
	if x.free.Load() {
		return
	}
	x.at <- p
	<-x.step
}

// next lets the part go that the expander is at, which is returned.
func (x *heldExpander) next() part {
	p := <-x.at
	x.step <- struct{}{}
	return p
}

// letGo returns when the expander is not held any more.
func (x *heldExpander) letGo() {
	<-x.at
	x.free.Store(true)
	x.step <- struct{}{}
}

// small makes a fan-out of more than three large, in parts of two.
func small(o Options) Options {
	o.maxDirect, o.maxPart = 3, 2
	return o
}

func TestLargeFanOut(t *testing.T) {
	w, ready, x := newWall(), new(announced), newHeldExpander()
	h := newHouse(t, small(Options{now: w.now, Ready: ready.ready, hooks: hooks{beforeExpand: x.hook}}))
	at := w.now().Add(time.Minute)
	ts := append(to(5, 4, 3, 2),
		Target{Endpoint: 1, Order: 7},
		Target{Endpoint: 9, NotBefore: at, Note: []byte("later")},
		Target{Endpoint: 9, Lane: Replay, Order: 7, Note: []byte("replay")},
	)
	r := h.accept("large", ts...)
	if r.Deliveries != 7 {
		t.Errorf("receipt %+v", r)
	}
	h.takes(1, "large") // has its place in line
	h.takes(5)
	<-x.at
	if s := h.Stats(); s.Waiting != 6 || s.InHand != 1 || s.Expanding != 6 {
		t.Errorf("%+v", s)
	}
	if h.Idle(5) || h.Idle(77) {
		t.Error("an endpoint is said to be idle, which is not known")
	}
	if age := h.OldestAge(Replay); age > time.Second {
		t.Errorf("oldest %v", age)
	}
	w.add(10 * time.Second)
	if age := h.OldestAge(Replay); age < 9*time.Second {
		t.Errorf("oldest %v", age)
	}
	x.free.Store(true)
	x.step <- struct{}{}
	var list []EndpointID
	if err := h.Waiting(Select{}, func(d WaitingDelivery) bool { list = append(list, d.Endpoint); return true }); err != nil || len(list) != 7 {
		t.Errorf("waiting for endpoints %v, %v", list, err)
	}
	for ep := range EndpointID(4) {
		if calls := ready.of(ep + 2); len(calls) != 1 {
			t.Errorf("Ready called for %d at %v", ep+2, calls)
		}
		d := h.takes(ep+2, "large")[0]
		if !near(d.Accepted, r.Accepted) || !near(d.Due, w.now()) || d.Event != r.Event {
			t.Errorf("took %+v", d)
		}
	}
	if calls := ready.of(9); len(calls) != 2 || !near(calls[0], at) || !near(calls[1], w.now()) {
		t.Errorf("Ready called at %v", calls)
	}
	if d := h.takes(9, "large")[0]; d.Lane != Replay || string(d.Note) != "replay" {
		t.Errorf("took %+v", d)
	}
	w.add(time.Minute)
	if d := h.takes(9, "large")[0]; d.Lane != Fresh || string(d.Note) != "later" || !near(d.Due, at) {
		t.Errorf("took %+v", d)
	}
	if s := h.settledStats(); s.Waiting != 0 || s.InHand != 7 || s.Expanding != 0 {
		t.Errorf("%+v", s)
	}
}

// A fan-out that is just not large is written as ever.
func TestLargeFanOutBegins(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}}))
	h.accept("a", append(to(1, 2, 3), Target{Endpoint: 4, Order: 1}, Target{Endpoint: 5, Order: 1})...)
	for ep := range EndpointID(5) {
		h.takes(ep+1, "a")
	}
}

// Power fails when some parts are expanded: what is left is expanded after that, and nothing twice.
func TestLargeFanOutCrash(t *testing.T) {
	for expanded := range 4 {
		for _, synced := range []bool{true, false} {
			t.Run(fmt.Sprint(expanded, " ", synced), func(t *testing.T) {
				x := newHeldExpander()
				h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}, SyncInterval: time.Hour}))
				var eps []EndpointID
				for ep := range EndpointID(8) {
					eps = append(eps, ep)
				}
				r := h.accept("large", to(eps...)...)
				for i := range expanded {
					if p := x.next(); p.event != r.Event || int(p.number) != i {
						t.Errorf("part %+v, want %d", p, i)
					}
				}
				p := <-x.at
				if synced {
					if err := h.db.LogData(nil, pebble.Sync); err != nil {
						t.Error(err)
					}
				}
				clone := h.fs.CrashClone(vfs.CrashCloneCfg{})
				x.free.Store(true)
				x.step <- struct{}{}
				if int(p.number) != expanded {
					t.Errorf("part %+v, want %d", p, expanded)
				}
				h.close()
				h.fs = clone
				h.open()
				h.flush()
				if s := h.settledStats(); s.Waiting != 8 || s.Expanding != 0 {
					t.Errorf("%+v", s)
				}
				backlog := 0
				h.Backlogs(func(b Backlog) bool { backlog += b.Waiting; return true })
				if backlog != 8 {
					t.Errorf("backlogs of %d deliveries", backlog)
				}
				for _, ep := range eps {
					h.settle(h.takes(ep, "large")[0], done)
				}
				h.reopen()
				for _, ep := range eps {
					h.takes(ep)
				}
				if n, err := countKeys(h.db, []byte{prefixFanOut}, []byte{prefixFanOut + 1}, nil); n != 0 || err != nil {
					t.Errorf("%d parts are left, %v", n, err)
				}
			})
		}
	}
}

// Close does not wait for parts, the next Open goes on with them, and counts them from the beginning.
func TestLargeFanOutClose(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}}))
	h.accept("a", to(1, 2, 3, 4)...)
	h.accept("b", to(4, 3, 2, 1)...)
	x.next()
	<-x.at
	go func() {
		<-h.stop
		x.step <- struct{}{}
	}()
	h.close()
	h.open()
	<-x.at
	for !h.Stats().Counted {
		runtime.Gosched()
	}
	if s := h.Stats(); s.Waiting != 8 || s.Expanding != 4 {
		t.Errorf("%+v", s)
	}
	x.free.Store(true)
	x.step <- struct{}{}
	h.flush()
	if s := h.Stats(); s.Waiting != 8 || s.Expanding != 0 {
		t.Errorf("%+v", s)
	}
	for ep := range EndpointID(4) {
		h.takes(ep+1, "a", "b")
	}
}

// A sweep sees what only a part refers to, and a young payload stays until all deliveries are settled.
func TestLargeFanOutKeepsItsPayload(t *testing.T) {
	for _, opts := range []Options{{}, {HandOffBytes: 1}} {
		x := newHeldExpander()
		opts.hooks.beforeExpand = x.hook
		h := newHouse(t, small(opts))
		r := h.accept("large", append(to(1, 2, 3, 4), Target{Endpoint: 5, Order: 1})...)
		h.settle(h.take(5), done)
		x.next()
		<-x.at // the first part is expanded
		h.settle(h.take(1), done)
		h.settle(h.take(2), done)
		if err := h.committed(context.Background()); err != nil {
			t.Error(err)
		}
		if err := h.sweep(); err != nil {
			t.Error(err)
		}
		if !h.payloads()[r.Event] {
			t.Error("the payload is gone that two more deliveries need")
		}
		x.free.Store(true)
		x.step <- struct{}{}
		h.flush()
		h.settle(h.takes(3, "large")[0], done)
		h.settle(h.takes(4, "large")[0], done)
		h.flush()
		if young := opts.HandOffBytes == 0; h.payloads()[r.Event] == young {
			t.Errorf("the payload is there: %v, young: %v", !young, young)
		}
		if err := h.sweep(); err != nil || len(h.payloads()) > 0 {
			t.Errorf("%d payloads are left, %v", len(h.payloads()), err)
		}
	}
}

// A sweep takes its snapshot with byHand held, and so not while a part is being expanded, see Queue.sweepBegins.
func TestSweepWaitsForExpansion(t *testing.T) {
	var h *house
	var expanded atomic.Int64
	h = newHouse(t, small(Options{hooks: hooks{duringExpand: func(part) {
		expanded.Add(1)
		if h.byHand.mu.TryLock() {
			t.Error("a snapshot could be taken while a part was being expanded")
			h.byHand.mu.Unlock()
		}
	}}}))
	h.accept("large", to(1, 2, 3, 4)...)
	h.flush()
	if expanded.Load() != 2 {
		t.Errorf("%d parts were expanded", expanded.Load())
	}
}

// A purge takes what was accepted before, expanded or not.
func TestPurgeOfLargeFanOut(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{hooks: hooks{beforeExpand: x.hook}}))
	h.accept("large", to(1, 2, 3, 4)...)
	<-x.at
	purged := make(chan error)
	go func() { purged <- h.Purge(4) }()
	x.step <- struct{}{}
	select {
	case <-x.at:
	case err := <-purged:
		t.Fatalf("the purge did not wait, %v", err)
	}
	x.free.Store(true)
	x.step <- struct{}{}
	if err := <-purged; err != nil {
		t.Error(err)
	}
	h.takes(4)
	h.takes(3, "large")
	h.crash()
	h.flush()
	h.takes(4)
	h.takes(3, "large")
	if s := h.settledStats(); s.Waiting != 2 || s.InHand != 1 {
		t.Errorf("%+v", s)
	}
}

// A purge that comes between the commit of a part and its hand-over takes what was committed.
func TestPurgeDuringExpansion(t *testing.T) {
	var h *house
	purged := make(chan error, 1)
	h = newHouse(t, small(Options{hooks: hooks{afterExpand: func(p part) {
		if p.number > 0 {
			return
		}
		e := h.lockEndpoint(1) // as Purge, which would wait for the hand-over
		e.removing++
		e.mu.Unlock()
		var r *removal
		purged <- h.betweenOutcomes(func() (err error) { r, err = h.purge(e); return err })
		h.background.Go(func() {
			<-r.over
			h.release(e, r)
		})
		if err := h.countPurged(1, r); err != nil {
			t.Error(err)
		}
	}}}))
	h.accept("large", to(1, 2, 3, 4)...)
	h.flush()
	if err := <-purged; err != nil {
		t.Fatal(err)
	}
	h.takes(1)
	for ep := range EndpointID(3) {
		h.takes(ep+2, "large")
	}
	if s := h.settledStats(); s.Waiting != 0 || s.InHand != 3 || s.Purged != 1 {
		t.Errorf("%+v", s)
	}
}

// A delivery in lane Replay that is not expanded yet waits as any other: it is not sent again beside that.
func TestResendKnowsLargeFanOut(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{KeepDelivered: time.Hour, hooks: hooks{beforeExpand: x.hook}}))
	ts := to(1, 2, 3, 4)
	ts[3].Lane = Replay
	r := h.accept("large", ts...)
	go x.letGo()
	made, err := h.Resend(context.Background(), []Resend{{Event: r.Event, Endpoint: 4}, {Event: r.Event, Endpoint: 3}})
	if err != nil || !slices.Equal(made, []bool{false, true}) {
		t.Errorf("resent %v, %v", made, err)
	}
	h.takes(4, "large")
	h.takes(3, "large", "large")
}

func TestLargeFanOutsAreBounded(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{MaxExpanding: 5, hooks: hooks{beforeExpand: x.hook}}))
	h.accept("a", to(1, 2, 3, 4)...)
	h.accept("b", to(1, 2, 3, 4)...)
	_, err := h.Accept(context.Background(), Message{Payload: []byte("c"), Deliveries: to(1, 2, 3, 4)})
	var overloaded *OverloadedError
	if !errors.As(err, &overloaded) || overloaded.RetryAfter <= 0 {
		t.Errorf("the third: %v", err)
	}
	h.accept("small", to(1, 2, 3)...)
	h.takes(1, "small")
	if s := h.Stats(); s.Expanding != 8 || s.Waiting != 10 {
		t.Errorf("%+v", s)
	}
	x.letGo()
	h.flush()
	h.accept("d", to(1, 2, 3, 4)...)
	h.flush()
	h.takes(1, "a", "b", "d")
	m := Message{Key: "k", Deliveries: to(1, 2, 3, 4)}
	for range 5 { // repetitions leave nothing behind in the count
		if _, err := h.Accept(context.Background(), m); err != nil {
			t.Error(err)
		}
	}
	h.flush()
	if s := h.Stats(); s.Expanding != 0 {
		t.Errorf("%+v", s)
	}
}

// While the disk cannot be read nothing is given up, and who waits for the expander is told.
func TestUnreadablePartWaits(t *testing.T) {
	f, x := newFaults(), newHeldExpander()
	h := &house{t: t, faults: f, opts: small(Options{Logger: quietLogger(), hooks: hooks{beforeExpand: x.hook}})}
	h.build()
	defer h.finish()
	h.accept("large", to(1, 2, 3, 4)...)
	<-x.at
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	f.On()
	flushed := make(chan error)
	go func() { flushed <- h.Flush(context.Background()) }()
	x.free.Store(true)
	x.step <- struct{}{}
	if err := <-flushed; err == nil {
		t.Error("Flush returned without an error")
	}
	f.Off()
	for h.Flush(context.Background()) != nil {
		runtime.Gosched()
	}
	for ep := range EndpointID(4) {
		h.takes(ep+1, "large")
	}
}

// A part that is damaged is told of, and takes nothing else with it.
func TestDamagedPartIsPassedOver(t *testing.T) {
	for name, damage := range map[string]func(*pebble.DB, EventID) error{
		"gone": func(db *pebble.DB, id EventID) error { return db.Delete(appendPartKey(nil, id, 1), nil) },
		"cut":  func(db *pebble.DB, id EventID) error { return db.Set(appendPartKey(nil, id, 1), []byte{1, 2}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			lost := map[Lane]int{}
			x := newHeldExpander()
			h := newHouse(t, small(Options{
				Logger: slog.New(slog.NewTextHandler(&log, nil)), hooks: hooks{beforeExpand: x.hook},
				Lost: func(l Lane, why Reason) {
					if why != Corrupt {
						t.Errorf("lost for %v", why)
					}
					lost[l]++
				},
			}))
			ts := to(1, 2, 3, 4, 5, 6)
			ts[3].Lane = Replay
			r := h.accept("large", ts...)
			<-x.at
			if err := damage(h.db, r.Event); err != nil {
				t.Fatal(err)
			}
			x.free.Store(true)
			x.step <- struct{}{}
			h.flush()
			for _, ep := range []EndpointID{1, 2, 5, 6} {
				h.takes(ep, "large")
			}
			if s := h.settledStats(); s.Waiting != 0 || s.InHand != 4 || s.Expanding != 0 {
				t.Errorf("%+v", s)
			}
			if !maps.Equal(lost, map[Lane]int{Fresh: 1, Replay: 1}) || !bytes.Contains(log.Bytes(), []byte("deliveries=2")) {
				t.Errorf("lost %v, log %s", lost, log.Bytes())
			}
			h.reopen()
			h.flush()
			if s := h.settledStats(); s.Waiting != 4 {
				t.Errorf("opened again: %+v", s)
			}
		})
	}
}
