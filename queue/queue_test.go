package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestOneDelivery(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	payload, note := []byte("hello"), []byte{1, 2}
	r, err := h.Accept(context.Background(), Message{Payload: payload, Deliveries: []Target{{Endpoint: 7, Note: note}}})
	if err != nil {
		t.Fatal(err)
	}
	payload[0], note[0] = 'x', 9
	if r.Deliveries != 1 || r.Repeated || !near(r.Accepted, w.now()) {
		t.Errorf("receipt %+v", r)
	}
	d := h.take(7)
	if d.Event != r.Event || d.Endpoint != 7 || string(d.Payload) != "hello" || !bytes.Equal(d.Note, []byte{1, 2}) ||
		d.Attempts != 0 || !d.Accepted.Equal(r.Accepted) || !d.FirstFailure.IsZero() || d.LastStatus != 0 {
		t.Errorf("delivery %+v", d)
	}
	if _, ok := h.NextDue(7); ok {
		t.Error("a delivery in hand is announced")
	}
	h.settle(d, done)
	if err := h.Settle(d, done); !errors.Is(err, ErrNotHeld) {
		t.Errorf("settled twice: %v", err)
	}
	h.Release(d)
	h.takes(7)
	if s := h.settledStats(); s.Waiting != 0 || s.InHand != 0 || s.Done != 1 || s.Accepted != 1 {
		t.Errorf("stats %+v", s)
	}
	if len(h.payloads()) != 0 {
		t.Error("the payload is still there")
	}
	h.reopen()
	h.takes(7)
}

func TestRetryKeepsItsHistory(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	h.accept("a", Target{Endpoint: 1, Note: []byte("n")})
	accepted := w.now()
	for i := 1; i <= 3; i++ {
		w.add(time.Second)
		d := h.take(1)
		due := w.now().Add(30 * time.Second)
		h.settle(d, Outcome{Verdict: Again, At: due, Status: 500 + i, Attempted: true})
		h.flush()
		if i == 2 {
			h.reopen()
		}
		h.takes(1)
		if next, ok := h.NextDue(1); !ok || !near(next, due) {
			t.Fatalf("next due %v %v, want %v", next, ok, due)
		}
		w.add(29 * time.Second)
		h.takes(1)
		w.add(time.Second)
	}
	d := h.take(1)
	if d.Attempts != 3 || d.LastStatus != 503 || !near(d.Accepted, accepted) ||
		!near(d.FirstFailure, accepted.Add(time.Second)) || string(d.Note) != "n" || !near(d.Due, w.now()) {
		t.Errorf("delivery %+v", d)
	}
	h.settle(d, Outcome{Verdict: Again, At: w.now().Add(-time.Hour)})
	h.flush()
	if d := h.take(1); d.Attempts != 3 || d.LastStatus != 503 {
		t.Errorf("an outcome without an attempt counted: %+v", d)
	}
}

func TestOrderAndWindow(t *testing.T) {
	h := newHouse(t, Options{Window: 4})
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		h.accept(want[i], to(3)...)
	}
	ds := h.takes(3, want...)
	for i := len(ds) - 1; i >= 0; i-- {
		h.Release(ds[i])
	}
	ds = h.takes(3, want...)
	for _, d := range ds[:25] {
		h.settle(d, done)
	}
	h.Release(ds[40])
	h.Release(ds[30])
	h.takes(3, "30", "40")
	h.crash()
	got := 0
	for {
		d, ok := h.Take(3)
		if !ok {
			break
		}
		got++
		h.settle(&d, done)
	}
	if got < 25 {
		t.Errorf("%d deliveries after the crash, at least 25 were not settled", got)
	}
}

func TestFreshBeforeReplay(t *testing.T) {
	h := newHouse(t, Options{Window: 2})
	for i := range 5 {
		h.accept(fmt.Sprint("r", i), Target{Endpoint: 1, Lane: Replay})
	}
	h.accept("f0", Target{Endpoint: 1})
	h.accept("both", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay})
	h.reopen()
	h.takes(1, "f0", "both", "r0", "r1", "r2", "r3", "r4", "both")
}

