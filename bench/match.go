package bench

import (
	"cmp"
	"context"
	"time"
)

// MatchConfig configures [Match]. The zero value is a run with the defaults.
type MatchConfig struct {
	// Filters are the numbers of registered filters to measure with, one after the other.
	//
	// Defaults to 1,000, 10,000 and 100,000; with Quick to the first two.
	Filters []int

	// Events is the number of different events.
	//
	// Defaults to 2000; with Quick to 500.
	Events int

	// Skew is how unevenly the work is spread over the projects: the n-th sees work in proportion to n to the power of -Skew.
	//
	// Defaults to 1.1.
	Skew float64

	// Projects is the number of projects.
	//
	// Defaults to 200.
	Projects int

	// For is the time for which each number of filters is measured, unless five rounds take longer.
	//
	// Defaults to 5 seconds; with Quick to 2.
	For time.Duration

	// Quick makes the defaults of a run such that it ends in under 30 seconds.
	Quick bool

	// Seed chooses the filters and events.
	Seed uint64

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

func (c MatchConfig) withDefaults() MatchConfig {
	sizes, events, length := []int{1_000, 10_000, 100_000}, 2000, 5*time.Second
	if c.Quick {
		sizes, events, length = sizes[:2], 500, 2*time.Second
	}
	if len(c.Filters) == 0 {
		c.Filters = sizes
	}
	c.Events = cmp.Or(c.Events, events)
	c.Skew = cmp.Or(c.Skew, 1.1)
	c.Projects = cmp.Or(c.Projects, 200)
	c.For = cmp.Or(c.For, length)
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	return c
}

// maxFilters keeps the numbers of registrations within 32 bits, and a run within the memory of a machine.
const maxFilters = 10_000_000

func (c *MatchConfig) validate() error {
	var p problems
	for _, n := range c.Filters {
		p.check(n > 0 && n <= maxFilters, "Filters has %d; use 1 to %d", n, maxFilters)
	}
	p.check(c.Events > 0 && c.Events <= 1e6, "Events is %d; use 1 to 1000000", c.Events)
	p.check(c.Skew > 0 && c.Skew <= 10, "Skew is %v; use a number above 0, 10 at most", c.Skew)
	p.check(c.Projects > 0 && c.Projects <= 1e6, "Projects is %d; use 1 to 1000000", c.Projects)
	p.check(c.For > 0, "For is %v; use a time above 0", c.For)
	return p.err()
}

// MatchResult is what [Match] measured with one number of filters. Times are processor times, which on an idle machine are
// those that pass; BuildUS and ExtractMatchMedianNS are those that pass on any. They are medians of all rounds, and so are the
// ratios, each of which is that of two times of one round.
type MatchResult struct {
	Kind     string `json:"kind"` // "match"
	Filters  int    `json:"filters"`
	Distinct int    `json:"distinct_filters"` // in the index
	Events   int    `json:"events"`

	// NS is the time in nanoseconds in which the index goes from the terms of an event to its matches, Matches the mean number
	// of these.
	NS      float64 `json:"ns_per_event"`
	Matches float64 `json:"matches_per_event"`

	// DistinctNS is the same for the distinct filters that hold (View.MatchDistinct), of which there are DistinctMatches on average.
	DistinctNS      float64 `json:"distinct_ns"`
	DistinctMatches float64 `json:"distinct_per_event"`

	// Candidates is the mean number of filters that the access keys of an event lead to, Tests that of the tests that tell which of
	// them hold.
	Candidates float64 `json:"candidates_per_event"`
	Tests      float64 `json:"tests_per_event"`

	// NaiveOverIndex is how many times longer the loop over all registrations takes, IndexOverFloor how many times longer
	// than the floor the index does.
	NaiveOverIndex float64 `json:"naive_over_index"`
	IndexOverFloor float64 `json:"index_over_floor"`
	NaiveNS        float64 `json:"naive_ns"`
	FloorNS        float64 `json:"floor_ns"`

	// ExtractNS is the time of reading a body of ExtractBytes on average into the terms that the index asks for,
	// ExtractMatchNS that of reading and matching it, and ExtractMatchMedianNS the median over all events of the latter.
	ExtractNS            float64 `json:"extract_ns"`
	ExtractMatchNS       float64 `json:"extract_match_ns"`
	ExtractMatchMedianNS float64 `json:"extract_match_median_ns"`
	ExtractBytes         float64 `json:"extract_bytes"`

	// Allocs is the allocations of matching an event once all buffers have grown, ExtractAllocs those of reading and
	// matching its body.
	Allocs        float64 `json:"allocs_per_event"`
	ExtractAllocs float64 `json:"extract_allocs_per_event"`

	// Bytes is the live heap that the index takes for each filter, with all it needs to be changed, and BuildUS the
	// time in microseconds of Index.Update for each, all of which are parsed and passed in one call.
	Bytes   float64 `json:"bytes_per_filter"`
	BuildUS float64 `json:"build_us_per_filter"`

	// Mismatches counts answers that are not those of the plain evaluator of package jql: of the index, from prepared terms, filter by filter,
	// and from the body, and of the loop. Checked is the number of events for which all four were compared.
	Mismatches int `json:"mismatches"`
	Checked    int `json:"checked"`

	Seconds float64 `json:"seconds"` // measured, all sides together
	Rounds  int     `json:"rounds"`
}

// Match measures package matcher with each number of filters, and passes on the results as they come.
//
// # What is compared
//
// One goroutine goes from the terms of an event to the registrations whose filter holds: by the index; by a loop over the
// filters of all registrations, each compiled to closures; and, as a floor, by looking up each value in a dictionary, and
// what is found there in a table, and writing as many numbers as there are matches. Index and floor begin with the same
// prepared texts, the loop with symbols in their place, which it need not look up. All take turns, in rounds, over the same
// events; of those, the loop gets as many as a part of a second allows. Beside them the index is fed from the bodies of the
// events, about 2 KiB of JSON each.
//
// The answers are compared with those of the plain evaluator for all events with up to 10,000 filters, and with more for so
// many as make 50 million evaluations: 500 with 100,000 filters.
//
// # The workload
//
// Issues have 16 attributes: 200 projects of unequal popularity; a dozen statuses, and types and priorities; thousands of
// people, 15 % of issues without an assignee; up to four labels of 300 and three components of 400; properties that few issues
// have. Filters have two to five clauses, 85 % about a project first. A third of the clauses have lists; 20 % of filters have
// a negation and 15 % an OR, 2 % are but a negation, 1 % select everything, and 20 % repeat the text of an earlier one. With
// five projects many more filters share one.
func Match(ctx context.Context, c MatchConfig, tell func(MatchResult) error) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	for _, n := range c.Filters {
		result, err := matchSize(ctx, &c, n)
		if err != nil {
			return err
		}
		if err := tell(result); err != nil {
			return err
		}
	}
	return nil
}

