package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// inOrder is a target at endpoint 1 with an order key.
func inOrder(key uint64) Target { return Target{Endpoint: 1, Order: key} }

// TestOrder tells histories of deliveries of endpoint 1. "a1" is the first delivery with the order key a, "-1" one
// without. The steps:
//
//	accept a1 a2   each in an accept of its own
//	delay a1       in an accept, due in a minute
//	all a1 a2      all in one accept
//	replay a1      in lane Replay
//	take a1 -1     these come in this order, and nothing else
//	done a1        and likewise dead, release; again is in a minute, soon is in the past
//	minute         goes by
//	reopen, crash, purge
//	next 60        NextDue is in 60 s; "next none", "next now"
func TestOrder(t *testing.T) {
	for name, steps := range map[string]string{
		"one at a time":       "accept a1 a2 b1 -1; take a1 b1 -1; done a1; take a2",
		"given up":            "accept a1 a2; take a1; dead a1; take a2",
		"released":            "accept a1 a2; take a1; release a1; take a1",
		"a retry holds up":    "accept a1 a2; take a1; again a1; take; next 60; minute; take a1; done a1; take a2; done a2; next none",
		"and no other":        "accept a1 a2 -1; take a1 -1; again a1; again -1; accept b1 -2; take b1 -2; minute; take a1 -1",
		"a retry at once":     "accept a1 a2; take a1; soon a1; take a1; soon a1; take a1; done a1; take a2",
		"two retries":         "accept a1 b1 a2 b2; take a1 b1; again a1; minute; again b1; take a1; next 60; done a1; take a2; minute; take b1",
		"a delay holds up":    "delay a1; accept a2 -1; take -1; next 60; minute; take a1; done a1; take a2",
		"a delay behind":      "accept a1; delay a2; accept a3; take a1; next none; done a1; take; next 60; minute; take a2; done a2; take a3",
		"in hand and nothing": "accept a1 a2; take a1; next none; done a1; next now",
		"in one accept":       "all a1 a2 b1 a3; take a1 b1; done a1; take a2; soon a2; take a2; done a2; take a3",
		"replays":             "replay a1 a2; take a1 a2; accept a3; take a3",
		"over a restart":      "accept a1 a2 a3; take a1; done a1; take a2; again a2; reopen; take; next 60; minute; take a2; done a2; take a3",
		"over a crash":        "accept a1 a2 -1 a3; take a1 -1; again a1; crash; take -1; minute; take a1; done a1; take a2; crash; take a2 -1; done a2; take a3",
		"many retries, crash": "accept a1 a2; take a1; soon a1; take a1; soon a1; take a1; again a1; crash; accept a3; minute; take a1; done a1; take a2; done a2; take a3",
		"purge":               "accept a1 a2 b1 b2; take a1 b1; again a1; purge; next none; done b1; accept a3 a4 b3; take a3 b3; done a3; take a4",
		"purged in hand":      "accept a1 a2; take a1; purge; accept a3 a4; again a1; take a3; release a3; take a3; done a3; take a4; done a4; minute; take",
		"a window of two":     "accept a1 a2 a3 b1 b2 -1 a4 c1; take a1 b1 -1 c1; done b1; take b2; again a1; done c1; minute; take a1; done a1; take a2",
		"released into two":   "accept a1 a2 -1 -2 b1 b2; take a1 -1 -2 b1; release -2; release -1; release a1; take a1 -1 -2; done b1; take b2; done a1; take a2",
		"on disk":             "accept -1 -2 -3 a1 a2 a3 b1 -4; take -1 -2 -3 a1 b1 -4; release b1; again a1; take b1; minute; take a1; done a1; take a2",
	} {
		for _, window := range []int{1, 2, 64} {
			t.Run(fmt.Sprint(name, "/", window), func(t *testing.T) {
				w := newWall()
				s := &story{t: t, wall: w, house: newHouse(t, Options{now: w.now, Window: window}), held: map[string]*Delivery{}}
				for step := range strings.SplitSeq(steps, "; ") {
					words := strings.Fields(step)
					s.play(words[0], words[1:])
				}
			})
		}
	}
}

type story struct {
	*house
	t    *testing.T
	wall *wall
	held map[string]*Delivery
}

func (s *story) play(step string, names []string) {
	s.t.Helper()
	switch step {
	case "accept", "delay", "replay":
		for _, n := range names {
			s.accept(n, s.target(step, n))
		}
	case "all":
		var ms []Message
		for _, n := range names {
			ms = append(ms, Message{Payload: []byte(n), Deliveries: []Target{s.target(step, n)}})
		}
		if _, err := s.AcceptAll(context.Background(), ms); err != nil {
			s.t.Fatal(err)
		}
	case "take":
		for i, d := range s.takes(1, names...) {
			s.held[names[i]] = d
		}
	case "minute":
		s.wall.add(time.Minute)
	case "reopen":
		s.reopen()
	case "crash":
		s.flush()
		s.crash()
		s.wall.add(time.Second)
	case "purge":
		if err := s.Purge(1); err != nil {
			s.t.Fatal(err)
		}
	case "next":
		s.next(names[0])
	default:
		for _, n := range names {
			s.end(step, s.held[n])
		}
		s.flush()
	}
}

