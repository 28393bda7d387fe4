package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
)

// breakerRun is one run of [Breaker].
type breakerRun struct {
	*rig
	config  BreakerConfig
	door    *door
	written atomic.Int64
	ledger  *Ledger
	result  BreakerResult
}

// firstOpen is how long the breaker is open the first time.
const firstOpen = time.Second

func (run *breakerRun) open(ctx context.Context) (err error) {
	c := &run.config
	run.rig, err = newRig(c.Config, rigOptions{
		projects: 1, fanout: c.Fanout, policy: benchPolicy(10 * time.Second), hostLimit: c.HostLimit,
		breaker: engine.Breaker{Open: min(firstOpen, c.MaxOpen), MaxOpen: c.MaxOpen},
	})
	if err != nil {
		return err
	}
	if run.door, err = newDoor(); err != nil {
		return err
	}
	run.metrics = prometheus.NewRegistry()
	if run.engine, err = run.openOn(counted{vfs.Default, &run.written}, run.metrics); err != nil {
		return err
	}
	return run.door.subscribe(ctx, run.rig, c.Fanout)
}

func (run *breakerRun) close() error {
	if run.rig == nil {
		return nil
	}
	return run.rig.close()
}

func (run *breakerRun) measure(ctx context.Context) error {
	c := &run.config
	run.result = BreakerResult{
		Kind: "breaker", HostLimit: c.HostLimit, MaxOpen: c.MaxOpen.Seconds(), Endpoints: c.Fanout, BodyBytes: c.Body,
	}
	run.ledger = run.newLedger(c.Fanout, nil)
	for _, step := range []func(context.Context) error{run.fill, run.calm, run.watch, run.recover} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fill publishes what is to wait. The first of it opens the breaker.
func (run *breakerRun) fill(ctx context.Context) error {
	events := run.config.events()
	run.config.Progress("publishing %d events for %d endpoints", events, run.config.Fanout)
	start := time.Now()
	if err := run.publishAll(ctx, run.ledger, events); err != nil {
		return err
	}
	run.result.FillRate = round(float64(run.ledger.Account().Sent) / time.Since(start).Seconds())
	return nil
}

// publishAll publishes a number of events as fast as the publishers can, whatever becomes of them.
func (r *rig) publishAll(ctx context.Context, ledger *Ledger, events int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := r.next.Load() + events
	var group sync.WaitGroup
	for range r.config.Publishers {
		group.Go(func() {
			var buffer []byte
			for ctx.Err() == nil {
				sequence := r.next.Add(1) - 1
				if sequence >= end {
					return
				}
				ev := r.event(buffer[:0], sequence)
				buffer = ev.Body
				if err := publish(ctx, r.engine, ledger, sequence, ev, time.Now()); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

const (
	// calmSecond is how little the store writes in a second when it has nothing left to do but what probes make for it.
	calmSecond = 16 << 10

	// calmTimeout bounds how long that is waited for. What is still written then is in the result.
	calmTimeout = time.Minute
)

// calm waits until the store has compacted what it was given.
func (run *breakerRun) calm(ctx context.Context) error {
	run.config.Progress("waiting for the store to be done with it")
	for end := time.Now().Add(calmTimeout); time.Now().Before(end); {
		before := run.written.Load()
		wait(ctx, time.Second)
		if run.written.Load()-before < calmSecond {
			break
		}
	}
	return ctx.Err()
}

// watch measures the open breaker.
func (run *breakerRun) watch(ctx context.Context) error {
	c, r := &run.config, &run.result
	run.config.Progress("watching the open breaker for %v", c.For)
	before, err := run.tried()
	if err != nil {
		return err
	}
	start, cpu, written := time.Now(), processTime(), run.written.Load()
	wait(ctx, c.For)
	t := tally{elapsed: time.Since(start), cpu: processTime() - cpu}
	r.CPU, r.Seconds, r.Written = round(t.cores()), round(t.elapsed.Seconds()), run.written.Load()-written
	after, err := run.tried()
	if err != nil {
		return err
	}
	r.Probes, r.RSS = int64(after-before), megabytes(resident("VmRSS"))
	d, err := run.depth()
	if err != nil {
		return err
	}
	if r.Waiting = d.alive; d.dead > 0 {
		return fmt.Errorf("bench: %d deliveries were given up, so that they cannot be waited for; lower For", d.dead)
	}
	return ctx.Err()
}

// tried is the number of attempts since the engine was opened.
func (run *breakerRun) tried() (float64, error) {
	byClass, err := run.figures("hookline_delivery_attempts_total")
	all := 0.0
	for _, n := range byClass {
		all += n
	}
	return all, err
}

const (
	// drainBegun is how many deliveries have arrived when the backlog is on its way.
	drainBegun = 100

	// leastDrainRate is how many deliveries a second are waited for at least.
	leastDrainRate = 500
)

// recover lets the receiver come back, and waits until it has all.
func (run *breakerRun) recover(ctx context.Context) error {
	r := &run.result
	run.config.Progress("the receiver is back")
	back := time.Now()
	receiver, err := run.door.open(run.rig, ReceiverOptions{Ledger: run.ledger})
	if err != nil {
		return err
	}
	patience := drainTimeout + run.config.MaxOpen + time.Duration(r.Waiting/leastDrainRate)*time.Second
	account := drainWithin(ctx, run.ledger, patience)
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Lost, r.Duplicates, r.InFlight = account.Lost, account.Duplicates, receiver.MaxInFlight()
	arrivals := run.ledger.Arrivals()
	if len(arrivals) < drainBegun {
		return nil
	}
	first, last := arrivals[0], arrivals[len(arrivals)-1]
	r.FirstRequest, r.Drain = round(first.Sub(back).Seconds()), round(arrivals[drainBegun-1].Sub(first).Seconds())
	r.DrainRate = round(ratio(float64(len(arrivals)), last.Sub(first).Seconds()))
	return nil
}
