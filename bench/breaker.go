package bench

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// BreakerConfig configures [Breaker]. The zero value is a run with the defaults.
type BreakerConfig struct {
	// Config is what the measurements have in common. Here For is the time for which the open breaker is watched, 20 seconds by
	// default and 5 with Quick; Hosts is 1, and Webhooks, of each endpoint, defaults to 1.
	Config

	// Waiting is the number of deliveries that wait for the host, rounded up to whole events.
	//
	// Defaults to 1,000,000; with Quick to 20,000.
	Waiting int

	// Fanout is the number of endpoints that the host has, each of which is owed every event.
	//
	// Defaults to 10.
	Fanout int

	// HostLimit is the number of requests in flight to the host.
	//
	// Defaults to 20.
	HostLimit int

	// MaxOpen is the longest time between two probes, of which the first is after a second. It bounds how long the run waits for the one that finds the receiver back,
	// and is shorter than the engine's default, which makes more work for the side that is watched.
	//
	// Defaults to 5 seconds.
	MaxOpen time.Duration
}

func (c BreakerConfig) withDefaults() BreakerConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 5*time.Second)
		c.Waiting = cmp.Or(c.Waiting, 20_000)
	}
	c.For = cmp.Or(c.For, 20*time.Second)
	c.Webhooks = cmp.Or(c.Webhooks, 1)
	c.Hosts = cmp.Or(c.Hosts, 1)
	c.Config = c.Config.withDefaults()
	c.Waiting = cmp.Or(c.Waiting, 1_000_000)
	c.Fanout = cmp.Or(c.Fanout, 10)
	c.HostLimit = cmp.Or(c.HostLimit, 20)
	c.MaxOpen = cmp.Or(c.MaxOpen, 5*time.Second)
	return c
}

func (c *BreakerConfig) validate() error {
	var p problems
	c.Config.check(&p)
	p.check(c.Hosts == 1, "Hosts is %d; use 1", c.Hosts)
	p.check(c.Fanout > 0 && c.Fanout <= maxFanout, "Fanout is %d; use 1 to %d", c.Fanout, maxFanout)
	// The breaker opens by the failures of as many attempts as have begun, and those are not waiting any more.
	p.check(c.Waiting >= leastWaiting && c.Waiting <= tableSize-c.Fanout, "Waiting is %d; use %d to %d", c.Waiting, leastWaiting, tableSize-c.Fanout)
	p.check(c.HostLimit > 0, "HostLimit is %d; use at least 1", c.HostLimit)
	p.check(c.MaxOpen > 0, "MaxOpen is %v; use a time above 0", c.MaxOpen)
	return p.err()
}

const leastWaiting = 1000

func (c *BreakerConfig) events() int64 { return int64((c.Waiting + c.Fanout - 1) / c.Fanout) }

// BreakerResult is what [Breaker] measured.
type BreakerResult struct {
	Kind    string `json:"kind"`    // "breaker"
	Waiting int64  `json:"waiting"` // deliveries, while the breaker is watched

	// CPU is the processor time of the whole process while the breaker is open, by the time that passed: 0.01 is a
	// hundredth of a core. Written is the bytes written to the store's files in that time, and Probes the requests that were
	// tried, each of which is refused and settled.
	CPU     float64 `json:"cpu"`
	Written int64   `json:"written_bytes"`
	Probes  int64   `json:"probes"`

	// FirstRequest is the time from the return of the receiver to its first request, which depends on when the next probe is
	// due; Drain that from there to the hundredth delivery; and DrainRate the deliveries per second from the first to the last.
	FirstRequest float64 `json:"first_request_s"`
	Drain        float64 `json:"drain_s"`
	DrainRate    float64 `json:"drain_rate"`

	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	InFlight  int64   `json:"in_flight"` // the most after the return, as the receiver counts
	HostLimit int     `json:"host_limit"`
	RSS       float64 `json:"rss_mb"`    // while the breaker is watched, in MB of 10^6 bytes; 0 where the system does not tell
	FillRate  float64 `json:"fill_rate"` // deliveries per second that were made durable beside the open breaker
	Seconds   float64 `json:"seconds"`   // watched
	MaxOpen   float64 `json:"max_open_s"`
	Endpoints int     `json:"endpoints"`
	BodyBytes int     `json:"body_bytes"`
}

// Breaker measures what an open breaker costs while very many deliveries wait for its host, and how the backlog gets away once the
// receiver is back. Nothing is published while the breaker is watched, and the store has done by then what was
// left of taking in the backlog.
func Breaker(ctx context.Context, c BreakerConfig) (result BreakerResult, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return BreakerResult{}, err
	}
	run := &breakerRun{config: c}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := run.open(ctx); err != nil {
		return BreakerResult{}, err
	}
	if err := run.measure(ctx); err != nil {
		return BreakerResult{}, err
	}
	return run.result, nil
}
