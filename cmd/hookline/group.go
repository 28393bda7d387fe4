package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newGroup makes a command that only has others below it.
func newGroup(name, short, long string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("%s needs the name of a command below it; see '%s --help'", name, c.CommandPath())
		},
	}
	c.AddCommand(below...)
	return c
}

// newEach makes a command that does one thing to each thing that its arguments name. The first error ends it: what
// comes before in the list is done then, and what comes after is not.
func newEach(name, arg, short string, do func(c *cobra.Command, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " " + arg + "...", Short: short,
		Args: needArgs(cobra.MinimumNArgs(1), "at least one "+arg),
		RunE: func(c *cobra.Command, args []string) error {
			for _, id := range args {
				if err := do(c, id); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
