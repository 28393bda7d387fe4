package bench

import (
	"context"
	"errors"
	"slices"
	"time"
)

// isolationRun is one case. The first of the projects are those of the good hosts.
type isolationRun struct {
	*rig
	config  IsolationConfig
	kind    Fault
	share   float64
	good    int
	names   *hangingNames
	account Account

	// alone, without and with are the sides; onset is what goes before each slice of with.
	alone, without, with, onset side

	badRequests, badInFlight int64
}

// side is what slices of one kind have measured.
type side struct {
	tally
	times []time.Duration
	rss   int64
}

// percentile is that of the times, in thousandths, in milliseconds.
func (s *side) percentile(n int) float64 {
	slices.Sort(s.times)
	return milliseconds(thousandth(s.times, n))
}

const (
	// steadySlice is the time of a slice, where there are more of them than minRounds.
	steadySlice = 5 * time.Second

	// minRounds is how many slices of each kind there are at least, and quickRounds that with Config.Quick.
	minRounds   = 4
	quickRounds = 1

	// faultTimeout is the time limit of attempts. The onset is longer, so that those that a bad host lets run into it have
	// ended once before it is over.
	faultTimeout = time.Second
	onset        = 1500 * time.Millisecond
)

func (run *isolationRun) measure(ctx context.Context) error {
	c := &run.config
	total, rounds := c.length(run.good), minRounds
	if c.Quick {
		rounds = quickRounds
	}
	rounds = max(rounds, int((total+steadySlice-1)/steadySlice))
	length := total / time.Duration(rounds)
	if err := run.slice(ctx, warmUp, nil, new(side)); err != nil {
		return err
	}
	// There and back, so that each kind of slice follows each other one.
	kinds := []func() error{
		func() error { return run.slice(ctx, length, nil, &run.alone) },
		func() error { return run.withGood(ctx, length) },
		func() error { return run.withBad(ctx, length) },
	}
	for i := range rounds {
		for _, slice := range kinds {
			if err := slice(); err != nil {
				return err
			}
		}
		slices.Reverse(kinds)
		c.Progress("round %d of %d: p99 %.2f ms alone, %.2f ms beside good hosts, %.2f ms beside bad ones, %.2f ms at their onset, so far",
			i+1, rounds, run.alone.percentile(990), run.without.percentile(990), run.with.percentile(990), run.onset.percentile(990))
	}
	return nil
}

// withGood measures a slice beside other hosts that are good too, which come and go as the bad ones do.
func (run *isolationRun) withGood(ctx context.Context, length time.Duration) error {
	hosts, err := run.subscribeOthers(ctx, func(int) (faulty, error) { return NewReceiver(ReceiverOptions{}) })
	for _, s := range []struct {
		length time.Duration
		side   *side
	}{{warmUp, new(side)}, {length, &run.without}} {
		if err != nil {
			break
		}
		owed := run.newOwed()
		for _, host := range hosts {
			host.(*Receiver).Use(owed)
		}
		if err = run.slice(ctx, s.length, owed, s.side); err == nil {
			run.account.add(drain(ctx, owed))
		}
	}
	return run.leave(ctx, hosts, err)
}

// withBad measures a slice beside bad hosts, which are made for it: what is left of their
// deliveries goes with them, and must not burden the slice that follows.
func (run *isolationRun) withBad(ctx context.Context, length time.Duration) error {
	before, err := run.kept(ctx)
	if err != nil {
		return err
	}
	hosts, err := run.subscribeOthers(ctx, func(project int) (faulty, error) { return newFaulty(run.kind, project, run.names) })
	owed := run.newOwed()
	if err == nil {
		err = run.slice(ctx, onset, owed, &run.onset)
	}
	if err == nil {
		err = run.slice(ctx, length, owed, &run.with)
	}
	if err == nil {
		var after int64
		after, err = run.kept(ctx)
		run.account.Lost += max(0, owed.Account().Sent-(after-before))
	}
	for _, host := range hosts {
		run.badRequests += host.Requests()
		run.badInFlight = max(run.badInFlight, host.MaxInFlight())
	}
	return run.leave(ctx, hosts, err)
}

