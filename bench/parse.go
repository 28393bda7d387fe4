package bench

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
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
	// Ratio the second over the first.
	NS         float64 `json:"ns_per_filter"`
	TextbookNS float64 `json:"textbook_ns_per_filter"`
	Ratio      float64 `json:"textbook_over_ours"`
	Rate       float64 `json:"filters_per_second"` // on one core

	Allocs         float64 `json:"allocs_per_filter"`
	TextbookAllocs float64 `json:"textbook_allocs_per_filter"`
}

// Parse measures jql.Parse on one goroutine beside a grammar for the same filters as participle's manual
// teaches it. The two take turns at all filters; what counts is the median turn of each.
func Parse(ctx context.Context, c ParseConfig) (ParseResult, error) {
	c.Filters, c.For = cmp.Or(c.Filters, 4000), cmp.Or(c.For, 3*time.Second)
	if c.Filters < 1 || c.For < 0 {
		return ParseResult{}, &ConfigError{fmt.Sprintf("%d filters for %v; use numbers above 0", c.Filters, c.For)}
	}
	filters := parseFilters(c.Seed, c.Filters)
	ours := &parseSide{filters: filters, parse: func(src string) error { _, err := jql.Parse(src); return err }}
	theirs := &parseSide{filters: filters, parse: func(src string) error { _, err := textbook.ParseString("", src); return err }}
	if c.Progress != nil {
		c.Progress("parsing %d filters in turn for %v", c.Filters, c.For)
	}
	for begin := time.Now(); ; {
		for _, side := range []*parseSide{ours, theirs} {
			if err := side.turn(); err != nil {
				return ParseResult{}, err
			}
		}
		if err := ctx.Err(); err != nil {
			return ParseResult{}, err
		}
		if time.Since(begin) >= c.For {
			break
		}
	}
	ns, textbookNS := ours.ns(), theirs.ns()
	return ParseResult{
		Kind: "parse", Filters: c.Filters, Bytes: round(meanLength(filters)),
		NS: round(ns), TextbookNS: round(textbookNS), Ratio: round(ratio(textbookNS, ns)), Rate: round(ratio(1e9, ns)),
		Allocs: round(ours.allocs), TextbookAllocs: round(theirs.allocs),
	}, nil
}

func meanLength(filters []string) float64 {
	sum := 0
	for _, filter := range filters {
		sum += len(filter)
	}
	return ratio(float64(sum), float64(len(filters)))
}

// parseSide is one of the two parsers and its figures.
type parseSide struct {
	filters []string
	parse   func(src string) error
	turns   []time.Duration
	allocs  float64 // for each filter, in the last turn
}

// turn parses every filter once.
func (s *parseSide) turn() error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for _, filter := range s.filters {
		if err := s.parse(filter); err != nil {
			return fmt.Errorf("bench: parsing %s: %w", filter, err)
		}
	}
	s.turns = append(s.turns, time.Since(begin))
	runtime.ReadMemStats(&after)
	s.allocs = float64(after.Mallocs-before.Mallocs) / float64(len(s.filters))
	return nil
}

// ns is the median time for one filter in nanoseconds.
func (s *parseSide) ns() float64 { return float64(median(s.turns)) / float64(len(s.filters)) }
