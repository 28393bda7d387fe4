package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// IsolationConfig configures [Isolation]. The zero value is a run with the defaults.
type IsolationConfig struct {
	// Config is what the measurements have in common. Here For is what each of the three sides of a case gets. It defaults to
	// 5 seconds, or longer where the good hosts get fewer than 6,000 events in that; to 1.2 seconds with Quick. Hosts
	// are the good ones and the others, and default to 20.
	Config

	// HostLimit is the number of requests in flight to each host.
	//
	// Defaults to 20.
	HostLimit int

	// Rate is the number of events that are published for each host in a second, good or bad. All together are to be far less
	// than the engine can do, or else what is compared is the work and not the hosts.
	//
	// Defaults to 100.
	Rate int

	// Kinds are the ways in which hosts are bad, one after the other.
	//
	// Defaults to all; with Quick to black holes, resets, 429 and hanging DNS.
	Kinds []Fault

	// Shares are how many of the hosts are bad, above 0 and below 1; the nearest number of hosts is taken that leaves a good
	// one and a bad one. There is a case for each kind and share.
	//
	// Defaults to a quarter, a half and nine tenths; with Quick to a half.
	Shares []float64

	samples int // that each side has at least
}

// enoughSamples leave 60 above the 99th percentile.
const enoughSamples = 6000

func (c IsolationConfig) withDefaults() IsolationConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 1200*time.Millisecond)
		if len(c.Kinds) == 0 {
			c.Kinds = []Fault{BlackHole, Resets, Throttles, HangingDNS}
		}
		if len(c.Shares) == 0 {
			c.Shares = []float64{0.5}
		}
	}
	if c.For == 0 {
		c.samples = enoughSamples
	}
	c.Config = c.Config.withDefaults()
	c.Hosts = cmp.Or(c.Hosts, 20)
	c.HostLimit = cmp.Or(c.HostLimit, 20)
	c.Rate = cmp.Or(c.Rate, 100)
	if len(c.Kinds) == 0 {
		c.Kinds = Faults()
	}
	if len(c.Shares) == 0 {
		c.Shares = []float64{0.25, 0.5, 0.9}
	}
	return c
}

func (c *IsolationConfig) validate() error {
	var p problems
	c.Config.check(&p)
	p.check(c.Hosts >= 2, "Hosts is %d; use at least 2, a good one and a bad one", c.Hosts)
	p.check(c.HostLimit > 0, "HostLimit is %d; use at least 1", c.HostLimit)
	p.check(c.Rate > 0, "Rate is %d; use at least 1", c.Rate)
	for _, kind := range c.Kinds {
		p.check(slices.Contains(Faults(), kind), "Kinds has %q; use some of %v", kind, Faults())
	}
	for _, share := range c.Shares {
		p.check(share > 0 && share < 1, "Shares has %v; use numbers above 0 and below 1", share)
	}
	return p.err()
}

// bad is the number of bad hosts at a share.
func (c *IsolationConfig) bad(share float64) int {
	return min(max(1, int(math.Round(share*float64(c.Hosts)))), c.Hosts-1)
}

// length is the time that each side is measured with so many good hosts.
func (c *IsolationConfig) length(good int) time.Duration {
	return max(c.For, time.Duration(c.samples)*time.Second/time.Duration(good*c.Rate))
}

