package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hookline/bench"
)

func newBenchCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine on this machine",
		Long: `Measure the engine on this machine, against real disks and loopback HTTP.

Results go to standard output, as a table or with --json as one object a line;
progress goes to standard error.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("bench needs the name of a measurement; see '%s --help'", c.CommandPath())
		},
	}
	c.AddCommand(newBenchDispatchCommand(io), newBenchIsolationCommand(io), newBenchHostsCommand(io), newBenchBreakerCommand(io), newBenchRestartCommand(io), newBenchScaleCommand(io), newBenchParseCommand(io),
		newBenchQueueCommand(io), newBenchCrashCommand(io), newBenchMatchCommand(io))
	return c
}

func newBenchDispatchCommand(io streams) *cobra.Command {
	var conf bench.DispatchConfig
	var asJSON bool
	var profile string
	c := &cobra.Command{
		Use:     "dispatch",
		Aliases: []string{"e2e"},
		Short:   "Durable deliveries per second, beside what a bare HTTP client reaches",
		Long: `Measure durable deliveries per second: publish, sync, match, deliver over
loopback HTTP. Beside them, in turns: a bare HTTP client with the same bodies and
receivers, and the same engine on a store in memory. After that, the time from
publishing to the receiver, at a tenth of the rate.`,
		Example: `  hookline bench dispatch
  hookline bench dispatch --fanout 10 --for 30s --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			stop, err := profileTo(profile, &conf)
			if err != nil {
				return failed(err)
			}
			result, err := measure(c, func(ctx context.Context) (bench.DispatchResult, error) { return bench.Dispatch(ctx, conf) })
			if err := errors.Join(err, stop()); err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	addBenchFlags(c, &conf.Config, &asJSON)
	f := c.Flags()
	f.DurationVar(&conf.For, "for", 0, "time measured for each side (default 5s; with --quick 4s)")
	f.IntVar(&conf.Hosts, "hosts", 4, "receivers")
	f.IntVar(&conf.Webhooks, "webhooks", 25, "webhooks registered for each endpoint")
	f.IntVar(&conf.Fanout, "fanout", 1, "endpoints that every event goes to")
	f.IntVar(&conf.InFlight, "inflight", 0, "requests in flight over all receivers (default 20 for each)")
	f.IntVar(&conf.Window, "window", 0, "deliveries accepted and not yet made, at most (default 512, or 16 events)")
	f.StringVar(&profile, "cpuprofile", "", "write a CPU profile of the engine's last slice to this file")
	return c
}

// profileTo makes the file that the run profiles itself to. The function it returns closes it.
func profileTo(path string, conf *bench.DispatchConfig) (func() error, error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	conf.Profile = file
	return func() error { return failed(file.Close()) }, nil
}

