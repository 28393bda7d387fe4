package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hookline/matcher"
)

// updatesRun is an index that is changed while it is read.
type updatesRun struct {
	*matchRun
	rate    int
	changes []indexChange // in the order in which they are made
	made    int
	stretch atomic.Int64 // that the reader is to be in; noStretch at the end
	seen    atomic.Int64 // that the reader is in
	adds    []time.Duration
	removes []time.Duration
	hidden  int // changes that a View taken after them did not show
}

// indexChange adds a registration or removes one.
type indexChange struct {
	id   matcher.ID
	add  []matcher.Entry // one, or none to remove
	text int32           // of the filter that is added
}

// A cycle is three stretches: without changes, with changes, and without again.
const (
	stretchesOfCycle = 3
	updateCycles     = 6
	noStretch        = -1

	readerPoll = 20 * time.Microsecond
)

// gone is the text of a registration that is removed.
const gone = -1

func newUpdatesRun(c *MatchUpdatesConfig, filters int) (*updatesRun, error) {
	c.Progress("making %d filters", filters)
	texts := newIssueTexts(c.Seed+filterSeed, c.Projects, c.Skew)
	run := &updatesRun{rate: c.Rate, matchRun: &matchRun{
		config:        &c.MatchConfig,
		registrations: texts.register(filters),
		events:        newIssueTexts(c.Seed+eventSeed, c.Projects, c.Skew).events(c.Events),
	}}
	entries, err := run.registrations.entries()
	if err != nil {
		return nil, err
	}
	run.index = matcher.New()
	run.index.Update(entries, nil)
	return run, run.plan(texts, entries)
}

// stretchTime is how long each stretch is.
func (run *updatesRun) stretchTime() time.Duration {
	return run.config.For / (updateCycles * stretchesOfCycle)
}

