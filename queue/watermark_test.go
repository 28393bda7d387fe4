package queue

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// alone gives every accept a commit of its own, so that one can be held up while others go on.
const alone = -1

// pausing lets a test hold accepts at a hook, told apart by their payload.
type pausing struct {
	reached chan string
	resume  map[string]chan struct{}
}

func newPausing(names ...string) *pausing {
	p := &pausing{reached: make(chan string), resume: map[string]chan struct{}{}}
	for _, n := range names {
		p.resume[n] = make(chan struct{})
	}
	return p
}

func (p *pausing) hook(ms []Message) {
	if c, ok := p.resume[string(ms[0].Payload)]; ok {
		p.reached <- string(ms[0].Payload)
		<-c
	}
}

// start begins an accept and returns when it has reached the hook.
func (p *pausing) start(t *testing.T, h *house, payload string, ts ...Target) (finish func()) {
	t.Helper()
	result := make(chan error)
	go func() {
		_, err := h.Accept(context.Background(), Message{Payload: []byte(payload), Deliveries: ts})
		result <- err
	}()
	<-p.reached
	return func() {
		t.Helper()
		close(p.resume[payload])
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

// An accept chooses its due time first and commits last. Deliveries that are due later must not make
// the cursor step over it.
func TestLateCommitIsNotSteppedOver(t *testing.T) {
	w := newWall()
	p := newPausing("early")
	h := newHouse(t, Options{now: w.now, Window: 2, HandOffBytes: 1, maxShared: alone, hooks: hooks{beforeCommit: p.hook}})
	finish := p.start(t, h, "early", to(1, 2)...)
	w.add(time.Millisecond)
	for _, payload := range []string{"a", "b", "c", "d"} {
		h.accept(payload, to(1)...)
	}
	// The window was filled by hand-over; beyond it lies the disk, where "early" may still appear.
	ds := h.takes(1, "a", "b")
	for _, d := range ds {
		h.settle(d, done)
	}
	h.flush()
	h.takes(1)
	next, ok := h.NextDue(1)
	if !ok || next.Before(w.now()) {
		t.Errorf("next due %v %v: asking again at once cannot help", next, ok)
	}
	finish()
	h.takes(1, "early", "c", "d")
	h.takes(2, "early")
}

// A commit is visible before Accept has handed it over, and before it is durable. Nobody may have it by then.
func TestCommittedIsNotYetHandedOut(t *testing.T) {
	w := newWall()
	p := newPausing("visible")
	h := newHouse(t, Options{now: w.now, maxShared: alone, hooks: hooks{afterCommit: p.hook}})
	finish := p.start(t, h, "visible", to(1)...)
	w.add(time.Millisecond)
	h.accept("later", to(1)...)
	ds := h.takes(1, "later")
	h.Release(ds[0])
	h.endpoints.find(1).lanes[Fresh].rewind() // the scan has to come across it
	h.takes(1)
	finish()
	h.takes(1, "visible", "later")
}

// rewind leaves everything to the disk.
func (ln *lane) rewind() { ln.window, ln.cursor, ln.last = nil, start, end }

// A scan that an accept in progress has stopped does not make the next deliveries go over the disk.
func TestStoppedScanLeavesNothingToTheDisk(t *testing.T) {
	w, p := newWall(), newPausing("visible")
	scans := 0
	h := newHouse(t, Options{now: w.now, maxShared: alone, hooks: hooks{
		afterCommit: p.hook, beforeScan: func(EndpointID) { scans++ },
	}})
	h.accept("first", to(1)...)
	h.reopen()
	h.takes(1, "first")
	h.accept("late", Target{Endpoint: 1, NotBefore: w.now().Add(time.Second)})
	w.add(2 * time.Second)
	scans = 0
	finish := p.start(t, h, "visible", to(1)...)
	h.takes(1, "late")
	finish()
	before := scans
	for range 3 {
		h.accept("a", to(1)...)
	}
	h.takes(1, "visible", "a", "a", "a")
	if before == 0 || scans > before {
		t.Errorf("%d scans, then %d", before, scans)
	}
}

// pausedScan lets a test stand inside of a scan.
type pausedScan struct {
	armed         atomic.Bool
	inside, leave chan struct{}
}

func newPausedScan() *pausedScan {
	return &pausedScan{inside: make(chan struct{}), leave: make(chan struct{})}
}

func (p *pausedScan) hook(EndpointID) {
	if p.armed.CompareAndSwap(true, false) {
		p.inside <- struct{}{}
		<-p.leave
	}
}

// during calls f while a scan of endpoint 1 is at the hook, and returns what the Take got that made
// the scan. The scan comes across everything that is on disk.
func (p *pausedScan) during(h *house, f func()) (payloads []string) {
	h.endpoints.find(1).lanes[Fresh].rewind()
	p.armed.Store(true)
	first := make(chan []string)
	go func() {
		if d, ok := h.Take(1); ok {
			first <- []string{string(d.Payload)}
		}
		close(first)
	}()
	<-p.inside
	f()
	p.leave <- struct{}{}
	payloads = <-first
	for {
		d, ok := h.Take(1)
		if !ok {
			return payloads
		}
		payloads = append(payloads, string(d.Payload))
	}
}

// Everything that can happen to an endpoint happens while one of its scans runs without the lock.
func TestEventsDuringScan(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, window := range []int{1, 4, 64} {
			w, p := newWall(), newPausedScan()
			hs := hooks{beforeScan: p.hook}
			if after {
				hs = hooks{afterScan: p.hook}
			}
			h := newHouse(t, Options{now: w.now, Window: window, hooks: hs})
			for _, p := range []string{"a", "b", "c", "d", "e", "f"} {
				h.accept(p, to(1)...)
			}
			a, b, c := h.take(1), h.take(1), h.take(1)
			h.Release(h.take(1))
			got := p.during(h, func() {
				h.settle(a, done)
				h.settle(b, Outcome{Verdict: Again, At: w.now()})
				h.flush()
				h.Release(c)
				h.Release(c)
				h.accept("g", to(1)...)
			})
			slices.Sort(got)
			if want := []string{"b", "c", "d", "e", "f", "g"}; !slices.Equal(got, want) {
				t.Errorf("window %d, after reading %v: took %q", window, after, got)
			}
		}
	}
}

// What a scan has read is void when its endpoint was purged meanwhile.
func TestPurgeDuringScan(t *testing.T) {
	p := newPausedScan()
	h := newHouse(t, Options{hooks: hooks{afterScan: p.hook}})
	for _, p := range []string{"a", "b", "c"} {
		h.accept(p, to(1, 2)...)
	}
	a, b := h.take(1), h.take(1)
	got := p.during(h, func() {
		h.settle(a, done)
		h.Release(b)
		if err := h.Purge(1); err != nil {
			t.Error(err)
		}
		h.accept("new", to(1)...)
	})
	if !slices.Equal(got, []string{"new"}) {
		t.Errorf("took %q", got)
	}
	if s := h.settledStats(); s.InHand != 1 || s.Waiting != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestHorizonIsTheOldestAccept(t *testing.T) {
	p := newPausing("early")
	h := newHouse(t, Options{maxShared: alone, hooks: hooks{beforeCommit: p.hook}})
	first := h.accept("first", to(1)...)
	finish := p.start(t, h, "early", to(1)...)
	h.accept("late", to(1)...)
	if got := h.writers.horizon(); got != first.Event+1 {
		t.Errorf("horizon %d, want %d", got, first.Event+1)
	}
	if err := h.sweep(); err != nil {
		t.Error(err)
	}
	finish()
	h.reopen()
	h.takes(1, "first", "early", "late")
}