// subscribeOthers makes the hosts beside the good ones, each with an app. Those that it returns are to be closed and deleted
// even after an error.
func (run *isolationRun) subscribeOthers(ctx context.Context, create func(project int) (faulty, error)) ([]faulty, error) {
	var hosts []faulty
	for project := run.good; project < run.config.Hosts; project++ {
		host, err := create(project)
		if err != nil {
			return hosts, err
		}
		hosts = append(hosts, host)
		if err := run.subscribe(ctx, run.engine, ProjectKey(project), project, host.URL(hookPath)); err != nil {
			return hosts, err
		}
	}
	return hosts, nil
}

// leave removes the hosts beside the good ones, and waits until what was queued for them is gone.
func (run *isolationRun) leave(ctx context.Context, hosts []faulty, err error) error {
	for i, host := range hosts {
		err = errors.Join(err, run.engine.DeleteApp(ctx, rigTenant, ProjectKey(run.good+i)), host.Close())
	}
	if err != nil {
		return err
	}
	return run.settle(ctx)
}

// newOwed begins an account of what is owed to hosts beside the good ones.
func (r *rig) newOwed() *Ledger { return NewLedger(LedgerOptions{First: r.next.Load()}) }

// slice publishes at the fixed rate for a time and adds what the good hosts got to s. What other hosts are owed is entered in a
// ledger of their own; without one, nothing is published for them.
func (run *isolationRun) slice(ctx context.Context, length time.Duration, owed *Ledger, s *side) error {
	isGood := func(sequence int64) bool { return run.workload.Project(sequence) < run.good }
	account, times, err := run.besides(ctx, float64(run.config.Rate*run.config.Hosts), length, isGood, owed, s)
	run.account.add(account)
	s.times = append(s.times, times...)
	return err
}

// besides publishes at a rate for a time and adds what the good hosts got to s. Events of others are entered in owed, and
// left out where that is nil. It returns the account of the good hosts, and the times of their deliveries.
func (r *rig) besides(ctx context.Context, rate float64, length time.Duration, good func(int64) bool, owed *Ledger, s *side) (Account, []time.Duration, error) {
	ledger := r.newLedger(1, nil)
	t := &timetable{rig: r, engine: r.engine, rate: rate, account: func(sequence int64) *Ledger {
		if good(sequence) {
			return ledger
		}
		return owed
	}}
	measured, err := t.run(ctx, ledger, length)
	if err != nil {
		return Account{}, nil, err
	}
	account := drain(ctx, ledger)
	s.add(measured)
	s.rss = max(s.rss, resident("VmRSS"))
	return account, ledger.Latencies(), ctx.Err()
}

func (run *isolationRun) result() IsolationResult {
	c := &run.config
	r := IsolationResult{
		Kind: run.kind, BadShare: run.share,
		RateRatio: round(ratio(run.with.rate(), run.without.rate())),
		Lost:      run.account.Lost, Duplicates: run.account.Duplicates,
		RateAlone: round(run.alone.rate()), RateWithout: round(run.without.rate()), RateWith: round(run.with.rate()),
		P50Alone: run.alone.percentile(500), P50Without: run.without.percentile(500), P50With: run.with.percentile(500),
		P99Alone: run.alone.percentile(990), P99Without: run.without.percentile(990), P99With: run.with.percentile(990),
		P99Onset: run.onset.percentile(990),
		RSS:      megabytes(run.with.rss), RSSWithout: megabytes(run.without.rss),
		CPU: round(run.with.cores()), CPUWithout: round(run.without.cores()),
		Seconds: round(run.with.elapsed.Seconds()), Samples: len(run.with.times),
		Good: run.good, Bad: c.Hosts - run.good, RatePerHost: c.Rate,
		BadRequests: run.badRequests, BadInFlight: run.badInFlight, BodyBytes: c.Body,
	}
	r.P99Ratio, r.P99RatioAlone = round(ratio(r.P99With, r.P99Without)), round(ratio(r.P99With, r.P99Alone))
	return r
}