func newBenchIsolationCommand(io streams) *cobra.Command {
	var conf bench.IsolationConfig
	var asJSON bool
	var kinds []string
	c := &cobra.Command{
		Use:   "isolation",
		Short: "What receivers that are bad cost the others",
		Long: fmt.Sprintf(`Measure what receivers that are bad cost the others: for each kind of badness and
each share of bad receivers, the rate and the 99th percentile of the good ones
beside the bad ones, against those beside as many others that are good and get as
many events, and against those of the good ones alone. With --json there is an
object a line for each. All 24 cases take some 22 minutes.

Kinds: %s.`, strings.Join(faultNames(), ", ")),
		Example: `  hookline bench isolation
  hookline bench isolation --kinds blackhole,tarpit --shares 0.9 --for 20s --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			for _, kind := range kinds {
				conf.Kinds = append(conf.Kinds, bench.Fault(kind))
			}
			var verdicts []error
			_, err := measure(c, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, bench.Isolation(ctx, conf, func(r bench.IsolationResult) error {
					if verdict := verdict(r); verdict != nil {
						verdicts = append(verdicts, fmt.Errorf("%s at a share of %v: %w", r.Kind, r.BadShare, verdict))
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
	addBenchFlags(c, &conf.Config, &asJSON)
	f := c.Flags()
	f.DurationVar(&conf.For, "for", 0, "time measured for each side of each case (default 5s, longer where that is too few samples; with --quick 1.2s)")
	f.IntVar(&conf.Hosts, "hosts", 20, "receivers, good and bad")
	f.IntVar(&conf.Webhooks, "webhooks", 25, "webhooks registered for each receiver")
	f.IntVar(&conf.HostLimit, "host-limit", 20, "requests in flight per receiver")
	f.IntVar(&conf.Rate, "rate", 100, "events per second and receiver")
	f.StringSliceVar(&kinds, "kinds", nil, "ways of being bad (default all; with --quick some)")
	f.Float64SliceVar(&conf.Shares, "shares", nil, "shares of bad receivers (default 0.25,0.5,0.9; with --quick 0.5)")
	return c
}

func faultNames() []string {
	var names []string
	for _, fault := range bench.Faults() {
		names = append(names, string(fault))
	}
	return names
}

func newBenchHostsCommand(io streams) *cobra.Command {
	var conf bench.HostsConfig
	var asJSON bool
	c := &cobra.Command{
		Use:   "hosts",
		Short: "Steady load on very many endpoints, some behind black holes",
		Long: `Measure a steady load on very many endpoints of very many hosts, some of which
accept connections and never answer: what these cost the others, and whether
memory stays flat. Every host is a loopback address, as Linux has them. With the
warm-up it takes some 15 minutes.`,
		Example: `  hookline bench hosts --json
  hookline bench hosts --hosts 1000 --endpoints 20000 --bad-share 0.1 --for 1m`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			result, err := measure(c, func(ctx context.Context) (bench.HostsResult, error) { return bench.Hosts(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	addBenchFlags(c, &conf.Config, &asJSON)
	f := c.Flags()
	f.DurationVar(&conf.For, "for", 0, "time of load with the black holes (default 10m; with --quick 8s)")
	f.IntVar(&conf.Hosts, "hosts", 0, "hosts (default 10000; with --quick 500)")
	f.IntVar(&conf.Webhooks, "webhooks", 1, "webhooks registered for each endpoint")
	f.IntVar(&conf.Endpoints, "endpoints", 0, "endpoints in all, a multiple of the hosts (default 10 for each)")
	f.Float64Var(&conf.BadShare, "bad-share", 0.01, "share of the hosts that are black holes")
	f.IntVar(&conf.Rate, "rate", 500, "events per second in all")
	return c
}

// addBenchFlags adds what the measurements of the engine have in common. Flags whose default or meaning differs are each
// command's own.
func addBenchFlags(c *cobra.Command, conf *bench.Config, asJSON *bool) {
	f := c.Flags()
	f.BoolVar(asJSON, "json", false, "print each result as one JSON object")
	f.BoolVar(&conf.Quick, "quick", false, "a short run, under 40 seconds")
	f.IntVar(&conf.Publishers, "publishers", 256, "goroutines that publish")
	f.IntVar(&conf.Body, "body", 2048, "size of an event's body in bytes")
	f.Uint64Var(&conf.Seed, "seed", 0, "chooses the bodies and filters")
	f.StringVar(&conf.Dir, "dir", "", "directory on the disk to measure (default: that for temporary files)")
}

func newBenchScaleCommand(io streams) *cobra.Command {
	var conf bench.ScaleConfig
	var asJSON, child bool
	c := &cobra.Command{
		Use:   "scale",
		Short: "Start-up time and memory with many webhooks, every match checked",
		Example: `  hookline bench scale
  hookline bench scale --webhooks 20000 --tenants 200 --json
  hookline bench scale --webhooks 10000000 --tenants 100000 --memory-budget 4000000000`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if child {
				return failed(bench.ScaleChild(io.in, io.out))
			}
			conf.Progress = progress(io)
			conf.Child = func(ctx context.Context) (*exec.Cmd, error) {
				self, err := os.Executable()
				if err != nil {
					return nil, err
				}
				return exec.CommandContext(ctx, self, "bench", "scale", "--child"), nil
			}
			result, err := measure(c, func(ctx context.Context) (bench.ScaleResult, error) { return bench.Scale(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	f.IntVar(&conf.Webhooks, "webhooks", 200_000, "webhooks in all")
	f.IntVar(&conf.Tenants, "tenants", 2000, "tenants they are spread over")
	f.Int64Var(&conf.MemoryBudget, "memory-budget", 0, "memory budget of the engine in bytes; 0 for no bound")
	f.Uint64Var(&conf.Seed, "seed", 0, "chooses the bodies and filters")
	f.StringVar(&conf.Dir, "dir", "", "directory on the disk to measure (default: that for temporary files)")
	f.BoolVar(&child, "child", false, "be the process that is measured")
	if err := f.MarkHidden("child"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

func newBenchParseCommand(io streams) *cobra.Command {
	var conf bench.ParseConfig
	var asJSON bool
	c := &cobra.Command{
		Use:   "parse",
		Short: "Time to parse a filter, beside a textbook grammar for the same filters",
		Example: `  hookline bench parse
  hookline bench parse --for 10s --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf.Progress = progress(io)
			result, err := measure(c, func(ctx context.Context) (bench.ParseResult, error) { return bench.Parse(ctx, conf) })
			if err != nil {
				return err
			}
			return report(io, asJSON, result)
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	f.IntVar(&conf.Filters, "filters", 4000, "different filters")
	f.DurationVar(&conf.For, "for", 3*time.Second, "time measured, both sides together")
	f.Uint64Var(&conf.Seed, "seed", 0, "chooses the filters")
	return c
}

// measure runs a measurement until it ends or the user interrupts it. Its errors carry exit codes.
func measure[T any](c *cobra.Command, run func(context.Context) (T, error)) (T, error) {
	ctx, stop := untilSignal(c.Context())
	defer stop()
	result, err := run(ctx)
	var usage *bench.ConfigError
	if errors.As(err, &usage) {
		return result, coded(exitUsage, err)
	}
	return result, failed(err)
}

func progress(io streams) func(string, ...any) {
	return func(format string, args ...any) { fmt.Fprintf(io.err, format+"\n", args...) }
}

// report prints a result: as one JSON object, or as a table with the same names. A result that shows a defect is an
// error after that.
func report(io streams, asJSON bool, result any) error {
	if err := printResult(io, asJSON, result); err != nil {
		return failed(err)
	}
	return failed(verdict(result))
}

func printResult(io streams, asJSON bool, result any) error {
	if asJSON {
		return json.NewEncoder(io.out).Encode(result)
	}
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	printRows(table, reflect.ValueOf(result))
	return table.Flush()
}

// printRows prints the members that the result's JSON has, a row for each.
func printRows(table *tabwriter.Writer, v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if field.Anonymous {
			if !value.IsNil() {
				printRows(table, value.Elem())
			}
			continue
		}
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		if option != "omitempty" || !value.IsZero() {
			fmt.Fprintf(table, "%s\t%v\n", strings.ReplaceAll(name, "_", " "), value.Interface())
		}
	}
}

