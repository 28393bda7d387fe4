package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"hookline/bench"
)

func newBenchBreakerCommand(io streams) *cobra.Command {
	var conf bench.BreakerConfig
	var asJSON bool
	c := &cobra.Command{
		Use:   "breaker",
		Short: "What an open breaker costs beside a large backlog, and how that drains",
		Long: `Measure a receiver that is down while very many deliveries wait for it: processor
time and bytes written while its breaker is open, and once it is back, the time
to its first request, from there to the hundredth delivery, and the rate at
which the backlog drains. It takes some two minutes, and a gigabyte on the disk.`,
		Example: `  hookline bench breaker --json
  hookline bench breaker --waiting 100000 --fanout 1 --for 1m`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			result, err := measure(c, func(ctx context.Context) (bench.BreakerResult, error) { return bench.Breaker(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	addBenchFlags(c, &conf.Config, &asJSON)
	f := c.Flags()
	f.DurationVar(&conf.For, "for", 0, "time for which the open breaker is watched (default 20s; with --quick 5s)")
	f.IntVar(&conf.Waiting, "waiting", 0, "deliveries that wait (default 1000000; with --quick 20000)")
	f.IntVar(&conf.Fanout, "fanout", 10, "endpoints of the receiver, each of which is owed every event")
	f.IntVar(&conf.HostLimit, "host-limit", 20, "requests in flight to the receiver")
	f.DurationVar(&conf.MaxOpen, "max-open", 5*time.Second, "longest time between two probes")
	return c
}

func newBenchRestartCommand(io streams) *cobra.Command {
	var conf bench.RestartConfig
	var asJSON bool
	c := &cobra.Command{
		Use:   "restart",
		Short: "Steady load on a receiver that restarts and is slow at first",
		Long: `Measure a steady load on a receiver that goes away, refuses connections for a
while, and answers slowly when it is back: what was lost, how long it takes until
deliveries arrive at the rate at which events are published, and how many
requests were in flight at most, as the receiver counts.`,
		Example: `  hookline bench restart --json
  hookline bench restart --rate 2000 --down 30s --slow-start 10s`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			result, err := measure(c, func(ctx context.Context) (bench.RestartResult, error) { return bench.Restart(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	addBenchFlags(c, &conf.Config, &asJSON)
	f := c.Flags()
	f.DurationVar(&conf.For, "for", 0, "time of load after the return (default 20s; with --quick 12s)")
	f.IntVar(&conf.Rate, "rate", 1000, "events per second")
	f.IntVar(&conf.Webhooks, "webhooks", 25, "webhooks registered for the receiver")
	f.IntVar(&conf.HostLimit, "host-limit", 20, "requests in flight to the receiver")
	f.DurationVar(&conf.Down, "down", 0, "time for which connections are refused (default 5s; with --quick 3s)")
	f.DurationVar(&conf.Delay, "delay", 200*time.Millisecond, "time before the first answer after the return")
	f.DurationVar(&conf.SlowStart, "slow-start", 3*time.Second, "time in which that falls to nothing")
	return c
}