// IsolationResult is what [Isolation] measured in one case. The figures are those of the good hosts: with bad ones beside
// them, and without, which is beside as many others that get the same events and are good too.
type IsolationResult struct {
	Kind     Fault   `json:"kind"`
	BadShare float64 `json:"bad_share"` // as it was asked for; Good and Bad are the numbers of hosts

	// RateRatio and P99Ratio are the figures with the bad hosts by those without, P99RatioAlone by those where nothing is
	// published for any other host: in that the work for more events is counted too.
	RateRatio     float64 `json:"rate_ratio"`
	P99Ratio      float64 `json:"p99_ratio"`
	P99RatioAlone float64 `json:"p99_ratio_alone"`

	// Lost are deliveries whose events were accepted, and that did not arrive at a good host, or were not kept for a bad one:
	// at the end of a slice, what is owed to bad hosts has to be waiting or dead.
	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	RateAlone   float64 `json:"rate_alone"`
	RateWithout float64 `json:"rate_without"`
	RateWith    float64 `json:"rate_with"`
	P50Alone    float64 `json:"p50_alone_ms"`
	P50Without  float64 `json:"p50_without_ms"`
	P50With     float64 `json:"p50_with_ms"`
	P99Alone    float64 `json:"p99_alone_ms"`
	P99Without  float64 `json:"p99_without_ms"`
	P99With     float64 `json:"p99_with_ms"`

	// P99Onset is the 99th percentile in the first 1.5 seconds of the bad hosts, which all turn bad at once, and whose
	// breakers open meanwhile. What comes then is in Lost and Duplicates, and in no other figure.
	P99Onset float64 `json:"p99_onset_ms"`

	// RSS and RSSWithout are the most resident memory of the process at the end of a slice, in MB of 10^6 bytes, the
	// measurement's own tables included; 0 where the system does not tell.
	RSS        float64 `json:"rss_mb"`
	RSSWithout float64 `json:"rss_without_mb"`

	// CPU and CPUWithout are the processor time of the whole process by the time that passed: 1 is one core.
	CPU        float64 `json:"cpu"`
	CPUWithout float64 `json:"cpu_without"`

	Seconds     float64 `json:"seconds"` // measured for each side
	Samples     int     `json:"samples"` // times that a 99th percentile is of
	Good        int     `json:"good"`
	Bad         int     `json:"bad"`
	RatePerHost int     `json:"rate_per_host"`
	BadRequests int64   `json:"bad_requests"`  // what all bad hosts got
	BadInFlight int64   `json:"bad_in_flight"` // the most at one of them at once
	BodyBytes   int     `json:"body_bytes"`
}

// Isolation measures what hosts that are bad cost the others, in one case for each kind and share, and gives each result to
// done as soon as it is there. An error of done ends the run.
//
// In a case, events are published at a fixed rate, whatever becomes of them, in slices of three kinds that take turns, there
// and back: for the good hosts alone; for them and as many others as will be bad, which are good here; and for them and the
// bad ones. The good hosts are owed the same throughout, and in the last two kinds the engine accepts the same number of
// events, so that they differ in nothing but the badness. The others are there for a while before they are
// measured, and when they are gone, so is what was queued for them, before the next slice begins. Rates are totals, and
// percentiles are over all times of a side. Times run from the moment at which an event was due
// to be published to its arrival, so that a slow Publish shows in them.
func Isolation(ctx context.Context, c IsolationConfig, done func(IsolationResult) error) error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	for _, kind := range c.Kinds {
		for _, share := range c.Shares {
			c.Progress("%s, %d of %d hosts", kind, c.bad(share), c.Hosts)
			result, err := isolate(ctx, c, kind, share)
			if err != nil {
				return fmt.Errorf("bench: %s at a share of %v: %w", kind, share, err)
			}
			if err := done(result); err != nil {
				return err
			}
		}
	}
	return nil
}

// isolate measures one case, with an engine of its own.
func isolate(ctx context.Context, c IsolationConfig, kind Fault, share float64) (result IsolationResult, err error) {
	run := &isolationRun{config: c, kind: kind, share: share, good: c.Hosts - c.bad(share), names: newHangingNames()}
	// The timeout is short enough for attempts at bad hosts to end, and be made again, within a slice.
	o := rigOptions{projects: c.Hosts, fanout: 1, policy: benchPolicy(faultTimeout), hostLimit: c.HostLimit, resolver: run.names}
	if run.rig, err = newRig(c.Config, o); err != nil {
		return IsolationResult{}, err
	}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := errors.Join(run.listen(run.good), run.open()); err != nil {
		return IsolationResult{}, err
	}
	for project, receiver := range run.receivers {
		if err := run.subscribe(ctx, run.engine, ProjectKey(project), project, receiver.URL(hookPath)); err != nil {
			return IsolationResult{}, err
		}
	}
	if err := run.measure(ctx); err != nil {
		return IsolationResult{}, err
	}
	return run.result(), nil
}
