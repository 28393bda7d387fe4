package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A schedule of hours runs on the real code path, Ready included, in no time.
func TestRetrySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan time.Time, 16)
		h := newHouse(t, Options{Ready: func(_ EndpointID, at time.Time) { wake <- at }})
		defer h.finish()
		begin := time.Now()
		h.accept("x", to(1)...)
		schedule := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 10 * time.Hour}
		var got []time.Duration
		for at := range wake {
			time.Sleep(time.Until(at))
			d, ok := h.Take(1)
			if !ok {
				t.Fatalf("nothing to take at %v, which Ready was called for", at)
			}
			got = append(got, time.Since(begin).Round(time.Second))
			begin = time.Now()
			if d.Attempts == len(schedule) {
				h.settle(&d, done)
				break
			}
			h.settle(&d, Outcome{Verdict: Again, At: time.Now().Add(schedule[d.Attempts]), Attempted: true})
		}
		if want := append([]time.Duration{0}, schedule...); !slices.Equal(got, want) {
			t.Errorf("attempts after %v, want %v", got, want)
		}
		if err := h.Flush(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// inBubble runs f with a queue on a clock that moves only when everything waits.
func inBubble(t *testing.T, f func(*testing.T, *house)) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{})
		defer h.finish()
		h.settledStats()
		f(t, h)
	})
}

// Settlements that trickle in share commits.
func TestSettlementsGather(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		const n = 200
		for range n {
			h.accept("a", to(1)...)
		}
		before := h.syncs.committed.Load()
		for range n {
			h.settle(h.take(1), done)
			time.Sleep(100 * time.Microsecond)
		}
		h.flush()
		if got := h.syncs.committed.Load() - before; got > 15 {
			t.Errorf("%d commits for %d settlements in 20 ms", got, n)
		}
	})
}

// A settlement that comes alone is neither forgotten nor late.
func TestLoneSettlementIsSynced(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.accept("a", to(1)...)
		h.settle(h.take(1), done)
		time.Sleep(30 * time.Millisecond)
		if c, s := h.syncs.committed.Load(), h.syncs.synced.Load(); c == 0 || s < c {
			t.Errorf("after 30 ms %d batches are committed and %d synced", c, s)
		}
		h.crash()
		h.takes(1)
	})
}

// Who waits for settlements to be written does not wait for more of them to come.
func TestNobodyWaitsForCompany(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		for name, f := range map[string]func(){
			"Flush": h.flush,
			"Purge": func() {
				if err := h.Purge(2); err != nil {
					t.Error(err)
				}
			},
			"Close": h.reopen,
		} {
			h.accept("a", to(1)...)
			select {
			case <-h.settles.hasten: // left from an earlier hurry
			default:
			}
			h.settle(h.take(1), done)
			synctest.Wait() // the committer lingers
			began := time.Now()
			f()
			if d := time.Since(began); d >= settleLinger {
				t.Errorf("%s took %v", name, d)
			}
		}
	})
}

// A disk that takes nothing for a while has nobody wait who comes later. Those who are there, and who ask again for what is
// known, are not refused.
func TestStalledDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn, stalls := make(chan struct{}), atomic.Bool{}
		h := newHouse(t, Options{maxShared: alone, hooks: hooks{beforeCommit: func(ms []Message) {
			if stalls.Load() && string(ms[0].Payload) == "a" {
				<-goOn
			}
		}}})
		defer h.finish()
		ctx := context.Background()
		known := Message{Payload: []byte("known"), Deliveries: to(1), Key: "k"}
		if _, err := h.Accept(ctx, known); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // with nothing to write
		stalls.Store(true)
		var waiting sync.WaitGroup
		accept := func() {
			waiting.Go(func() { h.accept("a", to(1)...) })
			synctest.Wait()
		}
		accept()
		time.Sleep(stall)
		accept()
		for range 2 { // the first has gone on, and the second is held up
			time.Sleep(stall / 2)
			if _, err := h.Accept(ctx, Message{Payload: []byte("owed to nobody")}); err != nil {
				t.Errorf("what needs no disk: %v", err)
			}
			time.Sleep(stall/2 + time.Millisecond)
			_, err := h.Accept(ctx, Message{Payload: []byte("late"), Deliveries: to(1)})
			if busy := (*OverloadedError)(nil); !errors.As(err, &busy) || busy.RetryAfter <= 0 || errors.Is(err, ErrReadOnly) {
				t.Errorf("an accept: %v", err)
			}
			if r, err := h.Accept(ctx, known); err != nil || !r.Repeated {
				t.Errorf("what is known: %+v, %v", r, err)
			}
			select {
			case goOn <- struct{}{}:
			default:
				t.Error("an accept that came in time was refused")
			}
			synctest.Wait()
		}
		waiting.Wait()
		stalls.Store(false)
		h.accept("b", to(1)...)
		h.takes(1, "known", "a", "a", "b")
	})
}
