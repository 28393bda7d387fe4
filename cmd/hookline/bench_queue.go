package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"hookline/bench"
)

func newBenchQueueCommand(io streams) *cobra.Command {
	var conf bench.QueueConfig
	var asJSON, child bool
	c := &cobra.Command{
		Use:   "queue",
		Short: "The durable queue by itself, beside a bare log on the same disk",
		Long: fmt.Sprintf(`Measure the durable queue by itself: accept and settle, with and without a
backlog behind them; how a backlog drains and is rescheduled, what it takes in
memory and on disk, and how soon a process that was killed delivers again. Beside
each case, in the same run, a bare log appends as many payloads as the disk can
make durable. Every queue is in a process of its own. With --json there is an
object a line for each case. All of them take some ten minutes and, for a while,
three gigabytes on the disk.

Cases: %s.`, strings.Join(bench.QueueCases(), ", ")),
		Example: `  hookline bench queue --quick
  hookline bench queue --case steady,steady_behind_10m --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if child {
				return failed(bench.QueueChild(io.in, io.out))
			}
			conf.Progress = progress(io)
			conf.Child = func(ctx context.Context) (*exec.Cmd, error) {
				self, err := os.Executable()
				if err != nil {
					return nil, err
				}
				return exec.CommandContext(ctx, self, "bench", "queue", "--child"), nil
			}
			var verdicts []error
			_, err := measure(c, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, bench.Queue(ctx, conf, func(r bench.QueueResult) error {
					if verdict := verdict(r); verdict != nil {
						verdicts = append(verdicts, fmt.Errorf("%s: %w", r.Case, verdict))
					}
					return printResult(io, asJSON, r)
				})
			})
			if err != nil {
				return err
			}
			return failed(errors.Join(verdicts...))
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print each result as one JSON object")
	f.BoolVar(&conf.Quick, "quick", false, "the first two cases, under 30 seconds")
	f.StringSliceVar(&conf.Cases, "case", nil, "cases to run (default all; with --quick the first two)")
	f.DurationVar(&conf.For, "for", 0, "time measured for each side of a comparison (default 6s; with --quick 1.6s)")
	f.IntVar(&conf.Producers, "producers", 64, "goroutines that accept")
	f.IntVar(&conf.Body, "body", 2048, "size of a payload in bytes")
	f.IntVar(&conf.Waiting, "waiting", 1_000_000, "deliveries in a million; ten times as many in ten millions")
	f.DurationVar(&conf.SpaceAfter, "space-after", 0, "time after the drain at which space is measured (default 1m0s)")
	f.Uint64Var(&conf.Seed, "seed", 0, "chooses the payloads")
	f.StringVar(&conf.Dir, "dir", "", "directory on the disk to measure (default: that for temporary files)")
	f.StringVar(&conf.Profile, "cpuprofile", "", "write a CPU profile of the case's last slice, or of its drain, to this file")
	f.BoolVar(&child, "child", false, "be a process that is measured")
	if err := f.MarkHidden("child"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}
