package queue

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// faults makes reads of tables fail while it is on, and counts how often.
type faults struct {
	errorfs.Toggle
	counter errorfs.Counter
	skip    atomic.Int64 // so many reads succeed first
}

func newFaults() *faults {
	f := new(faults)
	f.counter.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") && f.skip.Add(-1) < 0 {
			return errorfs.ErrInjected
		}
		return nil
	})
	f.Injector = &f.counter
	return f
}

// withoutStatistics keeps Pebble from reading tables for their statistics, so that what fails is read by the queue.
func withoutStatistics(o *pebble.Options) { o.DisableTableStats = true }

// announced collects the calls of Ready.
type announced struct {
	mu    sync.Mutex
	calls map[EndpointID][]time.Time
}

func (a *announced) ready(id EndpointID, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls == nil {
		a.calls = map[EndpointID][]time.Time{}
	}
	a.calls[id] = append(a.calls[id], at)
}

// of returns the calls for an endpoint since the last time.
func (a *announced) of(id EndpointID) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer delete(a.calls, id)
	return a.calls[id]
}

// ownBlock is a payload or note that fills a block of a table: reading it reads nothing of another one.
var ownBlock = strings.Repeat("x", 40<<10)

func TestUnreadablePayloadWaits(t *testing.T) {
	w, f, ready := newWall(), newFaults(), new(announced)
	var log bytes.Buffer
	h := &house{t: t, faults: f, tune: withoutStatistics, opts: Options{
		now: w.now, HandOffBytes: 1, Ready: ready.ready, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}}
	h.build()
	defer h.finish()
	a, b, c := "a"+ownBlock, "b"+ownBlock, "c"+ownBlock
	for _, p := range []string{a, b, c} {
		h.accept(p, to(1)...)
	}
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.settledStats()
	if string(h.take(1).Payload) != a {
		t.Fatal("the first payload is another one")
	}
	ready.of(1)
	f.On()
	h.takes(1)
	until := w.now().Add(time.Second)
	if at, ok := h.NextDue(1); !ok || !near(at, until) {
		t.Errorf("next due %v %v, want %v", at, ok, until)
	}
	if at := ready.of(1); len(at) != 1 || !near(at[0], until) {
		t.Errorf("Ready called for %v, want %v", at, until)
	}
	failed := f.counter.Load()
	h.takes(1)
	if f.counter.Load() != failed || failed == 0 {
		t.Errorf("%d reads failed, then %d: a resting lane was read", failed, f.counter.Load())
	}
	w.add(time.Second)
	h.takes(1)
	if f.counter.Load() == failed {
		t.Error("after the rest nothing was read")
	}
	f.Off()
	w.add(time.Second)
	h.takes(1, b, c)
	if s := h.settledStats(); s.InHand != 3 || s.Waiting != 0 || s.Died != 0 {
		t.Errorf("stats %+v", s)
	}
	if n := strings.Count(log.String(), "reading failed"); n < 1 || n > 2 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

func TestUnreadableIsLoggedRarely(t *testing.T) {
	w := newWall()
	var log bytes.Buffer
	h := newHouse(t, Options{now: w.now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		for range 100 {
			h.unreadable(1, io.ErrUnexpectedEOF)
		}
		w.add(time.Second)
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "=99") {
		t.Errorf("log:\n%s", got)
	}
}

// Recovery and the calls before its end meet a disk that cannot be read for a while.
func TestRecoveryPersists(t *testing.T) {
	w, f, ready := newWall(), newFaults(), new(announced)
	second, goOn := make(chan struct{}), make(chan struct{})
	tries := 0
	h := &house{t: t, faults: f, tune: withoutStatistics, eager: true}
	h.opts = Options{now: w.now, Ready: ready.ready, Logger: quietLogger()}
	h.build()
	defer h.finish()
	for ep := range EndpointID(3) {
		h.accept(ownBlock, Target{Endpoint: ep, Note: []byte(ownBlock)},
			Target{Endpoint: ep, Lane: Replay, Note: []byte(ownBlock)})
	}
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for ep := range EndpointID(3) {
		ready.of(ep)
	}
	h.opts.hooks.beforeFind = func() {
		switch tries++; tries {
		case 1:
			f.On()
		case 2:
			second <- struct{}{}
			<-goOn
		}
	}
	h.reopen()
	<-second
	if s := h.Stats(); s.Recovered || s.Counted {
		t.Errorf("stats %+v before recovery", s)
	}
	h.takes(2)
	if at, ok := h.NextDue(2); !ok || !near(at, w.now().Add(time.Second)) {
		t.Errorf("next due %v %v, want in a second", at, ok)
	}
	failed := f.counter.Load()
	h.takes(2)
	if f.counter.Load() != failed {
		t.Error("a resting lane was read")
	}
	f.Off()
	close(goOn)
	for !h.Stats().Recovered {
		time.Sleep(time.Millisecond)
	}
	if s := h.settledStats(); s.Waiting != 6 || s.Endpoints != 3 {
		t.Errorf("stats %+v", s)
	}
	w.add(time.Second)
	for ep := range EndpointID(3) {
		if len(ready.of(ep)) == 0 {
			t.Errorf("endpoint %d was not announced", ep)
		}
		h.takes(ep, ownBlock, ownBlock)
	}
}

// Recovery finds an endpoint, and ends, while a call looks for it.
func TestRecoveryEndsDuringCall(t *testing.T) {
	for name, call := range map[string]func(*testing.T, *house){
		"Take": func(t *testing.T, h *house) { h.takes(7, "one") },
		"NextDue": func(t *testing.T, h *house) {
			if at, ok := h.NextDue(7); !ok || at.After(time.Now()) {
				t.Errorf("next due %v %v, want now", at, ok)
			}
		},
		"Idle": func(t *testing.T, h *house) {
			if h.Idle(7) {
				t.Error("idle with a delivery that is due")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Options{})
			h.accept("one", to(7)...)
			h.eager = true
			asked := make(chan struct{})
			ask := sync.OnceFunc(func() { close(asked) })
			h.opts.hooks.beforeFind = func() { <-asked }
			h.opts.hooks.afterAsked = func() {
				ask()
				for !h.recovered.Load() {
					runtime.Gosched()
				}
			}
			h.reopen()
			call(t, h)
		})
	}
}

// Wherever recovery fails, no lane of an endpoint is left out.
func TestRecoveryFailsAnywhere(t *testing.T) {
	for skip := range int64(10) {
		f := newFaults()
		h := &house{t: t, faults: f, opts: Options{Logger: quietLogger()}}
		h.build()
		for ep := range EndpointID(3) {
			h.accept(ownBlock, Target{Endpoint: ep, Note: []byte(ownBlock)},
				Target{Endpoint: ep, Lane: Replay, Note: []byte(ownBlock)})
		}
		if err := h.db.Flush(); err != nil {
			t.Fatal(err)
		}
		tries := 0
		h.opts.hooks.beforeFind = func() {
			if tries++; tries == 1 {
				f.skip.Store(skip)
				f.On()
			} else {
				f.Off()
			}
		}
		h.reopen() // which waits for recovery
		f.Off()
		h.settledStats() // a read that was failing is over, which one of the same block would share
		for ep := range EndpointID(3) {
			h.takes(ep, ownBlock, ownBlock)
		}
		h.finish()
	}
}

func TestCloseDuringRecovery(t *testing.T) {
	f := newFaults()
	h := &house{t: t, faults: f, eager: true, opts: Options{Logger: quietLogger()}}
	h.build()
	defer h.finish()
	h.accept(ownBlock, Target{Endpoint: 1, Note: []byte(ownBlock)})
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	h.opts.hooks.beforeFind = f.On
	h.reopen()
	for f.counter.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	h.close()
	f.Off()
	h.opts.hooks.beforeFind = nil
	h.open()
	h.takes(1, ownBlock)
}

func TestMalformedDelivery(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	r := h.accept("a", to(1)...)
	key := appendDeliveryKey(nil, 2, Replay.in(0), position{due: 5, event: r.Event})
	if err := h.db.Set(key, []byte{0xff}, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h.reopen()
		h.takes(2)
		h.flush()
		ls := h.letters()
		if len(ls) != 1 || ls[0].Event != r.Event || ls[0].Endpoint != 2 || ls[0].Lane != Replay || ls[0].Reason != Corrupt {
			t.Errorf("letters %+v", ls)
		}
	}
	h.takes(1, "a")
}

// What a purge removed is counted while everything else goes on, also for the same endpoint.
func TestNothingWaitsForThePurgeToCount(t *testing.T) {
	var h *house
	counted := false
	h = newHouse(t, Options{hooks: hooks{beforeCount: func() {
		counted = true
		h.accept("new", to(1, 2)...)
		h.settle(h.takes(1, "new")[0], done)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Flush(ctx); err != nil {
			t.Errorf("flush while a purge counts: %v", err)
		}
	}}})
	for range 100 {
		h.accept("old", to(1)...)
	}
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	if s := h.settledStats(); !counted || s.Waiting != 1 || s.InHand != 0 {
		t.Errorf("counted %v, stats %+v", counted, s)
	}
}

func TestPurgedEndpointIsForgotten(t *testing.T) {
	for _, window := range []int{1, 64} {
		h := newHouse(t, Options{Window: window})
		for range 3 {
			h.accept("a", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay})
		}
		h.take(1)
		if err := h.Purge(1); err != nil {
			t.Fatal(err)
		}
		if _, ok := h.NextDue(1); ok || !h.Idle(1) {
			t.Error("a purged endpoint is not idle")
		}
		h.settledStats()
		h.dropIdle()
		if s := h.Stats(); s.Endpoints != 0 {
			t.Errorf("%d endpoints in memory", s.Endpoints)
		}
	}
}
