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
	owed    int64 // deliveries to the bad hosts that are there

	// without and with are the sides; onset is what goes before each slice of with.
	without, with, onset side

	badRequests, badInFlight int64
}

// side is what slices of one kind have measured.
type side struct {
	tally
	p50s, p99s []time.Duration
	rss        int64
}

// measured adds what a slice has measured, whose ledger is complete.
func (s *side) measured(t tally, l *Ledger) {
	s.add(t)
	times := l.Latencies()
	slices.Sort(times)
	s.p50s, s.p99s = append(s.p50s, thousandth(times, 500)), append(s.p99s, thousandth(times, 990))
	s.rss = max(s.rss, resident("VmRSS"))
}

const (
	// steadySlice is long enough for a 99th percentile at a steady rate.
	steadySlice = 5 * time.Second

	// minPairs is how many slices of each kind there are at least, and quickPairs that with Config.Quick.
	minPairs   = 3
	quickPairs = 2

	// faultTimeout is the time limit of attempts. The onset is longer, so that those that a bad host lets run into it have
	// ended once before it is over.
	faultTimeout = time.Second
	onset        = 1500 * time.Millisecond
)

func (run *isolationRun) measure(ctx context.Context) error {
	c := &run.config
	pairs := minPairs
	if c.Quick {
		pairs = quickPairs
	}
	pairs = max(pairs, int((c.For+steadySlice-1)/steadySlice))
	length := c.For / time.Duration(pairs)
	if err := run.slice(ctx, warmUp, false, new(side)); err != nil {
		return err
	}
	for i := range pairs {
		if err := run.slice(ctx, length, false, &run.without); err != nil {
			return err
		}
		if err := run.withBad(ctx, length); err != nil {
			return err
		}
		c.Progress("pair %d of %d: p99 %.2f ms without, %.2f ms with, %.2f ms at the onset", i+1, pairs,
			milliseconds(run.without.p99s[i]), milliseconds(run.with.p99s[i]), milliseconds(run.onset.p99s[i]))
	}
	return nil
}

// withBad measures a slice beside bad hosts, which are made for it: what is left of their
// deliveries goes with them, and must not burden the slice that follows.
func (run *isolationRun) withBad(ctx context.Context, length time.Duration) error {
	before, err := run.kept(ctx)
	if err != nil {
		return err
	}
	hosts, err := run.subscribeBad(ctx)
	run.owed = 0
	if err == nil {
		err = run.slice(ctx, onset, true, &run.onset)
	}
	if err == nil {
		err = run.slice(ctx, length, true, &run.with)
	}
	if err == nil {
		var after int64
		after, err = run.kept(ctx)
		run.account.Lost += max(0, run.owed-(after-before))
	}
	for i, host := range hosts {
		run.badRequests += host.Requests()
		run.badInFlight = max(run.badInFlight, host.MaxInFlight())
		err = errors.Join(err, run.engine.DeleteApp(ctx, rigTenant, ProjectKey(run.good+i)), host.Close())
	}
	if err != nil {
		return err
	}
	return run.settle(ctx)
}

// subscribeBad makes the bad hosts, each with an app. Those that it returns are to be closed and deleted even after an error.
func (run *isolationRun) subscribeBad(ctx context.Context) ([]faulty, error) {
	var hosts []faulty
	for project := run.good; project < run.config.Hosts; project++ {
		host, err := newFaulty(run.kind, project, run.names)
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

// slice publishes at the fixed rate for a time and adds what the good hosts got to s.
func (run *isolationRun) slice(ctx context.Context, length time.Duration, bad bool, s *side) error {
	isGood := func(sequence int64) bool { return run.workload.Project(sequence) < run.good }
	account, owed, err := run.besides(ctx, float64(run.config.Rate*run.config.Hosts), length, isGood, bad, s)
	run.account.add(account)
	run.owed += owed
	return err
}

// besides publishes at a rate for a time and adds what the good hosts got to s. Events of bad hosts are left out unless bad is
// set. It returns the account of the good hosts and the number of deliveries that the bad ones are owed.
func (r *rig) besides(ctx context.Context, rate float64, length time.Duration, good func(int64) bool, bad bool, s *side) (Account, int64, error) {
	ledger := r.newLedger(1, nil)
	owed := NewLedger(LedgerOptions{First: r.next.Load()})
	t := &timetable{rig: r, engine: r.engine, rate: rate, account: func(sequence int64) *Ledger {
		switch {
		case good(sequence):
			return ledger
		case bad:
			return owed
		}
		return nil
	}}
	measured, err := t.run(ctx, ledger, length)
	if err != nil {
		return Account{}, 0, err
	}
	account := drain(ctx, ledger)
	s.measured(measured, ledger)
	return account, owed.Account().Sent, ctx.Err()
}

func (run *isolationRun) result() IsolationResult {
	c := &run.config
	without, with := median(run.without.p99s), median(run.with.p99s)
	return IsolationResult{
		Kind: run.kind, BadShare: run.share,
		RateRatio: round(ratio(run.with.rate(), run.without.rate())), P99Ratio: round(ratio(float64(with), float64(without))),
		Lost: run.account.Lost, Duplicates: run.account.Duplicates,
		RateWithout: round(run.without.rate()), RateWith: round(run.with.rate()),
		P50Without: milliseconds(median(run.without.p50s)), P50With: milliseconds(median(run.with.p50s)),
		P99Without: milliseconds(without), P99With: milliseconds(with), P99Onset: milliseconds(median(run.onset.p99s)),
		RSS: megabytes(run.with.rss), RSSWithout: megabytes(run.without.rss),
		Seconds: round(run.with.elapsed.Seconds()), Good: run.good, Bad: c.Hosts - run.good, RatePerHost: c.Rate,
		BadRequests: run.badRequests, BadInFlight: run.badInFlight, BodyBytes: c.Body,
	}
}
