package bench

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"
)

// DispatchConfig configures [Dispatch]. The zero value is a run with the defaults.
type DispatchConfig struct {
	// Config is what the measurements have in common. Here For is what each of the three sides gets, and the open loop after
	// them. It defaults to 4 seconds with Quick; Hosts defaults to 4.
	Config

	// Fanout is the number of endpoints that every event is owed to, each with a URL and an app of its own, spread over the
	// hosts.
	//
	// Defaults to 1.
	Fanout int

	// InFlight is the number of requests in flight over all hosts, each of which gets an equal share, rounded up. It is the
	// same for the engine and for the bare client.
	//
	// Defaults to 20 for each host.
	InFlight int

	// Window bounds the deliveries that are accepted and not made yet. Publishers wait for
	// room in it, so that what is measured is a steady state and not a backlog that grows.
	//
	// Defaults to 512, or 16 events if that is more.
	Window int

	// Profile gets a CPU profile of the last slice in which the engine on the disk is measured.
	Profile io.Writer
}

func (c DispatchConfig) withDefaults() DispatchConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 4*time.Second)
	}
	c.Config = c.Config.withDefaults()
	c.Hosts = cmp.Or(c.Hosts, 4)
	c.Fanout = cmp.Or(c.Fanout, 1)
	c.InFlight = cmp.Or(c.InFlight, 20*c.Hosts)
	c.Window = cmp.Or(c.Window, max(512, 16*c.Fanout))
	return c
}

// maxFanout keeps the registrations of a run within seconds.
const maxFanout = 1000

func (c *DispatchConfig) validate() error {
	var p problems
	c.Config.check(&p)
	p.check(c.Fanout > 0 && c.Fanout <= maxFanout, "Fanout is %d; use 1 to %d", c.Fanout, maxFanout)
	p.check(c.InFlight >= c.Hosts, "InFlight is %d; use at least 1 for each of the %d hosts", c.InFlight, c.Hosts)
	p.check(c.Window >= c.Fanout, "Window is %d; use at least the fan-out, %d", c.Window, c.Fanout)
	return p.err()
}

func (c *DispatchConfig) perHost() int { return (c.InFlight + c.Hosts - 1) / c.Hosts }

// DispatchResult is what [Dispatch] measured.
type DispatchResult struct {
	Kind   string `json:"kind"` // "dispatch"
	Fanout int    `json:"fanout"`

	// Rate is the deliveries per second whose events were made durable, and which were sent and answered. CeilingRate is the
	// requests per second of the bare client, and Ratio is Rate by CeilingRate. RateVolatile is the deliveries
	// per second of the same engine on a store in memory.
	Rate         float64 `json:"rate"`
	CeilingRate  float64 `json:"ceiling_rate"`
	Ratio        float64 `json:"ratio"`
	RateVolatile float64 `json:"rate_volatile"`

	// CPU is the processor time of the whole process for 10,000 durable deliveries, receivers and publishers included, in
	// seconds; CeilingCPU and VolatileCPU are those of the other sides. Other programs on the machine
	// disturb these far less than the rates. All are 0 where the system does not tell.
	CPU         float64 `json:"cpu_s_per_10k"`
	CeilingCPU  float64 `json:"ceiling_cpu_s_per_10k"`
	VolatileCPU float64 `json:"volatile_cpu_s_per_10k"`

	// P50, P99 and P999 are of the open loop, with durable accepts: the times in milliseconds from the moment at
	// which an event was due to be published to that at which a receiver had its request. They contain all there is: what
	// Publish takes, its sync to the disk among it, and what follows. The Accepted ones are the part after Publish returned,
	// from accept to receiver; with a fan-out they are of each delivery.
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	P999         float64 `json:"p999_ms"`
	AcceptedP50  float64 `json:"accepted_p50_ms"`
	AcceptedP99  float64 `json:"accepted_p99_ms"`
	AcceptedP999 float64 `json:"accepted_p999_ms"`

	// OpenRate is the deliveries per second of the open loop: a tenth of Rate.
	OpenRate float64 `json:"open_rate"`

	// Lost and Duplicates are deliveries of the engine, on either store.
	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	Owed       int64   `json:"owed"`    // deliveries, on either store
	Seconds    float64 `json:"seconds"` // measured for each side
	Publishers int     `json:"publishers"`
	Hosts      int     `json:"hosts"`
	InFlight   int     `json:"in_flight"`
	BodyBytes  int     `json:"body_bytes"`
	Window     int     `json:"window"`
	Webhooks   int     `json:"webhooks"` // in all
}

// Dispatch measures the whole path: publishers in this process, accept (synced to the disk), match, and
// delivery over loopback HTTP to receivers that count. Beside it, in slices that alternate with its own, the bare client
// posts the same bodies to the same receivers over as many connections, and the same engine runs on a store in memory,
// which is what durability costs. After that an open loop measures latency at a tenth of the rate.
//
// A slice counts what arrives within its time; what is still on its way at its end is waited for and
// counted as lost only if it does not come.
//
// # Who pays for what
//
// All run in one process, on the same cores, and share its heap. Receivers and their ledger are in the figures of every
// side, so a ratio of processor times is nearer to 1 than that of the clients alone would be. Every side makes its bodies by
// copying a template, and enters what it sends. The bare client does both in the goroutines that send, and has no time limits to
// set; the engine has publishers for it, each of which is woken for room in the window and for its sync, as
// those are who publish to it in earnest. Its bodies are longer by the numbers of the webhooks that matched. What a store
// has left to do at the end of a slice is done before the next begins, and its processor time belongs to the slice
// that caused it; the time itself belongs to none.
func Dispatch(ctx context.Context, c DispatchConfig) (result DispatchResult, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return DispatchResult{}, err
	}
	r, err := newRig(c.Config, rigOptions{
		projects: c.Hosts, fanout: c.Fanout, policy: benchPolicy(10 * time.Second), hostLimit: c.perHost(),
	})
	if err != nil {
		return DispatchResult{}, err
	}
	run := &dispatchRun{rig: r, config: c}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := run.open(ctx); err != nil {
		return DispatchResult{}, err
	}
	if err := run.measure(ctx); err != nil {
		return DispatchResult{}, err
	}
	return run.result(), nil
}
