package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
)

// dispatchRun collects what the slices of a run have measured.
type dispatchRun struct {
	*rig
	config   DispatchConfig
	bare     *bareClient
	volatile *engine.Engine

	ceiling, onDisk, inMemory tally
	account                   Account

	// Of the open loop: deliveries per second, and times, which are sorted.
	openRate        float64
	times, accepted []time.Duration
}

func (run *dispatchRun) open(ctx context.Context) (err error) {
	if err := run.listen(run.config.Hosts); err != nil {
		return err
	}
	run.bare = newBareClient(run.rig, run.config.perHost())
	if err := run.rig.open(); err != nil {
		return err
	}
	if run.volatile, err = run.openOn(vfs.NewMem(), nil); err != nil {
		return err
	}
	run.config.Progress("registering webhooks of %d endpoints", run.config.Hosts*run.config.Fanout)
	return errors.Join(run.subscribeAll(ctx, run.rig.engine), run.subscribeAll(ctx, run.volatile))
}

// subscribeAll subscribes as many endpoints to each project as the fan-out says, on successive hosts.
func (run *dispatchRun) subscribeAll(ctx context.Context, e *engine.Engine) error {
	for project := range run.config.Hosts {
		for endpoint := range run.config.Fanout {
			receiver := run.receivers[(project+endpoint)%len(run.receivers)]
			app := fmt.Sprintf("%s-%d", ProjectKey(project), endpoint)
			if err := run.subscribe(ctx, e, app, project, receiver.URL(hookPathOf(endpoint))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (run *dispatchRun) close() error {
	if run.bare != nil {
		run.bare.close()
	}
	return errors.Join(closeEngine(run.volatile), run.rig.close())
}

// Slices are long enough for a steady state and short enough for their tables to stay small.
const (
	minSlices = 4
	maxSlice  = 2 * time.Second
	warmUp    = 500 * time.Millisecond
)

func (run *dispatchRun) measure(ctx context.Context) error {
	c := &run.config
	slices := max(minSlices, int((c.For+maxSlice-1)/maxSlice))
	c.Progress("warming up")
	if err := run.turns(ctx, warmUp, nil); err != nil {
		return err
	}
	run.ceiling, run.onDisk, run.inMemory = tally{}, tally{}, tally{}
	for i := range slices {
		var profile io.Writer
		if i == slices-1 {
			profile = c.Profile
		}
		if err := run.turns(ctx, c.For/time.Duration(slices), profile); err != nil {
			return err
		}
		c.Progress("slice %d of %d: bare client %.0f/s, engine %.0f/s, in memory %.0f/s so far", i+1, slices,
			run.ceiling.rate(), run.onDisk.rate(), run.inMemory.rate())
	}
	return run.openLoop(ctx)
}

// turns measures a slice of each side.
func (run *dispatchRun) turns(ctx context.Context, length time.Duration, profile io.Writer) error {
	t, err := run.bare.post(ctx, length)
	if err != nil {
		return err
	}
	run.ceiling.add(t.rest(ctx))
	if profile != nil {
		if err := pprof.StartCPUProfile(profile); err != nil {
			return fmt.Errorf("bench: starting the profile: %w", err)
		}
	}
	t, err = run.slice(ctx, run.rig.engine, length)
	if profile != nil {
		pprof.StopCPUProfile()
	}
	if err != nil {
		return err
	}
	run.onDisk.add(t.rest(ctx))
	t, err = run.slice(ctx, run.volatile, length)
	run.inMemory.add(t.rest(ctx))
	return err
}

// aftermath is the time between two slices, in which a store does what the slice has left it to do: flushes, and compactions
// of what these have written.
const aftermath = 250 * time.Millisecond

// rest waits for what a slice has left to be done and adds the processor time that it takes, which would burden the next side
// otherwise.
func (t tally) rest(ctx context.Context) tally {
	cpu := processTime()
	wait(ctx, aftermath)
	t.cpu += processTime() - cpu
	return t
}

// slice measures an engine and waits for what it has accepted.
func (run *dispatchRun) slice(ctx context.Context, e *engine.Engine, length time.Duration) (tally, error) {
	p := newPublishers(run.rig, e, run.config.Window)
	start, cpu := time.Now(), processTime()
	p.start(ctx)
	wait(ctx, length)
	measured := p.ledger.since(start, cpu)
	if err := p.stop(); err != nil {
		return tally{}, err
	}
	run.account.add(drain(ctx, p.ledger))
	return measured, ctx.Err()
}

// openShare is how much of the measured rate the open loop publishes.
const openShare = 0.1

// openLoop publishes at a steady rate, whatever becomes of the events. Its slices have the length of the others', so that
// their tables stay as small.
func (run *dispatchRun) openLoop(ctx context.Context) error {
	c := &run.config
	rate := max(1, openShare*run.onDisk.rate()/float64(c.Fanout))
	var total tally
	for left := c.For; left > 0; left -= maxSlice {
		ledger := run.rig.newLedger(c.Fanout, nil)
		t := &timetable{rig: run.rig, engine: run.rig.engine, rate: rate, account: func(int64) *Ledger { return ledger }}
		measured, err := t.run(ctx, ledger, min(left, maxSlice))
		if err != nil {
			return err
		}
		total.add(measured)
		run.account.add(drain(ctx, ledger))
		run.times = append(run.times, ledger.Latencies()...)
		run.accepted = append(run.accepted, ledger.AfterAccept()...)
	}
	run.openRate = total.rate()
	slices.Sort(run.times)
	slices.Sort(run.accepted)
	c.Progress("open loop at %.0f/s: p99 %.2f ms", run.openRate, milliseconds(thousandth(run.times, 990)))
	return nil
}

func (run *dispatchRun) result() DispatchResult {
	c := &run.config
	return DispatchResult{
		Kind: "dispatch", Fanout: c.Fanout,
		Rate: round(run.onDisk.rate()), CeilingRate: round(run.ceiling.rate()), RateVolatile: round(run.inMemory.rate()),
		Ratio: round(ratio(run.onDisk.rate(), run.ceiling.rate())),
		CPU:   round(run.onDisk.cost()), CeilingCPU: round(run.ceiling.cost()), VolatileCPU: round(run.inMemory.cost()),
		P50: milliseconds(thousandth(run.times, 500)), P99: milliseconds(thousandth(run.times, 990)),
		P999:        milliseconds(thousandth(run.times, 999)),
		AcceptedP50: milliseconds(thousandth(run.accepted, 500)), AcceptedP99: milliseconds(thousandth(run.accepted, 990)),
		AcceptedP999: milliseconds(thousandth(run.accepted, 999)), OpenRate: round(run.openRate),
		Lost: run.account.Lost, Duplicates: run.account.Duplicates, Owed: run.account.Sent,
		Seconds: round(run.onDisk.elapsed.Seconds()), Publishers: c.Publishers, Hosts: c.Hosts, InFlight: c.InFlight,
		BodyBytes: c.Body, Window: c.Window, Webhooks: c.Webhooks * c.Hosts * c.Fanout,
	}
}
