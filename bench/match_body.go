package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"hookline/engine/event"
	"hookline/jql"
	"hookline/matcher"
)

// MatchBodyConfig configures [MatchBody]. The zero value is a run with the defaults. Filters defaults to 10,000; For to 3 seconds, and to 1 with
// Quick; Events counts for nothing.
type MatchBodyConfig struct {
	MatchConfig

	// Body is the body of an event about an issue.
	//
	// Defaults to one of 9 KiB, a third of which is a description.
	Body []byte
}

func (c MatchBodyConfig) withDefaults() MatchBodyConfig {
	if len(c.Filters) == 0 {
		c.Filters = []int{10_000}
	}
	length := 3 * time.Second
	if c.Quick {
		length = time.Second
	}
	c.For = cmp.Or(c.For, length)
	c.MatchConfig = c.MatchConfig.withDefaults()
	if c.Body == nil {
		texts := newIssueTexts(c.Seed+eventSeed, c.Projects, c.Skew)
		says := texts.fullIssue()
		c.Body = says.body(texts.random, 9<<10)
	}
	return c
}

// MatchBodyResult is what [MatchBody] measured with one number of filters. Times are in microseconds.
type MatchBodyResult struct {
	Kind      string `json:"kind"` // "match_body"
	Filters   int    `json:"filters"`
	BodyBytes int    `json:"body_bytes"`
	Matches   int    `json:"matches"`

	// From the body to the matches.
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`

	ExtractP50 float64 `json:"extract_p50_us"` // the part of it that reads the body
	Allocs     float64 `json:"allocs_per_event"`

	// Mismatches is 1 if the matches are not those of the plain evaluator of package jql.
	Mismatches int `json:"mismatches"`

	Samples int `json:"samples"`
}

// MatchBody measures reading and matching one given body, again and again. The filters are those of [Match], where the first
// text of each attribute is that of the body: it is about the most popular project.
func MatchBody(ctx context.Context, c MatchBodyConfig, tell func(MatchBodyResult) error) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	own, err := readIssue(c.Body)
	if err != nil {
		return &ConfigError{fmt.Sprintf("Body is of no use: %v", err)}
	}
	for _, n := range c.Filters {
		r := MatchBodyResult{Kind: "match_body", Filters: n, BodyBytes: len(c.Body)}
		texts := newIssueTexts(c.Seed+filterSeed, c.Projects, c.Skew)
		texts.own = own
		run := &matchRun{config: &c.MatchConfig, registrations: texts.register(n), events: []matchEvent{{body: c.Body}}}
		if err := run.body(ctx, &r); err != nil {
			return err
		}
		if err := tell(r); err != nil {
			return err
		}
	}
	return nil
}

// bodyWarmUp is how often the body is read before anything is measured.
const bodyWarmUp = 1000

// body checks and measures the one event of the run.
func (run *matchRun) body(ctx context.Context, r *MatchBodyResult) error {
	run.config.Progress("making %d filters", r.Filters)
	entries, err := run.registrations.entries()
	if err != nil {
		return err
	}
	run.index = matcher.New()
	run.index.Update(entries, nil)
	run.look()
	truth, err := run.registrations.evaluate(ctx, run.events, run.config.Progress)
	if err != nil {
		return err
	}
	matches := run.extractMatch(0)
	r.Matches = len(matches)
	if !run.registrations.agree(matches, truth[0]) {
		r.Mismatches = 1
	}
	for range bodyWarmUp {
		run.extractMatch(0)
	}
	run.config.Progress("measuring for %v", run.config.For)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	r.Allocs = run.allocationsOf(run.extractMatch)
	whole := &matchSide{one: func(i int) { run.extractMatch(i) }, events: bodyWarmUp, each: make([]time.Duration, 0, bodyWarmUp)}
	extract := &matchSide{one: run.extract, events: bodyWarmUp, each: make([]time.Duration, 0, bodyWarmUp)}
	for begin := time.Now(); whole.rounds == nil || time.Since(begin) < run.config.For && ctx.Err() == nil; {
		whole.turn(1)
		extract.turn(1)
	}
	slices.Sort(whole.each)
	r.P50, r.P99 = microseconds(thousandth(whole.each, 500)), microseconds(thousandth(whole.each, 990))
	r.ExtractP50, r.Samples = microseconds(median(extract.each)), len(whole.each)
	return ctx.Err()
}

// fullIssue makes what an issue says that lacks nothing.
func (t *issueTexts) fullIssue() (says issueSays) {
	for a := range attributes {
		for range attributes[a].several {
			says[a] = append(says[a], t.text(a))
		}
	}
	return says
}

// readIssue finds what the issue of a body says.
func readIssue(body []byte) (says issueSays, err error) {
	h, err := new(event.Scanner).Scan(body, event.NewPlan(nil, jql.Env{}), new(matcher.Event))
	if err != nil {
		return says, err
	}
	if !h.HasIssue {
		return says, errors.New("it has no issue")
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return says, err
	}
	for a := range attributes {
		says[a] = textsAt(nil, doc, attributes[a].path)
	}
	return says, nil
}

func memberOf(value any, name string) any {
	object, _ := value.(map[string]any)
	return object[name]
}

// textsAt appends the texts at the end of a path. An array stands for its elements.
func textsAt(texts []string, value any, path []string) []string {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			texts = textsAt(texts, element, path)
		}
		return texts
	case string:
		if len(path) == 0 && v != "" && strconv.Quote(v) == quoted(v) {
			texts = append(texts, v)
		}
		return texts
	}
	if len(path) == 0 {
		return texts
	}
	return textsAt(texts, memberOf(value, path[0]), path[1:])
}
