package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue/internal/lab"
)

// These tests run writes, scans and settlements at one endpoint in every order that their steps can have. A step ends where
// the next one could be seen by the others to come later: at a hook.
//
// The orders are found by running: after a run, the last step that could have been another's is given to that one, and all
// before it stay as they were, until none is left that was not tried.

// actor does something in steps, on whichever goroutine each of them happens to be.
type actor struct {
	name           string
	do             func()
	at, resume     chan struct{}
	running, ended bool
}

// step lets an actor go on, and returns when it stands at its next step or has ended.
func (a *actor) step() {
	if !a.running {
		a.running = true
		go func() {
			a.do()
			a.ended = true
			a.at <- struct{}{}
		}()
	} else {
		a.resume <- struct{}{}
	}
	<-a.at
}

// stage is where actors meet: an endpoint that was never used before.
type stage struct {
	*house
	wall     *wall
	endpoint EndpointID
	actors   []*actor // in a fixed order
	expand   chan struct{}
	held     *Delivery // taken before the actors begin, for one that settles it

	inHand  []Delivery // taken by the reader
	durable []string   // payloads whose accept is on the disk
	taken   []string   // payloads in the order in which they were taken
	early   []string   // those that were taken before they were durable
}

// stand is called by hooks. Nobody stands where no actor of the name is on its way, as when the stage is being prepared.
func (s *stage) stand(name string) {
	for _, a := range s.actors {
		if a.name == name && a.running && !a.ended {
			a.at <- struct{}{}
			<-a.resume
		}
	}
}

func (s *stage) hooks() hooks {
	return hooks{
		beforeCommit: func(ms []Message) { s.stand(string(ms[0].Payload)) },
		afterCommit: func(ms []Message) {
			s.stand(string(ms[0].Payload))
			s.durable = append(s.durable, string(ms[0].Payload))
		},
		beforeScan:   func(EndpointID) { s.stand("reader") },
		afterScan:    func(EndpointID) { s.stand("reader") },
		beforeExpand: func(part) { <-s.expand },
		duringExpand: func(part) { s.stand("expander") },
		afterExpand:  func(part) { s.stand("expander") },
		beforeSettle: func() { s.stand("settler") },
		afterSettle:  func() { s.stand("settler") },
	}
}

func (s *stage) add(name string, do func()) {
	s.actors = append(s.actors, &actor{name: name, do: do, at: make(chan struct{}), resume: make(chan struct{})})
}

// accepts adds an actor that accepts a message, whose payload is its name.
func (s *stage) accepts(name string, t Target) {
	t.Endpoint = s.endpoint
	s.add(name, func() { s.accept(name, t) })
}

// settles adds an actor that settles what is in hand since before, and waits until that is committed.
func (s *stage) settles(o Outcome) {
	s.add("settler", func() {
		if err := errors.Join(s.Settle(s.held, o), s.committed(context.Background())); err != nil {
			s.t.Error(err)
		}
	})
}

