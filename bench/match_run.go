package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"hookline/engine/event"
	"hookline/jql"
	"hookline/matcher"
)

// matchRun is one number of filters that is measured.
type matchRun struct {
	config        *MatchConfig
	registrations *registrations
	events        []matchEvent

	index  *matcher.Index
	view   *matcher.View
	slots  [attributeCount]int // in the view; -1 where no filter asks
	terms  [][]matchTerm       // by event: what the index is given
	plan   *event.Plan
	floor  *floor
	naive  *naiveLoop
	issues []naiveIssue // by event: what the loop is given
	found  []int        // by event: the matches

	// Scratch memory of the sides.
	event   matcher.Event
	scanner event.Scanner
	ids     []matcher.ID
	filters []matcher.FilterID
}

// matchTerm is a term of an event and the slot of its field in a view.
type matchTerm struct {
	slot int
	term []byte
}

// buildTime is how long an index is built again and again, to know better how long it takes.
const buildTime = 300 * time.Millisecond

// build parses all filters and makes the index of them, and what else the sides need.
func (run *matchRun) build(ctx context.Context, r *MatchResult) error {
	run.config.Progress("parsing")
	entries, err := run.registrations.entries()
	if err != nil {
		return err
	}
	run.floor = newFloor()
	for _, e := range entries {
		run.floor.learn(e.Filter.Root())
	}
	run.floor.file()
	var times []time.Duration
	var before uint64
	for begin := time.Now(); times == nil || time.Since(begin) < buildTime && ctx.Err() == nil; {
		run.index = nil
		before = liveHeap()
		run.index = matcher.New()
		start := time.Now()
		run.index.Update(entries, nil)
		times = append(times, time.Since(start))
	}
	n := float64(r.Filters)
	r.Bytes = round(max(0, float64(liveHeap())-float64(before)) / n)
	r.BuildUS = round(median(times).Seconds() * 1e6 / n)
	r.Distinct = run.index.Stats().Filters
	runtime.KeepAlive(entries)
	run.look()
	run.config.Progress("compiling closures")
	if run.naive, err = newNaiveLoop(run.registrations); err != nil {
		return err
	}
	run.issues = make([]naiveIssue, len(run.events))
	for i := range run.events {
		run.issues[i] = run.naive.issue(&run.events[i].terms)
	}
	return nil
}

// liveHeap is the bytes of all that can be reached.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// entries parses and compiles the filters. Registrations of one text share a filter.
func (r *registrations) entries() ([]matcher.Entry, error) {
	filters := make([]*jql.Filter, len(r.texts))
	for i, text := range r.texts {
		q, err := jql.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("bench: parsing %s: %w", text, err)
		}
		if filters[i], err = jql.Compile(q, jql.Env{}); err != nil {
			return nil, fmt.Errorf("bench: compiling %s: %w", text, err)
		}
	}
	entries := make([]matcher.Entry, len(r.of))
	for i, text := range r.of {
		entries[i] = matcher.Entry{ID: matcher.ID(i), Filter: filters[text]}
	}
	return entries, nil
}

// look takes a view. Where it asks for other fields than the last one, the events are brought into the form that it asks for.
func (run *matchRun) look() {
	last := run.view
	run.view = run.index.View()
	fields := run.view.Fields()
	if last != nil && len(last.Fields()) == len(fields) {
		return
	}
	run.plan = event.NewPlan(fields, jql.Env{})
	for a := range attributes {
		run.slots[a] = slices.Index(fields, attributes[a].field)
	}
	run.terms = make([][]matchTerm, len(run.events))
	for i := range run.events {
		for a, texts := range run.events[i].terms {
			for _, text := range texts {
				if run.slots[a] >= 0 {
					run.terms[i] = append(run.terms[i], matchTerm{run.slots[a], []byte(text)})
				}
			}
		}
	}
}

// fill hands the terms of an event over.
func (run *matchRun) fill(i int) {
	run.event.Reset(run.view)
	for _, t := range run.terms[i] {
		run.event.Add(t.slot, t.term)
	}
}

// match goes from the terms of an event to the matches, which are good until the next call.
func (run *matchRun) match(i int) []matcher.ID {
	run.fill(i)
	run.ids = run.view.Match(run.ids[:0], &run.event)
	return run.ids
}

// matchDistinct goes from the terms of an event to the distinct filters, which are good until the next call.
func (run *matchRun) matchDistinct(i int) []matcher.FilterID {
	run.fill(i)
	run.filters = run.view.MatchDistinct(run.filters[:0], &run.event)
	return run.filters
}

// subscribers is match by way of the distinct filters.
func (run *matchRun) subscribers(i int) []matcher.ID {
	run.ids = run.ids[:0]
	for _, f := range run.matchDistinct(i) {
		run.ids = run.view.Subscribers(run.ids, f)
	}
	return run.ids
}

