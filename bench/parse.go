package bench

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"hookline/jql"
)

// ParseConfig configures [Parse]. The zero value is a run with the defaults.
type ParseConfig struct {
	// Filters is the number of different filters.
	//
	// Defaults to 4000.
	Filters int

	// For is the time that the measurement takes, both sides together.
	//
	// Defaults to 3 seconds.
	For time.Duration

	// Seed chooses the filters.
	Seed uint64

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

// ParseResult is what [Parse] measured.
type ParseResult struct {
	Kind    string  `json:"kind"` // "parse"
	Filters int     `json:"filters"`
	Bytes   float64 `json:"mean_bytes"` // of a filter

	// NS is the time of jql.Parse for one filter in nanoseconds, TextbookNS that of the textbook grammar, and
	// Ratio the second over the first, the median of the ratios of all rounds.
	NS         float64 `json:"ns_per_filter"`
	TextbookNS float64 `json:"textbook_ns_per_filter"`
	Ratio      float64 `json:"textbook_over_ours"`
	Rate       float64 `json:"filters_per_second"` // on one core

	Allocs         float64 `json:"allocs_per_filter"`
	TextbookAllocs float64 `json:"textbook_allocs_per_filter"`
}

// parseChunk is the number of filters after which the sides take turns. It makes a turn of a few
// milliseconds, so that a noisy neighbour disturbs both sides alike.
const parseChunk = 100

// Parse measures jql.Parse on one goroutine beside a grammar for the same filters as participle's manual
// teaches it. The two take turns until both have read all filters, time and again; what counts is the
// median round.
func Parse(ctx context.Context, c ParseConfig) (ParseResult, error) {
	c.Filters, c.For = cmp.Or(c.Filters, 4000), cmp.Or(c.For, 3*time.Second)
	if c.Filters < 1 || c.For < 0 {
		return ParseResult{}, &ConfigError{fmt.Sprintf("%d filters for %v; use numbers above 0", c.Filters, c.For)}
	}
	if c.Progress != nil {
		c.Progress("parsing %d filters in turns for %v", c.Filters, c.For)
	}
	filters := parseFilters(c.Seed, c.Filters)
	ours := parseSide{parse: func(src string) error { _, err := jql.Parse(src); return err }}
	theirs := parseSide{parse: func(src string) error { _, err := textbook.ParseString("", src); return err }}
	var ratios []float64
	for begin := time.Now(); ctx.Err() == nil && (ratios == nil || time.Since(begin) < c.For); {
		a, b, err := parseRound(&ours, &theirs, filters)
		if err != nil {
			return ParseResult{}, err
		}
		ratios = append(ratios, ratio(b.Seconds(), a.Seconds()))
	}
	ns := ours.ns(len(filters))
	return ParseResult{
		Kind: "parse", Filters: c.Filters, Bytes: round(meanLength(filters)),
		NS: round(ns), TextbookNS: round(theirs.ns(len(filters))), Ratio: round(median(ratios)), Rate: round(ratio(1e9, ns)),
		Allocs: round(ours.allocs(len(filters))), TextbookAllocs: round(theirs.allocs(len(filters))),
	}, ctx.Err()
}

func meanLength(filters []string) float64 {
	sum := 0
	for _, filter := range filters {
		sum += len(filter)
	}
	return ratio(float64(sum), float64(len(filters)))
}

// parseSide is one of the two parsers and what its rounds took.
type parseSide struct {
	parse   func(src string) error
	rounds  []time.Duration
	mallocs uint64
}

// parseRound has both sides parse every filter once and returns the times of the two.
func parseRound(a, b *parseSide, filters []string) (time.Duration, time.Duration, error) {
	var times [2]time.Duration
	for chunk := range slices.Chunk(filters, parseChunk) {
		for i, side := range []*parseSide{a, b} {
			took, err := side.turn(chunk)
			if err != nil {
				return 0, 0, err
			}
			times[i] += took
		}
	}
	a.rounds, b.rounds = append(a.rounds, times[0]), append(b.rounds, times[1])
	return times[0], times[1], nil
}

func (s *parseSide) turn(filters []string) (time.Duration, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for _, filter := range filters {
		if err := s.parse(filter); err != nil {
			return 0, fmt.Errorf("bench: parsing %s: %w", filter, err)
		}
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	s.mallocs += after.Mallocs - before.Mallocs
	return took, nil
}

// ns is the median time for one filter in nanoseconds, allocs the mean number of allocations.
func (s *parseSide) ns(filters int) float64 { return float64(median(s.rounds)) / float64(filters) }

func (s *parseSide) allocs(filters int) float64 {
	return float64(s.mallocs) / float64(filters*len(s.rounds))
}
