package queue

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Purges come while a scan of the endpoint is held up, and settlements and releases between them: what is in hand is
// counted out once.
func TestPurgesDuringAScan(t *testing.T) {
	scanned, goOn := make(chan struct{}), make(chan struct{})
	hold := false
	h := newHouse(t, Options{Window: 2, hooks: hooks{afterScan: func(EndpointID) {
		if hold {
			hold = false
			scanned <- struct{}{}
			<-goOn
		}
	}}})
	for range 4 {
		h.accept("x", to(1)...)
	}
	settling, released := h.take(1), h.take(1)
	hold = true
	taken := make(chan bool)
	go func() {
		_, ok := h.Take(1)
		taken <- ok
	}()
	<-scanned
	h.Release(released)
	// The settlement has begun, and is written only after the first purge.
	if ok, _ := settling.home.claim(settling.Lane, &settling.item); !ok {
		t.Fatal("what was taken is not in hand")
	}
	for range 2 {
		if err := h.Purge(1); err != nil {
			t.Error(err)
		}
		h.settles.ops <- settlement{home: settling.home, lane: settling.Lane, item: settling.item, outcome: done}
		h.flush()
	}
	close(goOn)
	if <-taken {
		t.Error("something was taken after the purges")
	}
	if s := h.settledStats(); s.InHand != 0 || s.Waiting != 0 {
		t.Errorf("stats %+v of an empty queue", s)
	}
	if got := h.counts.inHand.Load(); got != 0 {
		t.Errorf("%d are counted as in hand", got)
	}
}

// An accept whose commit meets a purge at any of its steps is counted as what is there afterwards.
func TestPurgeMeetsACommit(t *testing.T) {
	for name, tt := range map[string]struct {
		committed string // when
		stays     int64
	}{
		"before the snapshot":    {"before", 0},
		"before the deletion":    {"between", 0},
		"after the deletion":     {"after", 1},
		"after it was all there": {"long before", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWall()
			begin, end := newPausing("x"), newPausing("x")
			between := func() {}
			h := newHouse(t, Options{now: w.now, hooks: hooks{
				beforeCommit: begin.hook, afterCommit: end.hook, beforePurge: func() { between() },
			}})
			h.accept("old", to(1)...)
			between = func() {
				if e := h.endpoints.find(1); e.mu.TryLock() {
					t.Error("a hand-over may come between the snapshot and the deletion")
					e.mu.Unlock()
				}
			}
			done := make(chan error)
			go func() {
				_, err := h.Accept(t.Context(), Message{Payload: []byte("x"), Deliveries: to(1)})
				done <- err
			}()
			<-begin.reached
			commit := func() {
				begin.resume["x"] <- struct{}{}
				<-end.reached
			}
			finish := func() {
				end.resume["x"] <- struct{}{}
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			purge := func() {
				if err := h.Purge(1); err != nil {
					t.Error(err)
				}
			}
			switch tt.committed {
			case "long before":
				commit()
				finish()
				purge()
			case "before":
				commit()
				purge()
				finish()
			case "between":
				between = commit
				purge()
				finish()
			case "after":
				purge()
				commit()
				finish()
			}
			between = func() {}
			w.add(time.Minute)
			backlog := 0
			h.Backlogs(func(b Backlog) bool { backlog += b.Waiting; return true })
			age := h.OldestAge(Fresh)
			if s := h.settledStats(); s.Waiting != tt.stays || int64(backlog) != tt.stays || (age > 0) != (tt.stays > 0) || s.Purged+uint64(tt.stays) != 2 {
				t.Errorf("%+v, backlog %d, age %v; want %d waiting", s, backlog, age, tt.stays)
			}
			purge()
			if s := h.settledStats(); s.Waiting != 0 || h.OldestAge(Fresh) != 0 || s.Purged != 2 {
				t.Errorf("%+v, age %v after another purge", s, h.OldestAge(Fresh))
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			h.endpoints.each(func(e *endpoint) {
				if len(e.removals) > 0 || e.owed != 0 {
					t.Errorf("%d snapshots are kept, %d are owed", len(e.removals), e.owed)
				}
			})
		})
	}
}

// What is purged while it is being taken, and its payload freed before that is read, is not lost.
func TestPurgedIsNotLost(t *testing.T) {
	h := newHouse(t, Options{Lost: func(_ Lane, why Reason) { t.Errorf("lost: %v", why) }})
	h.accept("a", to(1)...)
	d := h.take(1)
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	h.lost(d, PayloadLost, pebble.ErrNotFound)
	if s := h.settledStats(); s.Died != 0 || s.Dead != 0 {
		t.Errorf("%+v", s)
	}
}

// A delivery that is handed over between the snapshot of a purge and its deletion would be counted by neither.
func TestPurgeHoldsHandOvers(t *testing.T) {
	var h *house
	purges := 0
	h = newHouse(t, Options{hooks: hooks{beforePurge: func() {
		purges++
		if e := h.endpoints.find(1); e.mu.TryLock() {
			e.mu.Unlock()
			t.Error("a delivery could be handed over")
		}
	}}})
	h.accept("a", to(1)...)
	if err := h.Purge(1); err != nil || purges != 1 {
		t.Errorf("%d purges, %v", purges, err)
	}
}