// The seeds of the workload where the configuration has none.
const (
	filterSeed = 42
	eventSeed  = 99
)

// matchSize measures with one number of filters.
func matchSize(ctx context.Context, c *MatchConfig, filters int) (MatchResult, error) {
	r := MatchResult{Kind: "match", Filters: filters, Events: c.Events}
	c.Progress("making %d filters", filters)
	run := &matchRun{
		config:        c,
		registrations: newIssueTexts(c.Seed+filterSeed, c.Projects, c.Skew).register(filters),
		events:        newIssueTexts(c.Seed+eventSeed, c.Projects, c.Skew).events(c.Events),
	}
	if err := run.build(ctx, &r); err != nil {
		return r, err
	}
	if err := run.check(ctx, &r); err != nil {
		return r, err
	}
	if err := run.rounds(ctx, &r); err != nil {
		return r, err
	}
	r.Allocs, r.ExtractAllocs = run.allocationsOf(run.match), run.allocationsOf(run.extractMatch)
	c.Progress("%d filters: %.0f ns an event, %.0f times as fast as the loop, %.1f times the floor, %d mismatches",
		filters, r.NS, r.NaiveOverIndex, r.IndexOverFloor, r.Mismatches)
	return r, nil
}

// meanOf is the mean of what f says of the events.
func meanOf(events []matchEvent, f func(*matchEvent) int) float64 {
	sum := 0
	for i := range events {
		sum += f(&events[i])
	}
	return ratio(float64(sum), float64(len(events)))
}

// medianRatio is the median of the ratios of two sides, round by round.
func medianRatio(over, under []float64) float64 {
	ratios := make([]float64, 0, len(over))
	for i := range over {
		ratios = append(ratios, ratio(over[i], under[i]))
	}
	return median(ratios)
}
