package bench

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// RestartConfig configures [Restart]. The zero value is a run with the defaults.
type RestartConfig struct {
	// Config is what the measurements have in common. Here For is the time for which events are published once the receiver is
	// back, 20 seconds by default and 12 with Quick; Hosts is 1, and Webhooks, of the one endpoint, defaults to 25.
	Config

	// Rate is the number of events a second, throughout.
	//
	// Defaults to 1000.
	Rate int

	// HostLimit is the number of requests in flight to the host.
	//
	// Defaults to 20.
	HostLimit int

	// Down is for how long connections are refused.
	//
	// Defaults to 5 seconds; with Quick to 3.
	Down time.Duration

	// Delay is the time before the first answer after the return, and SlowStart the time from the first request on in which that
	// falls to nothing.
	//
	// Default to 200 milliseconds and 3 seconds.
	Delay, SlowStart time.Duration
}

func (c RestartConfig) withDefaults() RestartConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 12*time.Second)
		c.Down = cmp.Or(c.Down, 3*time.Second)
	}
	c.For = cmp.Or(c.For, 20*time.Second)
	c.Hosts = cmp.Or(c.Hosts, 1)
	c.Config = c.Config.withDefaults()
	c.Rate = cmp.Or(c.Rate, 1000)
	c.HostLimit = cmp.Or(c.HostLimit, 20)
	c.Down = cmp.Or(c.Down, 5*time.Second)
	c.Delay = cmp.Or(c.Delay, 200*time.Millisecond)
	c.SlowStart = cmp.Or(c.SlowStart, 3*time.Second)
	return c
}

func (c *RestartConfig) validate() error {
	var p problems
	c.Config.check(&p)
	p.check(c.Hosts == 1, "Hosts is %d; use 1", c.Hosts)
	p.check(c.Rate > 0, "Rate is %d; use at least 1", c.Rate)
	p.check(c.HostLimit > 0, "HostLimit is %d; use at least 1", c.HostLimit)
	p.check(c.Down > 0, "Down is %v; use a time above 0", c.Down)
	p.check(c.Delay >= 0 && c.Delay < restartTimeout, "Delay is %v; use up to %v", c.Delay, restartTimeout)
	p.check(c.SlowStart >= 0, "SlowStart is %v; use 0 or more", c.SlowStart)
	return p.err()
}

// restartTimeout is the time limit of attempts. A slow answer within it is a good one.
const restartTimeout = 10 * time.Second

// RestartResult is what [Restart] measured. Seconds count from the moment at which the receiver accepts connections again.
type RestartResult struct {
	Kind string `json:"kind"` // "restart"

	// Lost and Duplicates are deliveries. One may come twice whose request was on its way when the receiver went.
	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	// FirstRequest is when the first request came, and FullRate the end of the first second in which as many
	// deliveries arrived as are published. CaughtUp is when the last arrived that came more than a second after it was
	// due, which is when those have come, too, whose attempts failed. FullRate is -1 where it was never reached.
	FirstRequest float64 `json:"first_request_s"`
	FullRate     float64 `json:"full_rate_s"`
	CaughtUp     float64 `json:"caught_up_s"`

	// InFlight is the most requests in flight after the return, as the receiver counts, and InFlightBefore that before it went.
	InFlight       int64 `json:"in_flight"`
	InFlightBefore int64 `json:"in_flight_before"`
	HostLimit      int   `json:"host_limit"`

	// RateBefore is the deliveries per second before the receiver went, and MostRate the most in a second after its return.
	RateBefore float64 `json:"rate_before"`
	MostRate   float64 `json:"most_rate"`

	Rate      int     `json:"rate"`
	Down      float64 `json:"down_s"`
	Delay     float64 `json:"delay_ms"`
	SlowStart float64 `json:"slow_start_s"`
	Seconds   float64 `json:"seconds"` // of load after the return
	BodyBytes int     `json:"body_bytes"`
}

// Restart measures what becomes of a steady load on one receiver that restarts: it ends what it has begun, refuses connections for
// a while, and is slow at first when requests come again. The breaker is that of the engine's defaults.
func Restart(ctx context.Context, c RestartConfig) (result RestartResult, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return RestartResult{}, err
	}
	run := &restartRun{config: c}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := run.open(ctx); err != nil {
		return RestartResult{}, err
	}
	if err := run.measure(ctx); err != nil {
		return RestartResult{}, err
	}
	return run.result(), nil
}
