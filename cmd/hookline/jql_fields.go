package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hookline/engine/inspect"
)

func newJQLFieldsCommand(io streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "fields",
		Short: "List the fields that filters may name",
		Long: `List the fields that filters may name: other names for them, their type and operators, where
the body of an event has them, and which dialects know them.`,
		Args: noArgs,
	}
	site := addSiteFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	c.RunE = func(*cobra.Command, []string) error {
		env, err := site()
		if err != nil {
			return err
		}
		if asJSON {
			for _, f := range inspect.Fields(env) {
				if err := printJSON(io.out, f); err != nil {
					return failed(err)
				}
			}
			return nil
		}
		return failed(writeFields(io.out, inspect.Fields(env)))
	}
	return c
}

func writeFields(w io.Writer, fields []inspect.Field) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tALIASES\tTYPE\tDIALECTS\tOPERATORS\tWHERE")
	for _, f := range fields {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, list(f.Aliases), f.Type, list(dialects(f)),
			strings.Join(f.Operators, " "), list(f.Paths))
	}
	return table.Flush()
}

func dialects(f inspect.Field) []string {
	var names []string
	for _, d := range []struct {
		name string
		has  bool
	}{{"dynamic", f.Dynamic}, {"full", f.Full}, {"extended", f.Extended}} {
		if d.has {
			names = append(names, d.name)
		}
	}
	return names
}

func list(texts []string) string {
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, ", ")
}