func (s *story) target(step, name string) Target {
	t := inOrder(uint64(name[0]))
	if name[0] == '-' {
		t.Order = 0
	}
	switch step {
	case "delay":
		t.NotBefore = s.wall.now().Add(time.Minute)
	case "replay":
		t.Lane = Replay
	}
	return t
}

func (s *story) end(how string, d *Delivery) {
	s.t.Helper()
	switch how {
	case "done":
		s.settle(d, done)
	case "dead":
		s.settle(d, Outcome{Verdict: Dead, Reason: Rejected})
	case "again":
		s.settle(d, Outcome{Verdict: Again, At: s.wall.now().Add(time.Minute), Attempted: true})
	case "soon":
		s.settle(d, Outcome{Verdict: Again, Attempted: true})
	case "release":
		s.Release(d)
	default:
		s.t.Fatalf("no step %q", how)
	}
}

func (s *story) next(want string) {
	s.t.Helper()
	at, ok := s.NextDue(1)
	in := "none"
	if ok {
		in = fmt.Sprint(int(at.Sub(s.wall.now()).Round(time.Second).Seconds()))
	}
	if in == "0" || strings.HasPrefix(in, "-") {
		in = "now"
	}
	if in != want {
		s.t.Fatalf("next due %s, want %s", in, want)
	}
}

// What stands in line is shown with the time at which it may go, and what was retried keeps its history.
func TestOrderedDeliveriesAreShown(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	accepted := w.now()
	h.accept("a1", inOrder(7))
	h.accept("a2", inOrder(7))
	later := w.now().Add(time.Hour)
	h.settle(h.take(1), Outcome{Verdict: Again, At: later, Attempted: true, Status: 503})
	h.flush()
	for range 2 {
		var all []WaitingDelivery
		if err := h.Waiting(Select{}, func(d WaitingDelivery) bool { all = append(all, d); return true }); err != nil {
			t.Fatal(err)
		}
		if len(all) != 2 || !near(all[0].Due, later) || all[0].Order != 7 || all[0].Attempts != 1 || all[0].LastStatus != 503 ||
			!near(all[0].Accepted, accepted) || !near(all[1].Due, accepted) || all[1].InHand || all[1].Attempts != 0 {
			t.Errorf("%+v", all)
		}
		if s := h.settledStats(); s.Waiting != 2 || s.InHand != 0 || !near(s.OldestDue, accepted) {
			t.Errorf("%+v", s)
		}
		h.reopen()
	}
	w.add(time.Hour)
	d := h.take(1)
	if string(d.Payload) != "a1" || !near(d.Due, later) || d.Attempts != 1 || !near(d.FirstFailure, accepted) {
		t.Errorf("%+v", d)
	}
	h.settle(d, Outcome{Verdict: Dead, Reason: Exhausted, Attempted: true})
	h.flush()
	if l := h.letters(); len(l) != 1 || l[0].Attempts != 2 || !near(l[0].Accepted, accepted) {
		t.Errorf("%+v", l)
	}
}

// A line takes no more memory than there is for it, and what does not fit comes after it, in order.
func TestOrderIsBounded(t *testing.T) {
	h := newHouse(t, Options{Window: 2})
	const n = 3 * 2 * lineWindows
	for i := range n {
		h.accept(fmt.Sprint(i), inOrder(1))
	}
	h.accept("free", to(1)...)
	e := h.endpoints.find(1)
	for i := range n {
		d := h.take(1)
		if string(d.Payload) == "free" {
			h.settle(d, done)
			d = h.take(1)
		}
		if string(d.Payload) != fmt.Sprint(i) {
			t.Fatalf("took %q, want %d", d.Payload, i)
		}
		if other, ok := h.Take(1); ok {
			if string(other.Payload) != "free" {
				t.Fatalf("took %q as well", other.Payload)
			}
			h.settle(&other, done)
		}
		if e.lines.behind > 2*lineWindows {
			t.Fatalf("%d stand in line", e.lines.behind)
		}
		if _, some := h.NextDue(1); some {
			t.Fatal("nothing may be taken, yet something is due")
		}
		h.settle(d, done)
	}
	h.takes(1)
	h.flush()
	if s := h.Stats(); s.Done != n+1 || s.Waiting != 0 || !h.Idle(1) {
		t.Errorf("%+v", s)
	}
}