// verdict says what a result shows that must not happen, however fast it was.
func verdict(result any) error {
	var lost int64
	switch r := result.(type) {
	case bench.DispatchResult:
		lost = r.Lost
	case bench.IsolationResult:
		lost = r.Lost
	case bench.HostsResult:
		lost = r.Lost
	case bench.BreakerResult:
		lost = r.Lost
	case bench.RestartResult:
		lost = r.Lost
	case bench.QueueResult:
		lost = r.Lost
	case bench.CrashResult:
		if broken := r.Lost + r.MissingPayload + r.Resurrected + r.Broken; broken > 0 {
			return fmt.Errorf("%d promises were broken: %d lost, %d without payload, %d back although settled", broken, r.Lost, r.MissingPayload, r.Resurrected)
		}
		if r.MutantsCaught < r.Mutants {
			return fmt.Errorf("%d of %d mutants were not noticed", r.Mutants-r.MutantsCaught, r.Mutants)
		}
	case bench.MatchResult:
		return verdictOfAnswers(r.Mismatches)
	case bench.MatchUpdatesResult:
		return verdictOfAnswers(r.Mismatches)
	case bench.MatchBodyResult:
		return verdictOfAnswers(r.Mismatches)
	case bench.ScaleResult:
		if r.Mismatches > 0 {
			return fmt.Errorf("%d tenants had an event that was not matched as their filters say", r.Mismatches)
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d deliveries were accepted and did not arrive", lost)
	}
	return nil
}

func verdictOfAnswers(wrong int) error {
	if wrong > 0 {
		return fmt.Errorf("%d answers are not those of the plain evaluator", wrong)
	}
	return nil
}