func TestNotBefore(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	at := w.now().Add(time.Hour)
	h.accept("late", Target{Endpoint: 1, NotBefore: at})
	h.accept("now", Target{Endpoint: 1, NotBefore: w.now().Add(-time.Hour)})
	h.takes(1, "now")
	if next, ok := h.NextDue(1); !ok || !near(next, at) {
		t.Errorf("next due %v %v", next, ok)
	}
	w.add(time.Hour)
	h.takes(1, "late")
}

func TestReady(t *testing.T) {
	w := newWall()
	var mu sync.Mutex
	calls := map[EndpointID][]time.Time{}
	take := func(ep EndpointID) []time.Time {
		mu.Lock()
		defer mu.Unlock()
		c := calls[ep]
		delete(calls, ep)
		return c
	}
	h := newHouse(t, Options{now: w.now, Ready: func(ep EndpointID, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		calls[ep] = append(calls[ep], at)
	}})
	expect := func(what string, ep EndpointID, want time.Time) {
		t.Helper()
		got := take(ep)
		if len(got) != 1 || !near(got[0], want) {
			t.Errorf("%s: Ready called for %v, want %v", what, got, want)
		}
	}
	later := w.now().Add(time.Minute)
	h.accept("a", Target{Endpoint: 1}, Target{Endpoint: 2, NotBefore: later})
	expect("accept", 1, w.now())
	expect("accept", 2, later)
	d := h.take(1)
	h.Release(d)
	expect("release", 1, w.now())
	h.settle(h.take(1), Outcome{Verdict: Again, At: later})
	h.flush()
	expect("again", 1, later)
	h.reopen()
	h.settledStats()
	expect("open", 1, later)
	expect("open", 2, later)
}

