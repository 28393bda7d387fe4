package bench

import (
	"context"
	"errors"
	"sort"
	"time"
)

// restartRun is one run of [Restart].
type restartRun struct {
	*rig
	config        RestartConfig
	door          *door
	before, after *Receiver
	back          time.Time // when the receiver came back
	account       Account
	steady        tally // before the receiver went
	arrivals      []time.Time
	late          time.Time // when the last delivery arrived that was late
}

func (run *restartRun) open(ctx context.Context) (err error) {
	c := &run.config
	run.rig, err = newRig(c.Config, rigOptions{projects: 1, policy: benchPolicy(restartTimeout), hostLimit: c.HostLimit})
	if err != nil {
		return err
	}
	if run.door, err = newDoor(); err != nil {
		return err
	}
	if run.before, err = run.door.open(run.rig, ReceiverOptions{}); err != nil {
		return err
	}
	if err := run.rig.open(); err != nil {
		return err
	}
	return run.door.subscribe(ctx, run.rig, 1)
}

func (run *restartRun) close() error {
	if run.rig == nil {
		return nil
	}
	return run.rig.close()
}

// steadyBefore is how long the load goes on before the receiver goes.
const steadyBefore = 3 * time.Second

func (run *restartRun) measure(ctx context.Context) error {
	c := &run.config
	ledger := run.newLedger(1, nil)
	t := &timetable{rig: run.rig, engine: run.engine, rate: float64(c.Rate), account: func(int64) *Ledger { return ledger }}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan error, 1)
	start := time.Now()
	go func() {
		_, err := t.run(ctx, ledger, steadyBefore+c.Down+c.For)
		published <- err
	}()
	err := run.restart(ctx, ledger, start)
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, <-published); err != nil {
		return err
	}
	run.account = drain(ctx, ledger)
	run.arrivals, run.late = ledger.Arrivals(), ledger.lastLate(time.Second)
	return ctx.Err()
}

func (run *restartRun) restart(ctx context.Context, ledger *Ledger, start time.Time) (err error) {
	c := &run.config
	wait(ctx, steadyBefore)
	run.steady = ledger.since(start, 0)
	c.Progress("the receiver goes, after %.0f deliveries a second", run.steady.rate())
	if err := run.before.Close(); err != nil {
		return err
	}
	wait(ctx, c.Down)
	run.back = time.Now()
	run.after, err = run.door.open(run.rig, ReceiverOptions{Ledger: ledger, Delay: c.Delay, SlowStart: c.SlowStart})
	c.Progress("the receiver is back")
	return errors.Join(err, ctx.Err())
}

func (run *restartRun) result() RestartResult {
	c := &run.config
	r := RestartResult{
		Kind: "restart", Lost: run.account.Lost, Duplicates: run.account.Duplicates,
		InFlight: run.after.MaxInFlight(), InFlightBefore: run.before.MaxInFlight(), HostLimit: c.HostLimit,
		RateBefore: round(run.steady.rate()), FullRate: -1,
		Rate: c.Rate, Down: c.Down.Seconds(), Delay: milliseconds(c.Delay), SlowStart: c.SlowStart.Seconds(),
		Seconds: c.For.Seconds(), BodyBytes: c.Body,
	}
	begin := sort.Search(len(run.arrivals), func(i int) bool { return run.arrivals[i].After(run.back) })
	after := run.arrivals[begin:]
	if len(after) > 0 {
		r.FirstRequest = round(after[0].Sub(run.back).Seconds())
	}
	if run.late.After(run.back) {
		r.CaughtUp = round(run.late.Sub(run.back).Seconds())
	}
	full, most := busiest(after, c.Rate)
	if r.MostRate = float64(most); !full.IsZero() {
		r.FullRate = round(full.Sub(run.back).Seconds())
	}
	return r
}

// busiest returns the end of the first second in which there are n of the times, zero if there is none, and the most of them
// in any second. They are in order.
func busiest(times []time.Time, n int) (first time.Time, most int) {
	begin := 0
	for i, end := range times {
		for end.Sub(times[begin]) >= time.Second {
			begin++
		}
		most = max(most, i+1-begin)
		if first.IsZero() && i+1-begin >= n {
			first = end
		}
	}
	return first, most
}
