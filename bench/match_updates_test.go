package bench

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hookline/engine/event"
	"hookline/jql"
	"hookline/matcher"
)

func TestMatchUpdates(t *testing.T) {
	var results []MatchUpdatesResult
	c := MatchUpdatesConfig{
		MatchConfig: MatchConfig{Filters: []int{50, 2000}, Events: 30, For: 360 * time.Millisecond, Progress: t.Logf},
		Rate:        2000,
	}
	err := MatchUpdates(t.Context(), c, func(r MatchUpdatesResult) error {
		results = append(results, r)
		return nil
	})
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		t.Logf("%+v", r)
		if r.Filters != c.Filters[i] || r.Changes == 0 || r.Mismatches != 0 || r.Checked != c.Events {
			t.Errorf("%+v", r)
		}
		for name, figure := range map[string]float64{
			"p50": r.VisibleP50, "p99-p50+1": r.VisibleP99 - r.VisibleP50 + 1, "max-p99+1": r.VisibleMax - r.VisibleP99 + 1,
			"add": r.AddP99, "remove": r.RemoveP99, "before": r.BeforeNS, "during": r.DuringNS, "after": r.AfterNS,
			"during over before": r.DuringOverBefore, "after over before": r.AfterOverBefore,
		} {
			if figure <= 0 {
				t.Errorf("%s is %v", name, figure)
			}
		}
	}
	if err := MatchUpdates(t.Context(), MatchUpdatesConfig{Rate: -1}, nil); !isConfigError(err) {
		t.Errorf("a rate below 0: %v", err)
	}
}

// history is an index that changes step by step, with what the plain evaluator says of every state for each event.
type history struct {
	steps  [][]indexChange
	events []matchEvent
	states [][][]matcher.ID // by number of steps made and by event
}

// newHistory begins with a first step of all filters and goes on with a few changes each.
func newHistory(t *testing.T, filters, steps, perStep int) *history {
	texts := newIssueTexts(filterSeed, 20, 1.1)
	r := texts.register(filters)
	first, err := r.entries()
	if err != nil {
		t.Fatal(err)
	}
	run := &updatesRun{rate: steps * perStep, matchRun: &matchRun{
		config: &MatchConfig{For: stretchesOfCycle * time.Second}, registrations: r,
	}}
	if err := run.plan(texts, first); err != nil {
		t.Fatal(err)
	}
	h := &history{events: newIssueTexts(eventSeed, 20, 1.1).events(6)}
	truth, err := r.evaluate(t.Context(), h.events, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	start := []indexChange{{add: first}}
	h.steps = append(h.steps, start)
	for chunk := range slices.Chunk(run.changes, perStep) {
		if len(h.steps) <= steps {
			h.steps = append(h.steps, chunk)
		}
	}
	h.states = append(h.states, make([][]matcher.ID, len(h.events)), r.answers(truth))
	for _, step := range h.steps[1:] {
		for _, c := range step {
			if c.add == nil {
				r.set(c.id, gone)
			}
		}
		for _, c := range step { // an update removes first
			if c.add != nil {
				r.set(c.id, c.text)
			}
		}
		h.states = append(h.states, r.answers(truth))
	}
	return h
}

// answers are the matches of each event, in order.
func (r *registrations) answers(truth []bitset) [][]matcher.ID {
	all := make([][]matcher.ID, len(truth))
	for event, texts := range truth {
		for id, text := range r.of {
			if text != gone && texts.has(text) {
				all[event] = append(all[event], matcher.ID(id))
			}
		}
	}
	return all
}

// Every answer that is given while registrations come and go is the plain evaluator's on the state before a change or after it.
// One index is merged within its updates, the other beside them.
func TestAnswersDuringUpdates(t *testing.T) {
	for name, h := range map[string]*history{
		"small": newHistory(t, 400, 120, 6),
		"large": newHistory(t, 9000, 150, 12),
	} {
		t.Run(name, func(t *testing.T) { h.play(t) })
	}
}

// play has readers match while all steps are made. A step is one update.
func (h *history) play(t *testing.T) {
	x := matcher.New()
	var begun, made, answers atomic.Int64
	var readers sync.WaitGroup
	answered := make(chan struct{}) // received from by whom waits for answers, if anybody does
	ctx, fail := context.WithCancel(t.Context())
	defer fail()
	for first := range 3 {
		readers.Go(func() {
			var ev matcher.Event
			var scanner event.Scanner
			var plan *event.Plan
			fields := -1
			defer fail() // or all is done
			for i := first; made.Load() < int64(len(h.steps)); i++ {
				e := i % len(h.events)
				from := made.Load()
				v := x.View()
				to := begun.Load()
				ev.Reset(v)
				if n := len(v.Fields()); n != fields { // fields are only ever appended
					fields, plan = n, event.NewPlan(v.Fields(), jql.Env{})
				}
				if _, err := scanner.Scan(h.events[e].body, plan, &ev); err != nil {
					t.Error(err)
					return
				}
				got := v.Match(nil, &ev)
				slices.Sort(got)
				if !slices.ContainsFunc(h.states[from:to+1], func(state [][]matcher.ID) bool { return slices.Equal(state[e], got) }) {
					t.Errorf("event %d: %d matches, which are those of no state from %d to %d", e, len(got), from, to)
					return
				}
				answers.Add(1)
				select {
				case answered <- struct{}{}:
					runtime.Gosched() // whoever waited goes on now, and not when readers are preempted
				default:
				}
			}
		})
	}
	for _, step := range h.steps {
		var add []matcher.Entry
		var remove []matcher.ID
		for _, c := range step {
			if add = append(add, c.add...); c.add == nil {
				remove = append(remove, c.id)
			}
		}
		for range 3 { // every state is to be seen
			select {
			case <-answered:
			case <-ctx.Done():
			}
		}
		begun.Add(1)
		x.Update(add, remove)
		made.Add(1)
	}
	readers.Wait()
	t.Logf("%d answers over %d steps", answers.Load(), len(h.steps))
}
