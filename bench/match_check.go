package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hookline/jql"
	"hookline/matcher"
)

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset      { return make(bitset, (n+63)/64) }
func (b bitset) has(n int32) bool { return b[n/64]>>(n%64)&1 != 0 }
func (b bitset) add(n int32)      { b[n/64] |= 1 << (n % 64) }

// All events are checked with up to checkedInFull filters. With more, checkedWork bounds the events: they times the filters. It is
// enough for 500 events and 100,000 filters.
const (
	checkedInFull = 10_000
	checkedWork   = 50_000_000
)

// checked is for how many of the events the answers are compared.
func checked(events, filters int) int {
	if filters <= checkedInFull {
		return events
	}
	return min(events, max(1, checkedWork/filters))
}

// check compares the answers of all sides with those of the plain evaluator, and counts the matches.
func (run *matchRun) check(ctx context.Context, r *MatchResult) error {
	run.found = make([]int, len(run.events))
	candidates, tests, distinct := 0, 0, 0
	for i := range run.events {
		run.found[i] = len(run.match(i))
		candidates, tests = candidates+run.event.Candidates(), tests+run.event.Tests()
		distinct += len(run.matchDistinct(i))
	}
	of := func(sum int) float64 { return round(ratio(float64(sum), float64(len(run.events)))) }
	r.Candidates, r.Tests, r.DistinctMatches = of(candidates), of(tests), of(distinct)
	r.Matches = of(sumOf(run.found))
	r.ExtractBytes = round(meanOf(run.events, func(e *matchEvent) int { return len(e.body) }))
	r.Checked = checked(len(run.events), r.Filters)
	run.config.Progress("evaluating every filter for %d events", r.Checked)
	truth, err := run.registrations.evaluate(ctx, run.events[:r.Checked], run.config.Progress)
	if err != nil {
		return err
	}
	for i := range r.Checked {
		for _, side := range []func(int) []matcher.ID{run.match, run.subscribers, run.extractMatch, run.loop} {
			if !run.registrations.agree(side(i), truth[i]) {
				r.Mismatches++
			}
		}
	}
	return ctx.Err()
}

func sumOf(numbers []int) (sum int) {
	for _, n := range numbers {
		sum += n
	}
	return sum
}

// agree says whether the ids are the registrations whose texts are in the set, each once.
func (r *registrations) agree(ids []matcher.ID, texts bitset) bool {
	ids = slices.Sorted(slices.Values(ids))
	for i, text := range r.of {
		matched := len(ids) > 0 && ids[0] == matcher.ID(i)
		if matched != (text != gone && texts.has(text)) {
			return false
		}
		if matched {
			ids = ids[1:]
		}
	}
	return len(ids) == 0
}

// evaluatedAtOnce is for how many events all texts are evaluated before it is the turn of others, which bounds the memory of what
// evaluators keep of events.
const evaluatedAtOnce = 100

// evaluate asks the plain evaluator for each event about each text once, and returns by event the texts that hold.
func (r *registrations) evaluate(ctx context.Context, events []matchEvent, progress func(string, ...any)) ([]bitset, error) {
	begin, told := time.Now(), time.Now()
	var truth []bitset
	for some := range slices.Chunk(events, evaluatedAtOnce) {
		holds, err := r.evaluateSome(ctx, some)
		if err != nil {
			return nil, err
		}
		truth = append(truth, holds...)
		if time.Since(told) >= evaluationReport {
			told = time.Now()
			progress("evaluated for %d of %d events in %v", len(truth), len(events), time.Since(begin).Round(time.Second))
		}
	}
	return truth, nil
}

// evaluationReport is how often it is said how far the evaluation is.
const evaluationReport = 5 * time.Second

func (r *registrations) evaluateSome(ctx context.Context, events []matchEvent) ([]bitset, error) {
	truth, docs := make([]bitset, len(events)), make([]any, len(events))
	for i := range events {
		truth[i] = newBitset(len(r.texts))
		d := json.NewDecoder(bytes.NewReader(events[i].body))
		d.UseNumber()
		if err := d.Decode(&docs[i]); err != nil {
			return nil, fmt.Errorf("bench: decoding %s: %w", events[i].body, err)
		}
	}
	// Texts are handed out so that no two goroutines write to one word of a set.
	var next atomic.Int64
	var workers sync.WaitGroup
	var failure atomic.Pointer[error]
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			evaluators := make([]*jql.Evaluator, len(docs))
			for i, doc := range docs {
				evaluators[i] = jql.NewEvaluator(jql.Env{}, doc, time.Time{})
			}
			for ctx.Err() == nil {
				from := int(next.Add(64)) - 64
				if from >= len(r.texts) {
					return
				}
				if err := evaluateTexts(r.texts, from, evaluators, truth); err != nil {
					failure.Store(&err)
					return
				}
			}
		})
	}
	workers.Wait()
	if err := failure.Load(); err != nil {
		return nil, *err
	}
	return truth, ctx.Err()
}

// evaluateTexts evaluates the 64 texts from a place on, as far as there are so many: all about one event, then all about the next,
// for what is kept of an event to stay in the caches.
func evaluateTexts(texts []string, from int, events []*jql.Evaluator, truth []bitset) error {
	texts = texts[from:min(from+64, len(texts))]
	queries := make([]*jql.Query, len(texts))
	for i, text := range texts {
		var err error
		if queries[i], err = jql.Parse(text); err != nil {
			return fmt.Errorf("bench: parsing %s: %w", text, err)
		}
	}
	for i, event := range events {
		for j, q := range queries {
			if event.Evaluate(q) {
				truth[i].add(int32(from + j))
			}
		}
	}
	return nil
}
