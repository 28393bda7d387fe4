package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hookline/engine/inspect"
	"hookline/engine/webhook"
	"hookline/jql"
)

func newJQLCheckCommand(io streams) *cobra.Command {
	var o checkOptions
	var dialect string
	c := &cobra.Command{
		Use:   "check",
		Short: "Tell whether each line of standard input is a filter",
		Long: `Read filters from standard input, one a line (a blank line is the empty filter), and tell
for each whether it is one, or all that is wrong with it. The exit code is 1 if any is not.`,
		Example: `  echo 'project = EX AND status != Done' | hookline jql check
  hookline jql check --dialect dynamic --json < filters.txt`,
		Args: noArgs,
	}
	site := addSiteFlag(c)
	c.Flags().StringVar(&dialect, "dialect", "full", "JQL that is allowed: dynamic, full or extended")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	c.Flags().BoolVar(&o.jsonLines, "json-lines", false, "each line is a JSON string that holds the filter")
	c.RunE = func(c *cobra.Command, _ []string) error {
		env, err := site()
		if err != nil {
			return err
		}
		if o.dialect, err = webhook.Dialect(dialect, env); err != nil {
			return fmt.Errorf("--%w; see '%s --help'", err, c.CommandPath())
		}
		return failed(checkFilters(io, o))
	}
	return c
}

type checkOptions struct {
	dialect         *jql.Dialect
	json, jsonLines bool
}

// checkFilters answers line by line. Answers are held back as long as lines are waiting to be read, no longer.
func checkFilters(io streams, o checkOptions) error {
	in, out := bufio.NewReader(io.in), bufio.NewWriter(io.out)
	refused := 0
	for n := 1; ; n++ {
		src, err := nextFilter(in, n, o.jsonLines)
		if err != nil {
			return errors.Join(out.Flush(), endOfFilters(err, n, refused))
		}
		v := inspect.Check(o.dialect, src)
		if !v.OK {
			refused++
		}
		if err := writeVerdict(out, n, v, o.json); err != nil {
			return err
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// endOfFilters is the outcome when there is no filter number n, for the reason err.
func endOfFilters(err error, n, refused int) error {
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("line %d: %w", n, err)
	case refused > 0:
		return fmt.Errorf("%d of %d filters are refused", refused, n-1)
	}
	return nil
}

// nextFilter reads line n. The end of the input is io.EOF.
func nextFilter(in *bufio.Reader, n int, asJSON bool) (string, error) {
	text, err := in.ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if n == 1 {
		text = strings.TrimPrefix(text, "\ufeff") // some editors begin files with this mark
	}
	if !asJSON {
		return text, nil
	}
	var src string
	if json.Unmarshal([]byte(text), &src) != nil {
		return "", errors.New("it is not a JSON string")
	}
	return src, nil
}

func writeVerdict(w io.Writer, n int, v inspect.Verdict, asJSON bool) error {
	if asJSON {
		return printJSON(w, v)
	}
	if v.OK {
		_, err := fmt.Fprintf(w, "%d: ok: %s\n", n, jql.Printable(v.Canonical))
		return err
	}
	for _, p := range v.Errors {
		if _, err := fmt.Fprintf(w, "%d:%d: refused: %s\n", n, p.Column, jql.Printable(p.Message)); err != nil {
			return err
		}
	}
	return nil
}
