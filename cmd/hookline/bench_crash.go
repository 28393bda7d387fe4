package main

import (
	"context"

	"github.com/spf13/cobra"

	"hookline/bench"
)

func newBenchCrashCommand(io streams) *cobra.Command {
	var conf bench.CrashConfig
	var asJSON bool
	c := &cobra.Command{
		Use:   "crash",
		Short: "Takes the power from a queue, and counts what is not as promised afterwards",
		Long: `Take the power from a queue on a disk in memory, at random moments of a random
workload, several times in a row, and compare what is there afterwards with what
was promised. In a tenth as many rounds operations on files fail. Then the same
with queues that have a mistake each, which must be noticed within 100 rounds.

Nothing of this is a measurement: it takes some minutes for 10000 rounds, and
the exit code says whether a promise was broken or a mistake not noticed.`,
		Example: `  hookline bench crash --json
  hookline bench crash --rounds 10000`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			result, err := measure(c, func(ctx context.Context) (bench.CrashResult, error) { return bench.Crash(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	f.IntVar(&conf.Rounds, "rounds", 1000, "rounds, each with some crashes")
	f.StringSliceVar(&conf.Mutants, "mutants", nil, "mistakes that are to be noticed (default all)")
	f.Uint64Var(&conf.Seed, "seed", 0, "chooses what happens (default: another one each time)")
	return c
}