// plan chooses as many changes as there is time for. Every other one removes a registration; of those that add one, every third has a
// filter that is known.
func (run *updatesRun) plan(texts *issueTexts, entries []matcher.Entry) error {
	r := run.registrations
	n := (int(run.stretchTime().Seconds()*float64(run.rate)) + 1) * updateCycles
	fresh := &registrations{}
	for i := range n {
		fresh.texts, fresh.of = append(fresh.texts, texts.filter()), append(fresh.of, int32(i))
	}
	added, err := fresh.entries()
	if err != nil {
		return err
	}
	live := make([]matcher.ID, len(entries))
	for i := range live {
		live[i] = matcher.ID(i)
	}
	for i := range n {
		if i%2 == 1 {
			at := texts.random.IntN(len(live))
			run.changes = append(run.changes, indexChange{id: live[at]})
			live[at] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		id, filter, text := matcher.ID(len(entries)+i), added[i].Filter, int32(len(r.texts)+i)
		if i%6 == 4 {
			from := texts.random.IntN(len(entries))
			filter, text = entries[from].Filter, r.of[from]
		}
		run.changes = append(run.changes, indexChange{id, []matcher.Entry{{ID: id, Filter: filter}}, text})
		live = append(live, id)
	}
	r.texts = append(r.texts, fresh.texts...)
	return nil
}

// measure goes through all cycles and puts what they took into the result.
func (run *updatesRun) measure(ctx context.Context, r *MatchUpdatesResult) error {
	run.config.Progress("changing %d filters %d times a second for %v", r.Filters, run.rate, run.config.For)
	begin := time.Now()
	times := make([]float64, updateCycles*stretchesOfCycle)
	run.seen.Store(noStretch)
	var reader sync.WaitGroup
	reader.Go(func() { run.read(times) })
	for s := range times {
		run.stretch.Store(int64(s))
		for run.seen.Load() != int64(s) {
			time.Sleep(readerPoll)
		}
		if s%stretchesOfCycle == 1 {
			run.change(ctx)
		} else {
			wait(ctx, run.stretchTime())
		}
	}
	run.stretch.Store(noStretch)
	reader.Wait()
	r.Seconds = round(time.Since(begin).Seconds())
	r.tell(times)
	r.Changes, r.Mismatches = run.made, run.hidden
	slices.Sort(run.adds)
	slices.Sort(run.removes)
	all := slices.Sorted(slices.Values(slices.Concat(run.adds, run.removes)))
	r.VisibleP50, r.VisibleP99 = microseconds(thousandth(all, 500)), microseconds(thousandth(all, 990))
	r.VisibleMax = microseconds(thousandth(all, 1000))
	r.AddP99, r.RemoveP99 = microseconds(thousandth(run.adds, 990)), microseconds(thousandth(run.removes, 990))
	return ctx.Err()
}

func microseconds(d time.Duration) float64 { return round(d.Seconds() * 1e6) }

// tell puts the reader's times by stretch into the result.
func (r *MatchUpdatesResult) tell(times []float64) {
	var kinds [stretchesOfCycle][]float64
	for s, ns := range times {
		kinds[s%stretchesOfCycle] = append(kinds[s%stretchesOfCycle], ns)
	}
	before, during, after := kinds[0], kinds[1], kinds[2]
	r.BeforeNS, r.DuringNS, r.AfterNS = round(median(before)), round(median(during)), round(median(after))
	r.DuringOverBefore, r.AfterOverBefore = round(medianRatio(during, before)), round(medianRatio(after, before))
}

// read matches events, each in a View of its own, and notes by stretch how long one takes.
func (run *updatesRun) read(times []float64) {
	stretch, begin, events := run.stretch.Load(), time.Now(), 0
	run.seen.Store(stretch)
	for i := 0; stretch != noStretch; i = (i + 1) % len(run.events) {
		run.look()
		run.match(i)
		events++
		if s := run.stretch.Load(); s != stretch {
			now := time.Now()
			times[stretch] = ratio(float64(now.Sub(begin).Nanoseconds()), float64(events))
			stretch, begin, events = s, now, 0
			run.seen.Store(s)
		}
	}
}

// change makes changes for the time of a stretch, at the rate that is asked for. It waits for a timer and not in a system call as the publishers do:
// the Go scheduler would wake up every 20 microseconds to take the processor from a thread in such a call, and that alone makes the reader some 10 %
// slower, without any change.
func (run *updatesRun) change(ctx context.Context) {
	begin, length := time.Now(), run.stretchTime()
	for k := 0; ctx.Err() == nil && run.made < len(run.changes); k++ {
		due := begin.Add(time.Duration(float64(k) / float64(run.rate) * float64(time.Second)))
		if due.Sub(begin) >= length {
			break
		}
		time.Sleep(time.Until(due))
		run.makeChange(&run.changes[run.made])
		run.made++
	}
	wait(ctx, time.Until(begin.Add(length)))
}

func (run *updatesRun) makeChange(c *indexChange) {
	want := run.index.Len() + 1
	var remove []matcher.ID
	if c.add == nil {
		want -= 2
		remove = []matcher.ID{c.id}
	}
	begin := time.Now()
	run.index.Update(c.add, remove)
	shown := run.index.Len()
	took := time.Since(begin)
	if shown != want {
		run.hidden++
	}
	if c.add == nil {
		run.removes = append(run.removes, took)
		run.registrations.set(c.id, gone)
	} else {
		run.adds = append(run.adds, took)
		run.registrations.set(c.id, c.text)
	}
}

// set gives a registration a text. Those before it that are not there yet are gone.
func (r *registrations) set(id matcher.ID, text int32) {
	for int(id) >= len(r.of) {
		r.of = append(r.of, gone)
	}
	r.of[id] = text
}

// checkedAfterChanges bounds the events that are checked after all changes: they times the filters.
const checkedAfterChanges = 10_000_000

// check compares the answers after all changes with those of the plain evaluator.
func (run *updatesRun) check(ctx context.Context, r *MatchUpdatesResult) error {
	r.Checked = min(len(run.events), max(1, checkedAfterChanges/len(run.registrations.texts)))
	run.config.Progress("evaluating every filter for %d events", r.Checked)
	truth, err := run.registrations.evaluate(ctx, run.events[:r.Checked], run.config.Progress)
	if err != nil {
		return err
	}
	run.look()
	for i := range r.Checked {
		if !run.registrations.agree(run.match(i), truth[i]) {
			r.Mismatches++
		}
	}
	return ctx.Err()
}
