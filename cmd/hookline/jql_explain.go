package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hookline/engine/inspect"
	"hookline/jql"
)

func newJQLExplainCommand(io streams) *cobra.Command {
	var filter string
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain --filter JQL EVENT",
		Short: "Say why a filter selects an event, or does not",
		Long: `Say clause by clause why a filter selects the event in a file ("-" is standard input), or
does not, and where the values in question stand in it. The exit code is 0 either way.`,
		Example: `  hookline jql explain --filter 'status CHANGED TO Done' issue_updated.json`,
		Args:    needArgs(cobra.ExactArgs(1), "the file of one event"),
	}
	site, now := addSiteFlag(c), addNowFlag(c)
	c.Flags().StringVar(&filter, "filter", "", "the filter (required)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !c.Flags().Changed("filter") {
			return fmt.Errorf("explain needs --filter JQL; see '%s --help'", c.CommandPath())
		}
		at, err := now()
		if err != nil {
			return err
		}
		env, err := site()
		if err != nil {
			return err
		}
		body, err := readEvent(io.in, args[0])
		if err != nil {
			return failed(err)
		}
		e, err := inspect.Explain(jql.Extended(env), filter, body, at)
		if err != nil {
			return failed(inFile(err, args[0]))
		}
		if asJSON {
			return failed(printJSON(io.out, e))
		}
		_, err = fmt.Fprintln(io.out, strings.TrimSuffix(e.Explanation.Text(showsColours(io.out)), "\n"))
		return failed(err)
	}
	return c
}

// inFile adds the file's name to an error about the event; one about the filter has none.
func inFile(err error, file string) error {
	if len(inspect.Problems(err)) > 0 {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}
