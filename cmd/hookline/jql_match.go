package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hookline/engine/inspect"
	"hookline/jql"
)

func newJQLMatchCommand(io streams) *cobra.Command {
	var o matchOptions
	var filters string
	c := &cobra.Command{
		Use:   "match --filters FILE EVENT...",
		Short: "Print which filters select each event",
		Long: `Match the bodies of webhook events, one a file ("-" is standard input), with a file of filters:
one JSON object a line with the members id (an integer or a string), jql, and optionally events,
names of the event types that it is for. Without events it is for every type.`,
		Example: `  hookline jql match --filters filters.jsonl issue_updated.json
  hookline jql match --filters filters.jsonl --json events/*.json`,
		Args: needArgs(cobra.MinimumNArgs(1), "the file of an event"),
	}
	site, now := addSiteFlag(c), addNowFlag(c)
	c.Flags().StringVar(&filters, "filters", "", "file of filters, one JSON object a line (required)")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	c.Flags().BoolVar(&o.plain, "plain", false, "evaluate every filter on its own, without the index")
	c.RunE = func(c *cobra.Command, events []string) (err error) {
		if filters == "" {
			return fmt.Errorf("match needs --filters FILE; see '%s --help'", c.CommandPath())
		}
		if o.now, err = now(); err != nil {
			return err
		}
		env, err := site()
		if err != nil {
			return err
		}
		set, err := readFilters(filters, env)
		if err != nil {
			return failed(err)
		}
		return failed(matchEvents(io, o, set, events))
	}
	return c
}

type matchOptions struct {
	json, plain bool
	now         time.Time
}

func readFilters(file string, env jql.Env) (*inspect.Set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	set, err := inspect.ReadSet(f, file, env)
	return set, errors.Join(err, f.Close())
}

// matched is the answer to one event.
type matched struct {
	Event   string       `json:"event"`
	Matched []inspect.ID `json:"matched"`
}

// matchEvents answers event by event. One that cannot be read does not keep the others from being matched.
func matchEvents(io streams, o matchOptions, set *inspect.Set, events []string) error {
	var problems []error
	for _, file := range events {
		ids, err := matchEvent(io.in, o, set, file)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := writeMatched(io.out, matched{file, ids}, o.json); err != nil {
			return err
		}
	}
	return errors.Join(problems...)
}

func matchEvent(in io.Reader, o matchOptions, set *inspect.Set, file string) ([]inspect.ID, error) {
	body, err := readEvent(in, file)
	if err != nil {
		return nil, err
	}
	match := set.Match
	if o.plain {
		match = set.Evaluate
	}
	ids, err := match(body, o.now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ids, nil
}

func writeMatched(w io.Writer, m matched, asJSON bool) error {
	if asJSON {
		return printJSON(w, m)
	}
	texts := make([]string, len(m.Matched))
	for i, id := range m.Matched {
		texts[i] = jql.Printable(id.Text())
	}
	if len(texts) == 0 {
		texts = []string{"no filter"}
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", m.Event, strings.Join(texts, ", "))
	return err
}