func TestRefusals(t *testing.T) {
	h := newHouse(t, Options{MaxPayload: 1000, MaxAcceptBytes: 5000, Logger: quietLogger()})
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	many := make([]Target, 20)
	for i := range many {
		many[i].Endpoint = EndpointID(i)
	}
	many[19].Endpoint = 3
	ascending := slices.Clone(many)
	ascending[19].Endpoint = 18
	for _, c := range []struct {
		name string
		ctx  context.Context
		ms   []Message
		want error
	}{
		{"payload", ctx, []Message{{Payload: make([]byte, 1001)}}, ErrTooLarge},
		{"sum", ctx, make([]Message, 50), ErrTooLarge},
		{"note", ctx, []Message{{Deliveries: []Target{{Note: make([]byte, MaxNote+1)}}}}, ErrTooLarge},
		{"duplicate", ctx, []Message{{Deliveries: to(1, 2, 1)}}, ErrDuplicate},
		{"duplicate of many", ctx, []Message{{Deliveries: many}}, ErrDuplicate},
		{"duplicate of many in order", ctx, []Message{{Deliveries: ascending}}, ErrDuplicate},
		{"cancelled", cancelled, []Message{{}}, context.Canceled},
	} {
		if _, err := h.AcceptAll(c.ctx, c.ms); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := h.Accept(ctx, Message{Deliveries: []Target{{Lane: 2}}}); err == nil {
		t.Error("a lane too many was accepted")
	}
	h.accept("a", to(1)...)
	d := h.take(1)
	if h.Settle(d, Outcome{}) == nil || h.Settle(d, Outcome{Verdict: Dead}) == nil {
		t.Error("an outcome without verdict or reason was accepted")
	}
	q, db := h.Queue, h.db
	h.Queue = nil
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	_, errAccept := q.Accept(ctx, Message{})
	_, _, errPayload := q.Payload(1)
	for _, err := range []error{
		errAccept, errPayload, q.Settle(d, done), q.Flush(ctx), q.Purge(1), q.DeadLetters(Select{}, nil),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	if _, ok := q.Take(1); ok {
		t.Error("took after Close")
	}
	if err := errors.Join(q.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	if _, err := Open(nil, Options{Window: -1, KeepDead: -1}); err == nil {
		t.Error("negative options were accepted")
	}
}

func TestOverload(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	h := newHouse(t, Options{MaxAccepts: 1, hooks: hooks{beforeCommit: func([]Message) {
		inside <- struct{}{}
		<-leave
	}}})
	first := make(chan error)
	go func() {
		_, err := h.Accept(context.Background(), Message{Deliveries: to(1)})
		first <- err
	}()
	<-inside
	_, err := h.Accept(context.Background(), Message{Deliveries: to(1)})
	var over *OverloadedError
	if !errors.As(err, &over) || over.RetryAfter <= 0 || !errors.Is(err, ErrOverloaded) {
		t.Errorf("second accept: %v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestMessageWithoutDeliveries(t *testing.T) {
	h := newHouse(t, Options{})
	r := h.accept("nobody wants it")
	if r.Event == 0 || len(h.payloads()) != 0 {
		t.Errorf("receipt %+v, payloads %v", r, h.payloads())
	}
	if next := h.accept("nor this"); next.Event <= r.Event {
		t.Errorf("ids %d, %d", r.Event, next.Event)
	}
}

func TestClockGoesBackWhileClosed(t *testing.T) {
	for _, how := range []string{"close", "crash"} {
		t.Run(how, func(t *testing.T) {
			w := newWall()
			h := newHouse(t, Options{now: w.now})
			h.accept("old", to(1)...)
			old := h.accept("later", Target{Endpoint: 2, NotBefore: w.now().Add(time.Minute)})
			w.add(-24 * time.Hour)
			if how == "crash" {
				h.crash()
			} else {
				h.reopen()
			}
			if r := h.accept("new", to(1)...); r.Event <= old.Event || !near(r.Accepted, w.now()) {
				t.Errorf("receipt %+v, now %v", r, w.now())
			}
			ds := h.takes(1, "old", "new")
			h.settle(ds[0], Outcome{Verdict: Again, At: w.now().Add(10 * time.Second)})
			h.flush()
			w.add(9 * time.Second)
			h.takes(1)
			w.add(time.Second)
			h.takes(1, "old")
			h.takes(2)
			w.add(50 * time.Second)
			h.takes(2, "later")
		})
	}
}

func TestExtremeEndpoints(t *testing.T) {
	h := newHouse(t, Options{})
	eps := to(0, 1, math.MaxUint64-1, math.MaxUint64)
	h.accept("a", eps...)
	h.reopen()
	if s := h.settledStats(); s.Waiting != 4 || s.Endpoints != 4 {
		t.Errorf("stats %+v", s)
	}
	for _, ep := range eps {
		h.takes(ep.Endpoint, "a")
	}
	if err := h.Purge(math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.takes(math.MaxUint64)
	h.takes(math.MaxUint64-1, "a")
}

func TestIdleEndpointsAreDropped(t *testing.T) {
	h := newHouse(t, Options{})
	h.accept("a", to(1, 2)...)
	h.settle(h.take(1), done)
	h.settledStats()
	h.takes(1)
	h.dropIdle()
	if s := h.Stats(); s.Endpoints != 1 {
		t.Errorf("%d endpoints in memory, want the one with work", s.Endpoints)
	}
	if _, ok := h.NextDue(1); ok {
		t.Error("an idle endpoint has something due")
	}
	h.accept("b", to(1)...)
	h.takes(1, "b")
	h.takes(2, "a")
}

// Nobody has to ask for a settlement to become durable.
func TestSettlementsAreSynced(t *testing.T) {
	h := newHouse(t, Options{SyncInterval: time.Millisecond})
	h.accept("a", to(1)...)
	h.settle(h.take(1), done)
	for h.syncs.committed.Load() == 0 || h.syncs.synced.Load() < h.syncs.committed.Load() {
		time.Sleep(time.Millisecond)
	}
	h.crash()
	h.takes(1)
}
