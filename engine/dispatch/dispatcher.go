package dispatch

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hookline/queue"
)

// Dispatcher sends deliveries. Its methods are safe for any number of goroutines.
type Dispatcher struct {
	opts   Options
	queue  Queue
	hosts  *table
	slots  *slots
	timers *timers
	crew   crew
	closed atomic.Bool

	transitions [breakerStates]atomic.Uint64 // of breakers, by the new state
	putOff      atomic.Uint64                // retries, for the budget
	proxy       proxyState
	connects    [connectResults]atomic.Uint64
	throttled   [2]atomic.Uint64 // by throttle; slots counts the third

	mu      sync.Mutex
	sweeper *time.Timer
}

// New makes a dispatcher. It does nothing before Start.
func New(opts Options) *Dispatcher {
	d := &Dispatcher{opts: opts.withDefaults(), hosts: newTable(), slots: newSlots(), crew: newCrew()}
	d.timers = newTimers(d.wake)
	return d
}

func (o Options) withDefaults() Options {
	o.HostLimit = cmp.Or(o.HostLimit, 20)
	o.ReplayLimit = max(1, min(cmp.Or(o.ReplayLimit, o.HostLimit/2), o.HostLimit-1))
	o.MaxInFlight = cmp.Or(o.MaxInFlight, 16384)
	o.MaxResponse = cmp.Or(o.MaxResponse, 64<<10)
	o.IdleConn = cmp.Or(o.IdleConn, 10*time.Second)
	o.IdleHost = cmp.Or(o.IdleHost, time.Minute)
	o.Breaker = o.Breaker.WithDefaults()
	o.RetryBudget = o.RetryBudget.WithDefaults()
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Start makes the dispatcher take deliveries from the queue. It is called once.
func (d *Dispatcher) Start(q Queue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return
	}
	d.queue = q
	d.slots.open(d.opts.MaxInFlight)
	d.sweeper = time.AfterFunc(d.sweepEvery(), d.sweep)
}

// sweepEvery is half of IdleConn, since a connection is found unused only when a whole period has
// passed.
func (d *Dispatcher) sweepEvery() time.Duration { return d.opts.IdleConn / 2 }

func (d *Dispatcher) sweep() {
	d.hosts.sweep(time.Now(), d.opts.IdleHost)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed.Load() {
		d.sweeper.Reset(d.sweepEvery())
	}
}

// Ready says that a delivery of the endpoint is due at the given time, where a time that has passed
// means now. It does not block and does not call the queue. A delivery has to be there for Take before
// Ready is called for it; calls may be more than needed, and may come before Start. For an endpoint that
// is paused a call does nothing; one is needed when it is paused no more.
func (d *Dispatcher) Ready(endpoint queue.EndpointID, at time.Time) {
	if at.After(time.Now()) {
		d.timers.set(endpoint, at)
		return
	}
	d.arrive(endpoint, at)
}

func (d *Dispatcher) wake(endpoint queue.EndpointID) { d.arrive(endpoint, time.Time{}) }

// arrive gives the endpoint a turn at its host, unless it is paused, for a delivery that became due at a time, which is zero if
// it is one of those known before. An endpoint that is gone gets it at the zero Host, where a worker clears up what waits for it.
func (d *Dispatcher) arrive(endpoint queue.EndpointID, due time.Time) {
	if d.closed.Load() {
		return
	}
	var key Host
	if target, ok := d.opts.Target(endpoint); ok {
		if target.leftAlone() {
			return
		}
		key = target.Host
	}
	for !d.hosts.get(key, d.newHost).wake(endpoint, due) {
	}
}

func (d *Dispatcher) newHost(key Host) *host {
	h := &host{d: d, key: key, turns: newTurns(), limit: newLimit(&d.opts), unusedSince: time.Now()}
	if d.opts.Rate.Host > 0 {
		h.pace.set(d.opts.Rate.Host)
	}
	h.connect()
	return h
}

// Close takes nothing new, waits for the attempts in flight and closes the connections. When ctx ends
// first, Close returns its error: what is still in flight then ends by its own time limit, and what the
// queue does not learn of it is due again after the next start. A second Close waits too.
func (d *Dispatcher) Close(ctx context.Context) error {
	d.mu.Lock()
	if !d.closed.Swap(true) {
		close(d.crew.over)
	}
	if d.sweeper != nil {
		d.sweeper.Stop()
	}
	d.mu.Unlock()
	d.timers.close()
	idle := d.slots.close()
	d.hosts.close()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
