package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// needArgs words what cobra says of a wrong number of arguments.
func needArgs(check cobra.PositionalArgs, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) != nil {
			return fmt.Errorf("%s needs %s; see '%s --help'", c.Name(), what, c.CommandPath())
		}
		return nil
	}
}

// noArgs is for commands that take none. What cobra says of one is that it is an unknown command, as it is where there are commands below.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, and was given %q; see '%s --help'", c.Name(), args[0], c.CommandPath())
	}
	return nil
}