// extract goes from the body of an event to its terms.
func (run *matchRun) extract(i int) {
	run.event.Reset(run.view)
	if _, err := run.scanner.Scan(run.events[i].body, run.plan, &run.event); err != nil {
		panic(fmt.Sprintf("bench: scanning %s: %v", run.events[i].body, err)) // the generator's fault
	}
}

func (run *matchRun) extractMatch(i int) []matcher.ID {
	run.extract(i)
	run.ids = run.view.Match(run.ids[:0], &run.event)
	return run.ids
}

func (run *matchRun) loop(i int) []matcher.ID {
	run.ids = run.ids[:0]
	issue := &run.issues[i]
	for registration, holds := range run.naive.closures {
		if holds(issue) {
			run.ids = append(run.ids, matcher.ID(registration))
		}
	}
	return run.ids
}

// matchSide is one of the sides that take turns.
type matchSide struct {
	one    func(event int)
	events int             // how many a round takes
	next   int             // event, where a round does not take all
	each   []time.Duration // the times of single events, if they are asked for
	rounds []float64       // nanoseconds for an event
}

// warmEvents precede those that are measured, for the caches to be those of the side whose turn it is.
const warmEvents = 32

// turn measures a round. What counts is processor time: on a machine with other work the sides with long turns would wait for
// more of it than those with short ones.
func (s *matchSide) turn(all int) time.Duration {
	for i := range min(warmEvents, s.events) {
		s.one((s.next + all - 1 - i) % all)
	}
	begin, cpu := time.Now(), processTime()
	if s.each == nil {
		for i := range s.events {
			s.one((s.next + i) % all)
		}
	} else {
		for last, i := begin, 0; i < s.events; i++ {
			s.one((s.next + i) % all)
			now := time.Now()
			s.each = append(s.each, now.Sub(last))
			last = now
		}
	}
	took := processTime() - cpu
	if took == 0 {
		took = time.Since(begin) // the system does not tell
	}
	s.next = (s.next + s.events) % all
	s.rounds = append(s.rounds, float64(took.Nanoseconds())/float64(s.events))
	return took
}

const (
	leastRounds = 5
	mostRounds  = 400

	// naiveTurn is about what a round of the naive loop takes if it does not get through all events before.
	naiveTurn = 200 * time.Millisecond
)

// rounds has the sides take turns, every other time the other way around.
func (run *matchRun) rounds(ctx context.Context, r *MatchResult) error {
	run.config.Progress("measuring for %v", run.config.For)
	all := len(run.events)
	index := &matchSide{one: func(i int) { run.match(i) }, events: all}
	distinct := &matchSide{one: func(i int) { run.matchDistinct(i) }, events: all}
	floor := &matchSide{one: func(i int) { run.ids = run.floor.match(run.ids, &run.events[i].terms, run.found[i]) }, events: all}
	naive := &matchSide{one: func(i int) { run.loop(i) }, events: run.affordable()}
	extract := &matchSide{one: run.extract, events: all}
	whole := &matchSide{one: func(i int) { run.extractMatch(i) }, events: all, each: make([]time.Duration, 0, all*leastRounds)}
	sides := []*matchSide{index, distinct, floor, naive, extract, whole}

	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var measured time.Duration
	for r.Rounds < leastRounds || measured < run.config.For && r.Rounds < mostRounds {
		for i := range sides {
			if r.Rounds%2 == 1 {
				i = len(sides) - 1 - i
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			measured += sides[i].turn(all)
		}
		r.Rounds++
	}
	r.NS, r.NaiveNS, r.FloorNS = round(median(index.rounds)), round(median(naive.rounds)), round(median(floor.rounds))
	r.NaiveOverIndex, r.IndexOverFloor = round(medianRatio(naive.rounds, index.rounds)), round(medianRatio(index.rounds, floor.rounds))
	r.DistinctNS = round(median(distinct.rounds))
	r.ExtractNS, r.ExtractMatchNS = round(median(extract.rounds)), round(median(whole.rounds))
	r.ExtractMatchMedianNS = float64(median(whole.each))
	r.Seconds = round(measured.Seconds())
	return nil
}

// affordable is how many events the naive loop gets in a round.
func (run *matchRun) affordable() int {
	begin := time.Now()
	run.loop(0)
	one := max(time.Since(begin), time.Microsecond)
	return min(len(run.events), max(4, int(naiveTurn/one)))
}

// allocationsOf counts those of one event once all buffers have grown.
func (run *matchRun) allocationsOf(one func(int) []matcher.ID) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	for i := range run.events {
		one(i)
	}
	runtime.ReadMemStats(&before)
	for i := range run.events {
		one(i)
	}
	runtime.ReadMemStats(&after)
	return round(ratio(float64(after.Mallocs-before.Mallocs), float64(len(run.events))))
}
