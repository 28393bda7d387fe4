package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hookline/engine/dispatch"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// Engine is one running installation. Its methods are safe for any number of goroutines.
type Engine struct {
	options  Options
	flavors  map[string]flavor.Flavor
	readers  map[webhook.System]flavor.Reader
	store    *store.Store
	registry *registry.Registry
	queue    *queue.Queue
	egress   *egress.Guard
	dispatch *dispatch.Dispatcher
	names    identifiers
	keys     *sign.Keyring
	metrics  *metrics
	targets  targets
	replays  replays

	successes successes
	failing   failing
	stops     stops
	strays    strays
	orders    orders

	publications sync.Pool // *publication
	scratches    sync.Pool // *registry.Scratch

	stop   context.CancelFunc // ends the sweep
	swept  chan struct{}      // closed when the sweep has ended
	closed sync.Once
}

// Open opens the data directory, takes up the deliveries that are waiting in it, and starts to
// send. The error names everything that is wrong with the options, or why the directory cannot be
// opened (store.ErrInUse, store.ErrIsBackup, store.ErrFormat, queue.ErrFormat).
func Open(o Options) (*Engine, error) {
	o = o.withDefaults()
	guard, err := egress.New(o.Egress)
	if err := errors.Join(o.validate(), err); err != nil {
		return nil, err
	}
	e := &Engine{
		options: o, egress: guard, flavors: map[string]flavor.Flavor{}, readers: map[webhook.System]flavor.Reader{}, swept: make(chan struct{}),
	}
	e.stops.init()
	e.publications.New = func() any { return new(publication) }
	e.scratches.New = func() any { return new(registry.Scratch) }
	for _, f := range o.Flavors {
		e.flavors[f.Rules().Flavor] = f
		if reader, ok := f.(flavor.Reader); ok {
			e.readers[f.Rules().System] = reader
		}
	}
	if err := e.open(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	go e.sweep(ctx)
	return e, nil
}

// open opens the parts from the bottom up; on an error it closes those that were open.
func (e *Engine) open() (err error) {
	o := &e.options
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; err != nil && i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	if e.store, err = store.Open(o.Dir, store.Options{FS: o.FS, CacheSize: o.CacheSize, Logger: o.Logger, Disk: o.Disk, Fatal: o.Fatal}); err != nil {
		return err
	}
	undo = append(undo, e.store.Close)
	if e.registry, err = registry.Open(e.store); err != nil {
		return err
	}
	e.registry.Guard(e.egress.Check)
	e.registry.Limit(o.Limits)
	e.registry.Budget(o.registrations())
	if err = e.checkFlavors(); err != nil {
		return err
	}
	if err = e.readReplays(); err != nil {
		return err
	}
	e.names = newIdentifiers(e.store.IdentifierKey())
	if e.keys, err = keyring(o.SecretKeys, e.store.IdentifierKey()); err != nil {
		return err
	}
	if err = e.checkSecrets(); err != nil {
		return err
	}
	stopped := e.examineEndpoints()
	if err = e.failing.restore(e.store, e.registry, o.DisableAfter > 0, time.Now()); err != nil {
		return err
	}
	e.metrics = newMetrics(e)
	dial := o.Dial
	if dial == nil {
		dial = e.egress.Dial
	}
	e.dispatch = dispatch.New(dispatch.Options{
		Target: e.target, HostLimit: o.HostLimit, ReplayLimit: o.ReplayLimit, FixedLimit: o.FixedLimit, MaxInFlight: o.MaxInFlight,
		Breaker: o.Breaker, RetryBudget: o.RetryBudget, Rate: o.Rate, Dial: dial, TLS: e.egress.TLS(),
		OnAttempt: e.attempted, Logger: o.Logger,
	})
	e.queue, err = queue.Open(e.store.DB(), queue.Options{
		Cache: e.store.Cache(), FS: e.store.FS(), Dir: e.store.PayloadDir(), ReadOnly: e.store.ReadOnly, TrustClock: o.TrustClock,
		Ready: e.dispatch.Ready, Lost: e.metrics.lost, Parked: e.metrics.parked, Committed: e.metrics.committed, Refilled: e.metrics.refilled,
		KeepDead: o.KeepDead, KeepKeys: o.KeepKeys,
		KeepAttempts: o.KeepAttempts, KeepDelivered: o.KeepDelivered,
		KeepAttemptsBytes: o.KeepAttemptsBytes, KeepDeadBytes: o.KeepDeadBytes, Trimmed: e.metrics.trimmed,
		MaxPayload: o.MaxBody + maxPayloadHead, MaxAcceptBytes: max(64<<20, 2*(o.MaxBody+maxPayloadHead)+1<<20), Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	undo = append(undo, e.queue.Close)
	e.registry.Doubt(e.queue.Doubt)
	if err = e.metrics.register(o.Metrics); err != nil {
		return err
	}
	e.dispatch.Start(&settling{e.queue, e.metrics, &e.successes})
	e.resumeReplays()
	e.park(stopped...)
	return nil
}

// maxPayloadHead is the room that a payload takes beside its body: its head, and a timestamp that was added.
const maxPayloadHead = webhook.MaxTrace + 64

// checkFlavors refuses to open a directory with registrations that could not be sent.
func (e *Engine) checkFlavors() error {
	for _, name := range e.registry.Flavors() {
		if e.flavors[name] == nil {
			return fmt.Errorf("engine: the data directory has registrations of flavour %s, which is not among Options.Flavors", name)
		}
	}
	return nil
}

// Registry returns the registrations, for reading, and for the flavours' APIs.
func (e *Engine) Registry() *registry.Registry { return e.registry }

// CountRejected counts an event that was refused before it came to Publish.
func (e *Engine) CountRejected(r Rejection) { e.metrics.rejected[r].Inc() }

// Options returns the options the engine was opened with, defaults filled in. FS, Dial and Metrics stay nil where
// they were.
func (e *Engine) Options() Options { return e.options }

// Space returns the room on the disk of the data directory.
func (e *Engine) Space() store.Space { return e.store.Space() }

// Queue returns the queue, for reading its state.
func (e *Engine) Queue() *queue.Queue { return e.queue }

// PutTenant adds a tenant, or replaces what is known of it. See registry.Registry.PutTenant.
func (e *Engine) PutTenant(ctx context.Context, t webhook.Tenant) error {
	return e.registry.PutTenant(ctx, t)
}

// PutApp adds an app to a tenant, or replaces what is known of it. See registry.Registry.PutApp.
func (e *Engine) PutApp(ctx context.Context, a webhook.App) error { return e.registry.PutApp(ctx, a) }

// DeleteTenant removes a tenant with its apps, webhooks and what is queued for them.
func (e *Engine) DeleteTenant(ctx context.Context, id string) error {
	endpoints, err := e.registry.DeleteTenant(ctx, id)
	if err != nil {
		return err
	}
	e.forgetReplays(func(r *webhook.Replay) bool { return r.Tenant == id })
	e.purge(endpoints)
	return nil
}

// DeleteApp removes an app with its webhooks and what is queued for them.
func (e *Engine) DeleteApp(ctx context.Context, tenant, key string) error {
	endpoints, err := e.registry.DeleteApp(ctx, tenant, key)
	e.purge(endpoints)
	return err
}

// Drop removes what is queued for an endpoint: its webhook is gone, or switched off.
func (e *Engine) Drop(endpoint uint64) { e.purge([]uint64{endpoint}) }

// purge removes what is queued for endpoints that are gone. What it cannot remove is given up when its turn comes,
// as its endpoint is not known any more.
func (e *Engine) purge(endpoints []uint64) {
	for _, id := range endpoints {
		e.targets.drop(id)
		if err := e.queue.Purge(queue.EndpointID(id)); err != nil {
			e.options.Logger.Error("removing what is queued for a deleted endpoint failed; it is given up one by one", "endpoint", id, "err", err)
		}
	}
}

// Registration asks for webhooks of one owner, all to one URL.
type Registration struct {
	Flavor   string // may be empty where the engine has only one flavour
	Owner    webhook.Owner
	URL      string
	Webhooks []registry.Item
}

// Register registers webhooks; see registry.Registry.Register. Each item succeeds or fails alone.
func (e *Engine) Register(ctx context.Context, r Registration) ([]registry.Result, error) {
	f := e.flavors[r.Flavor]
	if f == nil && r.Flavor == "" && len(e.options.Flavors) == 1 {
		f = e.options.Flavors[0]
	}
	if f == nil {
		return nil, &webhook.InvalidError{Problem: fmt.Sprintf("flavour %q is not among those of the engine", r.Flavor)}
	}
	return e.registry.Register(ctx, f.Rules(), r.Owner, r.URL, r.Webhooks)
}

// sweepInterval is how often webhooks are extended, and what has expired is cleared away.
const sweepInterval = time.Minute

func (e *Engine) sweep(ctx context.Context) {
	defer close(e.swept)
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			e.sweepOnce(ctx, last, now)
			last = now
		}
	}
}

// sweepOnce does what is due at a time, after the sweep that was at another.
//
// A clock that the queue does not believe is not believed here: see queue.Queue.Doubt.
func (e *Engine) sweepOnce(ctx context.Context, last, wall time.Time) {
	now := wall.Add(-e.queue.Doubt())
	if err := e.extend(ctx, now); err != nil && ctx.Err() == nil {
		e.options.Logger.Error("extending webhooks failed; it will be tried again", "err", err)
	}
	e.warn(last, now)
	if err := e.registry.Sweep(ctx, now, e.keep, e.giveUp, e.idle); err != nil && ctx.Err() == nil {
		e.options.Logger.Error("clearing away expired registrations failed; it will be tried again", "err", err)
	}
	if e.store.Space().Level == store.Scarce {
		e.queue.Reclaim()
	}
	e.targets.prune(e.registry)
	e.successes.prune(e.registry)
	e.failing.prune(e.registry)
	e.strays.prune(e.registry)
	if err := e.failing.keep(wall, false); err != nil && ctx.Err() == nil {
		e.options.Logger.Error("which endpoints fail was not written; it will be tried again", "err", err)
	}
	e.forgetReplays(func(r *webhook.Replay) bool {
		return r.State != webhook.ReplayRunning && now.Sub(r.Ended) > keepReplays
	})
}

func (e *Engine) keep(name string) time.Duration { return e.flavors[name].Rules().Keep }

// giveUp drops what is queued for an endpoint that nobody can resume.
func (e *Engine) giveUp(endpoint uint64) {
	if !e.queue.Idle(queue.EndpointID(endpoint)) {
		e.options.Logger.Warn("what is queued for a paused endpoint is dropped, as its webhooks are gone", "endpoint", endpoint)
		e.Drop(endpoint)
	}
}

// idle says that an endpoint has nothing to deliver, and no failure that its owner could ask about.
func (e *Engine) idle(endpoint uint64) bool {
	return e.queue.Idle(queue.EndpointID(endpoint)) && !e.listed(endpoint)
}

// Close stops sending, waits for the attempts in flight until ctx ends, makes all settlements durable and
// closes the data directory. Publish must not be called any more; a call that runs while Close is called
// either succeeds with its promise or returns queue.ErrClosed. An error of ctx means that attempts were cut
// off; they are made again after the next Open.
func (e *Engine) Close(ctx context.Context) error {
	var err error
	e.closed.Do(func() {
		e.stop()
		<-e.swept
		e.replays.close()
		err = e.dispatch.Close(ctx)
		e.stops.close()
		err = errors.Join(err, e.queue.Close())
		e.egress.Close()
		err = errors.Join(err, e.extend(context.WithoutCancel(ctx), time.Now())) // what succeeded since the last sweep
		err = errors.Join(err, e.failing.keep(time.Now(), true))
		e.metrics.unregister(e.options.Metrics)
		err = errors.Join(err, e.store.Close())
	})
	return err
}
