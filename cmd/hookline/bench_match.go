package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hookline/bench"
)

// builtInBody is what --body takes in place of a file.
const builtInBody = "9KiB"

func newBenchMatchCommand(io streams) *cobra.Command {
	m := matchCommand{streams: io}
	c := &cobra.Command{
		Use:   "match",
		Short: "Time to match an event with very many filters, every answer checked",
		Long: `Measure the time from the terms of an event to the registrations whose filter
holds, with very many filters. Beside it, in turns: a loop over all filters, compiled
to closures; a floor, which looks the values of the event up and writes as many
numbers as there are matches; and the way from the JSON of the event. The answers
are compared with those of the plain evaluator: for all events with up to 10000
filters, for 500 with 100000. With --json there is an object a line for each
number of filters. The default run takes some two minutes; a million filters take
some three more, and three gigabytes of memory.

With --updates: how soon single changes of an index are visible, and what they cost
who reads it. With --body: how long one given body takes, from its JSON to the matches
of filters that ask for what it says.`,
		Example: `  hookline bench match --quick
  hookline bench match --filters 1000,10000,100000,1000000 --plot match.svg --json
  hookline bench match --updates --update-rate 2000
  hookline bench match --body issue.json --filters 10000`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m.conf.Progress = progress(io)
			_, err := measure(c, func(ctx context.Context) (struct{}, error) { return struct{}{}, m.run(ctx) })
			if err != nil {
				return err
			}
			return failed(errors.Join(m.verdicts...))
		},
	}
	f := c.Flags()
	f.BoolVar(&m.asJSON, "json", false, "print each result as one JSON object")
	f.BoolVar(&m.conf.Quick, "quick", false, "the first two numbers of filters and fewer events, under 30 seconds")
	f.IntSliceVar(&m.conf.Filters, "filters", nil, "numbers of filters (default 1000,10000,100000; with --quick the first two; 100000 for --updates and 10000 for --body)")
	f.IntVar(&m.conf.Events, "events", 0, "different events (default 2000; with --quick 500)")
	f.Float64Var(&m.conf.Skew, "skew", 1.1, "how unevenly work is spread over projects: the exponent of Zipf's law")
	f.IntVar(&m.conf.Projects, "projects", 200, "projects")
	f.DurationVar(&m.conf.For, "for", 0, "time measured for each number of filters (default 5s; with --quick 2s)")
	f.Uint64Var(&m.conf.Seed, "seed", 0, "chooses the filters and events")
	f.StringVar(&m.plot, "plot", "", "write a chart of the times to this file, as SVG")
	f.BoolVar(&m.updates, "updates", false, "measure changes of an index that is read")
	f.IntVar(&m.rate, "update-rate", 1000, "changes in a second")
	f.StringVar(&m.body, "body", "", "measure the body in this file; "+builtInBody+" is one of that size that is built in")
	c.MarkFlagsMutuallyExclusive("updates", "body", "plot")
	return c
}

// matchCommand is one run of bench match.
type matchCommand struct {
	streams
	conf     bench.MatchConfig
	asJSON   bool
	plot     string
	updates  bool
	rate     int
	body     string
	results  []bench.MatchResult
	verdicts []error
}

func (m *matchCommand) run(ctx context.Context) error {
	switch {
	case m.updates:
		conf := bench.MatchUpdatesConfig{MatchConfig: m.conf, Rate: m.rate}
		return bench.MatchUpdates(ctx, conf, func(r bench.MatchUpdatesResult) error { return m.tell(r.Filters, r) })
	case m.body != "":
		conf := bench.MatchBodyConfig{MatchConfig: m.conf}
		if m.body != builtInBody {
			body, err := os.ReadFile(m.body)
			if err != nil {
				return err
			}
			conf.Body = body
		}
		return bench.MatchBody(ctx, conf, func(r bench.MatchBodyResult) error { return m.tell(r.Filters, r) })
	}
	err := bench.Match(ctx, m.conf, func(r bench.MatchResult) error {
		m.results = append(m.results, r)
		return m.tell(r.Filters, r)
	})
	if err != nil || m.plot == "" {
		return err
	}
	var chart bytes.Buffer
	if err := bench.PlotMatch(&chart, m.results); err != nil {
		return err
	}
	return os.WriteFile(m.plot, chart.Bytes(), 0o644)
}

// tell prints a result. What it shows that must not be is said at the end.
func (m *matchCommand) tell(filters int, result any) error {
	if verdict := verdict(result); verdict != nil {
		m.verdicts = append(m.verdicts, fmt.Errorf("%d filters: %w", filters, verdict))
	}
	return printResult(m.streams, m.asJSON, result)
}
