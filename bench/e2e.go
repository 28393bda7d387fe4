package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"time"
)

// Result is what [E2E] measured.
type Result struct {
	Kind string `json:"kind"` // "e2e"

	// Rate is the deliveries per second that were made durable, sent and answered; CeilingRate is the
	// requests per second of the bare client. Ratio is Rate by CeilingRate.
	Rate        float64 `json:"rate"`
	CeilingRate float64 `json:"ceiling_rate"`
	Ratio       float64 `json:"ratio"`

	// CPU is the processor time of the whole process for one delivery, receiver and publisher included, in
	// microseconds; CeilingCPU is that for one request of the bare client. Other programs on the machine
	// disturb these far less than the rates. Both are 0 where the system does not tell.
	CPU        float64 `json:"cpu_us"`
	CeilingCPU float64 `json:"ceiling_cpu_us"`

	// P50 and P99 are the times in milliseconds from the call of Publish to the receiver's answer. Most
	// of it is waiting behind the other events of the window: see [Config].Window.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`

	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	Published  int64   `json:"published"`
	Seconds    float64 `json:"seconds"` // measured for the engine, and as much again for the bare client
	Publishers int     `json:"publishers"`
	Hosts      int     `json:"hosts"`
	HostLimit  int     `json:"host_limit"`
	BodyBytes  int     `json:"body_bytes"`
	Window     int     `json:"window"`
	Webhooks   int     `json:"webhooks"`
}

// E2E measures the whole path: publishers in this process, accept (synced to the disk), match, and
// delivery over loopback HTTP to receivers that count. The bare client gets slices of time in turn with
// the engine and posts the same bodies to the same receivers over as many connections.
//
// A slice counts what arrives within its time; what is still on its way at its end is waited for and
// counted as lost only if it does not come.
func E2E(ctx context.Context, c Config) (result Result, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return Result{}, err
	}
	r, err := newRig(c, c.Hosts, benchPolicy(10*time.Second))
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for host, receiver := range r.receivers {
		if err := r.subscribe(ctx, host, receiver.URL(hookPath)); err != nil {
			return Result{}, err
		}
	}
	run := &e2eRun{rig: r, bare: newBareClient(r)}
	defer run.bare.close()
	if err := run.measure(ctx); err != nil {
		return Result{}, err
	}
	return run.result(), nil
}

// e2eRun collects what the slices of a run have measured.
type e2eRun struct {
	*rig
	bare    *bareClient
	engine  tally
	ceiling tally
	account Account
	times   []time.Duration
}

// tally is a number of deliveries with the time that passed and the processor time that they took.
type tally struct {
	deliveries   int64
	elapsed, cpu time.Duration
}

// since is what a ledger has delivered since the given moment, when the process had used cpu.
func (l *Ledger) since(start time.Time, cpu time.Duration) tally {
	return tally{deliveries: l.Delivered(), elapsed: time.Since(start), cpu: processTime() - cpu}
}

func (t *tally) add(other tally) {
	t.deliveries += other.deliveries
	t.elapsed += other.elapsed
	t.cpu += other.cpu
}

func (t *tally) rate() float64 { return ratio(float64(t.deliveries), t.elapsed.Seconds()) }

// cost is the processor time of one delivery in microseconds.
func (t *tally) cost() float64 { return ratio(t.cpu.Seconds()*1e6, float64(t.deliveries)) }

// Slices are long enough for a steady state and short enough for their tables to stay small.
const (
	minSlices = 4
	maxSlice  = 2 * time.Second
	warmUp    = 500 * time.Millisecond
)

func (run *e2eRun) measure(ctx context.Context) error {
	c := &run.config
	slices := max(minSlices, int((c.For+maxSlice-1)/maxSlice))
	length := c.For / time.Duration(slices)
	c.Progress("warming up")
	if _, err := run.bareSlice(ctx, warmUp); err != nil {
		return err
	}
	if err := run.engineSlice(ctx, warmUp, false); err != nil {
		return err
	}
	run.engine, run.times = tally{}, nil
	for i := range slices {
		t, err := run.bareSlice(ctx, length)
		if err != nil {
			return err
		}
		run.ceiling.add(t)
		if err := run.engineSlice(ctx, length, i == slices-1); err != nil {
			return err
		}
		c.Progress("slice %d of %d: bare client %.0f/s, engine %.0f/s so far", i+1, slices, run.ceiling.rate(), run.engine.rate())
	}
	return nil
}

// bareSlice measures the bare client.
func (run *e2eRun) bareSlice(ctx context.Context, length time.Duration) (tally, error) {
	ledger := run.open(nil)
	start, cpu := time.Now(), processTime()
	err := run.bare.post(ctx, ledger, length)
	return ledger.since(start, cpu), err
}

// engineSlice measures the engine and waits for what it has accepted.
func (run *e2eRun) engineSlice(ctx context.Context, length time.Duration, last bool) error {
	if last && run.config.Profile != nil {
		if err := pprof.StartCPUProfile(run.config.Profile); err != nil {
			return fmt.Errorf("bench: starting the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	p := newPublishers(run.rig)
	start, cpu := time.Now(), processTime()
	p.start(ctx)
	wait(ctx, length)
	measured := p.ledger.since(start, cpu)
	if err := p.stop(); err != nil {
		return err
	}
	drain, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	// What does not come in time is in the account as lost.
	_ = p.ledger.Await(drain)
	run.engine.add(measured)
	run.times = append(run.times, p.ledger.Latencies()...)
	a := p.ledger.Account()
	run.account.Sent += a.Sent
	run.account.Lost += a.Lost
	run.account.Duplicates += a.Duplicates
	return ctx.Err()
}

func (run *e2eRun) result() Result {
	c := &run.config
	p50, p99 := quantiles(run.times)
	result := Result{
		Kind: "e2e", Rate: round(run.engine.rate()), CeilingRate: round(run.ceiling.rate()),
		CPU: round(run.engine.cost()), CeilingCPU: round(run.ceiling.cost()),
		P50: milliseconds(p50), P99: milliseconds(p99),
		Lost: run.account.Lost, Duplicates: run.account.Duplicates, Published: run.account.Sent,
		Seconds: round(run.engine.elapsed.Seconds()), Publishers: c.Publishers, Hosts: c.Hosts, HostLimit: c.HostLimit,
		BodyBytes: c.Body, Window: c.Window, Webhooks: c.Webhooks * c.Hosts,
	}
	result.Ratio = round(ratio(run.engine.rate(), run.ceiling.rate()))
	return result
}