// expands adds an actor that expands a large fan-out, which was accepted before.
func (s *stage) expands() {
	s.accept("fan-out", to(s.endpoint, s.endpoint+1)...)
	s.add("expander", func() {
		s.expand <- struct{}{}
		if err := s.fanOuts.wait(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
}

// takes notes what is taken.
func (s *stage) takes() (d Delivery, ok bool) {
	if d, ok = s.Take(s.endpoint); ok {
		payload := string(d.Payload)
		s.taken = append(s.taken, payload)
		if !slices.Contains(s.durable, payload) {
			s.early = append(s.early, payload)
		}
	}
	return d, ok
}

// behind has deliveries wait that only the disk has.
func (s *stage) behind(payloads ...string) {
	for _, p := range payloads {
		s.accept(p, to(s.endpoint)...)
	}
	e := s.endpoints.find(s.endpoint)
	e.lanes[Fresh].rewind()
}

// holds has a delivery in hand.
func (s *stage) holds(payload string, t Target) {
	t.Endpoint = s.endpoint
	s.accept(payload, t)
	d, ok := s.Take(s.endpoint)
	if !ok {
		s.t.Fatalf("there is no %q to take", payload)
	}
	s.held = &d
	s.wall.add(2 * time.Second) // and with it the mark of the clock, which low-water marks stay below
}

// paths are the orders: which of those who could was given each step.
type paths struct {
	steps []choice
	n     int // steps of the run at hand
}

type choice struct{ taken, of int }

func (p *paths) choose(of int) int {
	if p.n == len(p.steps) {
		p.steps = append(p.steps, choice{0, of})
	}
	c := p.steps[p.n]
	if c.of != of {
		panic("the same steps led elsewhere")
	}
	p.n++
	return c.taken
}

// next goes to an order that was not tried.
func (p *paths) next() bool {
	p.n = 0
	for i := len(p.steps) - 1; i >= 0; i-- {
		if c := &p.steps[i]; c.taken+1 < c.of {
			c.taken++
			p.steps = p.steps[:i+1]
			return true
		}
	}
	return false
}

// play runs the actors in one order, takes what is left, and returns in what way that was wrong.
func (s *stage) play(p *paths, want []string) error {
	var order []string
	var wrong error
	for {
		able := slices.DeleteFunc(slices.Clone(s.actors), func(a *actor) bool { return a.ended })
		if len(able) == 0 {
			break
		}
		a := able[p.choose(len(able))]
		order = append(order, a.name)
		a.step()
		if wrong == nil {
			wrong = s.markIsLow()
		}
	}
	s.wall.add(time.Second)
	for i := range s.inHand {
		s.settle(&s.inHand[i], done)
	}
	for d, ok := s.takes(); ok; d, ok = s.takes() {
		s.settle(&d, done)
	}
	if err := s.committed(context.Background()); err != nil {
		return err
	}
	got := slices.Clone(s.taken)
	slices.Sort(got)
	if slices.Sort(want); wrong != nil {
		// what follows from it is not worth telling
	} else if !slices.Equal(got, want) {
		wrong = fmt.Errorf("took %q, want %q", s.taken, want)
	} else if len(s.early) > 0 {
		wrong = fmt.Errorf("took %q before the accept was durable", s.early)
	} else if s.held != nil && s.held.item.turn != nil && slices.Index(s.taken, "held") > slices.Index(s.taken, "a") {
		wrong = fmt.Errorf("took %q, which is not in line", s.taken)
	} else if due, some := s.NextDue(s.endpoint); some {
		wrong = fmt.Errorf("something is said to be due at %v, and nothing is left", due)
	}
	if wrong != nil {
		return fmt.Errorf("%s: %w", strings.Join(order, ", "), wrong)
	}
	return nil
}

// markIsLow looks whether the low-water mark has passed a delivery that is not settled.
func (s *stage) markIsLow() (wrong error) {
	mark := s.mark(s.endpoint, Fresh)
	e := s.endpoints.find(s.endpoint)
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for h, held := range e.held {
		if !held.settling && h.pos.less(mark) {
			wrong = fmt.Errorf("the mark %v is behind %v", mark, h.pos)
		}
	}
	return wrong
}

// interleaved is what meets at an endpoint.
type interleaved struct {
	prepare func(*stage)
	want    []string // payloads that are taken in the end, as often as they should be
}

var interleavings = map[string]interleaved{
	"two accepts": {func(s *stage) {
		s.behind("1")
		s.accepts("a", Target{})
		s.accepts("b", Target{})
	}, []string{"1", "a", "b"}},
	"two accepts, the endpoint is idle": {func(s *stage) {
		s.accepts("a", Target{})
		s.accepts("b", Target{})
	}, []string{"a", "b"}},
	"an accept and an expansion": {func(s *stage) {
		s.behind("1")
		s.accepts("a", Target{})
		s.expands()
	}, []string{"1", "a", "fan-out"}},
	"an accept and a settlement that moves the mark": {func(s *stage) {
		s.holds("held", Target{})
		s.behind("1")
		s.accepts("a", Target{})
		s.settles(done)
	}, []string{"1", "a"}},
	"an accept and a retry": {func(s *stage) {
		s.holds("held", Target{})
		s.behind("1")
		s.accepts("a", Target{})
		s.settles(Outcome{Verdict: Again})
	}, []string{"1", "held", "a"}},
	"an accept and a retry in line": {func(s *stage) {
		s.holds("held", Target{Order: 1})
		s.behind("1")
		s.accepts("a", Target{Order: 1})
		s.settles(Outcome{Verdict: Again})
	}, []string{"1", "held", "a"}},
	"a settlement that moves the mark as time passes": {func(s *stage) {
		s.holds("held", Target{})
		s.accepts("a", Target{})
		s.settles(done)
		s.add("clock", func() { s.wall.add(2 * time.Second) })
	}, []string{"a"}},
	"a settlement while another is in hand": {func(s *stage) {
		s.holds("other", Target{})
		s.holds("held", Target{})
		s.accepts("a", Target{})
		s.settles(done)
	}, []string{"a"}},
}

// everyOrder returns how many orders there are, and the first that goes wrong. The reader takes a window full.
func everyOrder(t *testing.T, in interleaved, window int, defect lab.Defect) (n int, wrong error) {
	w, s := newWall(), new(stage)
	s.expand = make(chan struct{})
	h := &house{t: t, fs: vfs.NewMem(), misuse: new(atomic.Int64), opts: Options{
		now: w.now, Window: window, maxShared: alone, maxDirect: 1, lowWaterStep: 1, defect: defect, hooks: s.hooks(),
	}}
	h.tune = func(o *pebble.Options) { o.MemTableSize = 512 << 10 } // flushes take time, and so do many range deletions in one
	h.open()
	defer h.finish()
	h.settledStats()
	for p := new(paths); ; {
		*s = stage{house: h, wall: w, endpoint: s.endpoint + 2, expand: s.expand}
		in.prepare(s)
		s.durable = append(s.durable, "1", "2", "held", "fan-out")
		s.add("reader", func() {
			for range window {
				if d, ok := s.takes(); ok {
					s.inHand = append(s.inHand, d)
				}
			}
		})
		n++
		if err := s.play(p, slices.Clone(in.want)); err != nil {
			return n, err
		}
		if !p.next() || testing.Short() && n == 40 { // under the race detector all of them take minutes, and one step at a time can race with little
			return n, nil
		}
	}
}

// Whatever the order: each delivery is taken once for each time that it is due, none before its accept is durable, and no mark
// passes one.
func TestEveryOrder(t *testing.T) {
	for name, in := range interleavings {
		for _, window := range []int{1, 2} {
			t.Run(fmt.Sprint(name, ", window ", window), func(t *testing.T) {
				if testing.Short() && window == 1 {
					t.Skip("takes half a minute, with the others of this window")
				}
				n, err := everyOrder(t, in, window, lab.None)
				if err != nil {
					t.Fatal(err)
				}
				if least := 140; n < least && !testing.Short() { // two actors with three steps, and a reader with one
					t.Errorf("%d orders, fewer than %d", n, least)
				}
				t.Logf("%d orders", n)
			})
		}
	}
}

// Without what they are for, some order shows it.
func TestSomeOrderShowsTheDefect(t *testing.T) {
	for _, tt := range []struct {
		in     string
		defect lab.Defect
	}{
		{"two accepts", lab.CursorWithoutWatermark},
		{"an accept and an expansion", lab.CursorWithoutWatermark},
		{"an accept and a retry", lab.CursorWithoutWatermark},
		{"a settlement while another is in hand", lab.WaterAboveTheHeld},
	} {
		n, err := everyOrder(t, interleavings[tt.in], 2, tt.defect)
		if err == nil {
			t.Errorf("%s, defect %v: %d orders and none goes wrong", tt.in, tt.defect, n)
		}
		t.Logf("%s: %v", tt.in, err)
	}
}