// A retry is on disk before its endpoint knows of it. A scan that reads it meanwhile does not take it for another
// delivery.
func TestRetryDuringScan(t *testing.T) {
	for _, verdict := range []Verdict{Done, Again} {
		for _, moment := range []string{"before", "after"} {
			var h *house
			var d *Delivery
			settle := func(EndpointID) {
				if d == nil {
					return
				}
				h.Settle(d, Outcome{Verdict: verdict, Attempted: true})
				d = nil
				h.Flush(context.Background())
			}
			o := Options{Window: 1}
			if moment == "before" {
				o.hooks.beforeScan = settle
			} else {
				o.hooks.afterScan = settle
			}
			h = newHouse(t, o)
			h.accept("early", to(1)...)
			h.accept("a1", inOrder(1))
			h.accept("a2", inOrder(1))
			early := h.take(1)
			first := h.take(1)
			h.Release(early) // into the window,
			e := h.endpoints.find(1)
			e.mu.Lock()
			e.lanes[Fresh].leave(start.next()) // and the cursor before everything
			e.mu.Unlock()
			h.settle(h.take(1), done)
			d = first
			var got []string
			for d, ok := h.Take(1); ok; d, ok = h.Take(1) {
				got = append(got, string(d.Payload))
				h.settle(&d, done)
			}
			want := "a2"
			if verdict == Again {
				want = "a1 a2"
			}
			if all := strings.Join(got, " "); all != want {
				t.Errorf("%v %s the scan: took %q, want %q", verdict, moment, all, want)
			}
		}
	}
}

// After a crash, queue time may begin before what was accepted last. What is accepted then has its place behind
// that all the same.
func TestOrderWhenTheClockGoesBack(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	h.accept("", to(2)...) // sets the mark
	w.add(900 * time.Millisecond)
	h.accept("a1", inOrder(1))
	h.accept("a2", inOrder(1))
	w.add(-time.Hour)
	h.crash()
	h.accept("a3", inOrder(1))
	w.add(2 * time.Second)
	for _, name := range []string{"a1", "a2", "a3"} {
		h.settle(h.takes(1, name)[0], done)
	}
}

// TestOrderUnderLoad drives a queue as a dispatcher does, by Ready and NextDue alone: each line is delivered in
// order, by several workers, with retries and releases, and nothing is left lying.
func TestOrderUnderLoad(t *testing.T) {
	const producers, workers, endpoints, each = 3, 4, 3, 400
	var (
		left  atomic.Int64
		wakes = make(chan EndpointID, 1<<20)
		over  = make(chan struct{})
		line  [producers * 4 * endpoints]atomic.Int64 // what comes next
		busy  [producers * 4 * endpoints]atomic.Bool
	)
	left.Store(producers * each * endpoints)
	wake := func(ep EndpointID, at time.Time) {
		time.AfterFunc(time.Until(at), func() { wakes <- ep })
	}
	h := newHouse(t, Options{Window: 2, HandOffBytes: 4 << 10, Ready: wake})
	var producing, working sync.WaitGroup
	for p := range producers {
		producing.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(p)))
			var next [4]int
			for range each {
				key := rng.IntN(4)
				var ts []Target
				for ep := range EndpointID(endpoints) {
					note := binary.BigEndian.AppendUint16(nil, uint16((p*4+key)*endpoints+int(ep)))
					at := Target{Endpoint: ep, Order: uint64(p*4 + key), Note: note}
					if rng.IntN(8) == 0 {
						at.NotBefore = time.Now().Add(time.Duration(rng.IntN(3)) * time.Millisecond)
					}
					ts = append(ts, at)
				}
				if _, err := h.Accept(context.Background(), Message{Payload: fmt.Append(nil, next[key]), Deliveries: ts}); err != nil {
					t.Error(err)
				}
				next[key]++
			}
		})
	}
	work := func(ep EndpointID, rng *rand.Rand) {
		for {
			d, ok := h.Take(ep)
			if !ok {
				if at, ok := h.NextDue(ep); ok {
					wake(ep, at.Add(time.Millisecond))
				}
				return
			}
			i := binary.BigEndian.Uint16(d.Note)
			ordered := (int(i)/endpoints)%(producers*4) != 0 // the very first key is 0
			if n, _ := strconv.ParseInt(string(d.Payload), 10, 64); ordered && (n != line[i].Load() || busy[i].Swap(true)) {
				t.Errorf("%d of line %d, when %d was to come", n, i, line[i].Load())
			}
			o := done
			switch rng.IntN(10) {
			case 0:
				busy[i].Store(false)
				h.Release(&d)
				continue
			case 1, 2:
				o = Outcome{Verdict: Again, Attempted: true, At: time.Now().Add(time.Duration(rng.IntN(3000)) * time.Microsecond)}
			default:
				line[i].Add(1)
			}
			busy[i].Store(false)
			if err := h.Settle(&d, o); err != nil {
				t.Error(err)
			}
			if o.Verdict == Done && left.Add(-1) == 0 {
				close(over)
			}
		}
	}
	for n := range workers {
		working.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(n)))
			for {
				select {
				case ep := <-wakes:
					work(ep, rng)
				case <-over:
					return
				}
			}
		})
	}
	producing.Wait()
	working.Wait()
	if s := h.settledStats(); s.Waiting != 0 || s.InHand != 0 || s.Dead != 0 {
		t.Errorf("%+v", s)
	}
}
