package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hookline/engine/inspect"
	"hookline/jql"
)

func newJQLCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "jql",
		Short: "Check, match and explain JQL filters",
		Long: `Ask about JQL filters, without a server: whether a text is one, which filters select
an event, and why one does or does not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("jql needs the name of a question; see '%s --help'", c.CommandPath())
		},
	}
	c.AddCommand(newJQLCheckCommand(io), newJQLMatchCommand(io), newJQLExplainCommand(io), newJQLFieldsCommand(io))
	return c
}

// addSiteFlag adds the flag that names the settings of a site. The function it returns reads them.
func addSiteFlag(c *cobra.Command) func() (jql.Env, error) {
	file := c.Flags().String("site", "", "JSON file with the settings of the tenant, as GET /v1/tenants/{tenant} answers")
	return func() (jql.Env, error) {
		if *file == "" {
			return jql.Env{}, nil
		}
		env, err := inspect.ReadSite(*file)
		return env, failed(err)
	}
}

// addNowFlag adds the flag for the time that relative dates count from. The function it returns reads it.
func addNowFlag(c *cobra.Command) func() (time.Time, error) {
	text := c.Flags().String("now", "", "time that now() stands for, as RFC 3339 writes it (default the current time)")
	return func() (time.Time, error) {
		if *text == "" {
			return time.Now(), nil
		}
		now, err := time.Parse(time.RFC3339, *text)
		if err != nil {
			return now, fmt.Errorf("--now is %q; use RFC 3339, as in 2026-03-01T09:00:00Z", *text)
		}
		return now, nil
	}
}

// readEvent reads the file of an event; "-" is standard input.
func readEvent(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file)
}

// printJSON writes a value as one line. Filters are full of < and >, so no HTML escapes.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
