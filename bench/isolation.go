package bench

import (
	"context"
	"errors"
	"time"
)

// IsolationResult is what [Isolation] measured. The figures are those of the healthy receivers, without
// and with a silent one beside them.
type IsolationResult struct {
	Kind string `json:"kind"` // "blackhole"

	// RateRatio and P99Ratio are the figures with the silent receiver by those without it.
	RateRatio float64 `json:"rate_ratio"`
	P99Ratio  float64 `json:"p99_ratio"`

	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	RateWithout float64 `json:"rate_without"`
	RateWith    float64 `json:"rate_with"`
	P50Without  float64 `json:"p50_without_ms"`
	P50With     float64 `json:"p50_with_ms"`
	P99Without  float64 `json:"p99_without_ms"`
	P99With     float64 `json:"p99_with_ms"`

	Seconds        float64 `json:"seconds"` // measured for each side
	Healthy        int     `json:"healthy"` // receivers that answer
	RatePerHost    int     `json:"rate_per_host"`
	SilentRequests int64   `json:"silent_requests"`  // what the silent receiver got
	SilentInFlight int64   `json:"silent_in_flight"` // the most of it at once
	BodyBytes      int     `json:"body_bytes"`
}

// Isolation measures what a receiver that accepts connections and never answers costs the others: one of
// Config.Hosts. Events are published at a fixed rate, whatever becomes of them, in slices without and
// with the silent receiver in turn; with it, its share of events is published on top of the others'.
//
// Rates are totals. The 99th percentiles are medians over the slices, since one disturbance by another
// program would otherwise decide the whole figure. Times run from the moment at which an event was due
// to be published, so that a slow Publish shows in them.
func Isolation(ctx context.Context, c Config) (result IsolationResult, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return IsolationResult{}, err
	}
	if c.Hosts < 2 {
		return IsolationResult{}, &ConfigError{"Hosts is 1; use at least 2, since one is silent"}
	}
	// Short enough for attempts at the silent receiver to end, and be made again, within a slice.
	r, err := newRig(c, c.Hosts-1, benchPolicy(time.Second))
	if err != nil {
		return IsolationResult{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for host, receiver := range r.receivers {
		if err := r.subscribe(ctx, host, receiver.URL(hookPath)); err != nil {
			return IsolationResult{}, err
		}
	}
	run := &isolationRun{rig: r}
	if err := run.measure(ctx); err != nil {
		return IsolationResult{}, err
	}
	return run.result(), nil
}

type isolationRun struct {
	*rig
	without, with  side
	account        Account
	silentRequests int64
	silentInFlight int64
}

// side is what the slices of one kind have measured.
type side struct {
	tally
	p50s, p99s []time.Duration
}

// minPairs is how many slices of each kind there are at least.
const minPairs = 3

func (run *isolationRun) measure(ctx context.Context) error {
	c := &run.config
	pairs := max(minPairs, int((c.For+maxSlice-1)/maxSlice))
	length := c.For / time.Duration(pairs)
	c.Progress("warming up")
	var unused side
	if err := run.slice(ctx, warmUp, false, &unused); err != nil {
		return err
	}
	for i := range pairs {
		if err := run.slice(ctx, length, false, &run.without); err != nil {
			return err
		}
		if err := run.withSilent(ctx, length); err != nil {
			return err
		}
		c.Progress("pair %d of %d: p99 %.2f ms without, %.2f ms with the silent receiver", i+1, pairs,
			milliseconds(run.without.p99s[i]), milliseconds(run.with.p99s[i]))
	}
	return nil
}

// withSilent measures a slice beside a silent receiver, which is made for it: what is left of its
// deliveries goes with it, and must not burden the slice that follows.
func (run *isolationRun) withSilent(ctx context.Context, length time.Duration) (err error) {
	silent, err := NewReceiver(ReceiverOptions{Silent: true})
	if err != nil {
		return err
	}
	project := run.config.Hosts - 1
	if err := run.subscribe(ctx, project, silent.URL(hookPath)); err != nil {
		return errors.Join(err, silent.Close())
	}
	err = run.slice(ctx, length, true, &run.with)
	run.silentRequests += silent.Requests()
	run.silentInFlight = max(run.silentInFlight, silent.MaxInFlight())
	return errors.Join(err, run.engine.DeleteApp(ctx, rigTenant, ProjectKey(project)), silent.Close())
}

// slice publishes at the fixed rate for a time and adds what the healthy receivers got to s.
func (run *isolationRun) slice(ctx context.Context, length time.Duration, silent bool, s *side) error {
	t := newTimetable(run.rig, silent)
	measured, err := t.run(ctx, length)
	if err != nil {
		return err
	}
	drain, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	// What does not come in time is in the account as lost.
	_ = t.ledger.Await(drain)
	a := t.ledger.Account()
	run.account.Lost += a.Lost
	run.account.Duplicates += a.Duplicates
	p50, p99 := quantiles(t.ledger.Latencies())
	s.add(measured)
	s.p50s, s.p99s = append(s.p50s, p50), append(s.p99s, p99)
	return ctx.Err()
}

func (run *isolationRun) result() IsolationResult {
	c := &run.config
	without, with := median(run.without.p99s), median(run.with.p99s)
	return IsolationResult{
		Kind:      "blackhole",
		RateRatio: round(ratio(run.with.rate(), run.without.rate())), P99Ratio: round(ratio(float64(with), float64(without))),
		Lost: run.account.Lost, Duplicates: run.account.Duplicates,
		RateWithout: round(run.without.rate()), RateWith: round(run.with.rate()),
		P50Without: milliseconds(median(run.without.p50s)), P50With: milliseconds(median(run.with.p50s)),
		P99Without: milliseconds(without), P99With: milliseconds(with),
		Seconds: round(run.with.elapsed.Seconds()), Healthy: c.Hosts - 1, RatePerHost: c.Rate,
		SilentRequests: run.silentRequests, SilentInFlight: run.silentInFlight, BodyBytes: c.Body,
	}
}
