package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// rig is what a measurement runs on: events, receivers on loopback that count them, and a directory for the engine.
type rig struct {
	config    Config
	options   rigOptions
	dir       string
	engine    *engine.Engine       // on dir; nil before open
	metrics   *prometheus.Registry // the engine's
	workload  *Workload
	receivers []*Receiver
	next      atomic.Int64 // the next sequence number

	// event makes the event with a sequence number, whose body is appended to buffer.
	event func(buffer []byte, sequence int64) webhook.Event
}

type rigOptions struct {
	projects  int // that the events are about, in turn
	fanout    int // endpoints that every event is owed to; 0 is 1
	policy    *webhook.Policy
	hostLimit int // 0 leaves it to the engine
	appLimit  int // webhooks of an app; 0 leaves it to the flavour

	// resolver looks names up for the engine; nil leaves it to the engine.
	resolver fasthttp.Resolver

	breaker engine.Breaker
}

const (
	rigTenant = "bench"

	// hookPath is the path that all webhooks lead to. Where an event is owed to several endpoints, the number of the
	// endpoint follows; see hookPathOf.
	hookPath = "/hook"

	// closeTimeout bounds the end of a run. What is in flight by then is on its way to a receiver that
	// does not answer.
	closeTimeout = 10 * time.Second

	// drainTimeout is how long a run waits for what was accepted before it counts it as lost.
	drainTimeout = 30 * time.Second
)

// newRig makes the directory and the events. Receivers and engine are added to it.
func newRig(c Config, o rigOptions) (*rig, error) {
	workload, err := NewWorkload(WorkloadOptions{Seed: c.Seed, Size: c.Body, Projects: o.projects})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.Dir, "hookline-bench-")
	if err == nil {
		dir, err = filepath.Abs(dir) // a file system in memory has no directory to begin at
	}
	if err != nil {
		return nil, fmt.Errorf("bench: making the data directory: %w", err)
	}
	r := &rig{config: c, options: o, dir: dir, workload: workload}
	r.event = func(buffer []byte, sequence int64) webhook.Event {
		return webhook.Event{Tenant: rigTenant, Body: workload.Body(buffer, sequence)}
	}
	return r, nil
}

// listen starts n receivers.
func (r *rig) listen(n int) error {
	for range n {
		receiver, err := NewReceiver(ReceiverOptions{})
		if err != nil {
			return err
		}
		r.receivers = append(r.receivers, receiver)
	}
	return nil
}

// open opens the rig's own engine.
func (r *rig) open() (err error) {
	r.metrics = prometheus.NewRegistry()
	r.engine, err = r.openOn(nil, r.metrics)
	return err
}

// openOn opens an engine on a file system, nil for that of the disk.
func (r *rig) openOn(fs vfs.FS, metrics prometheus.Registerer) (*engine.Engine, error) {
	dynamic := jira.NewDynamic(jira.DynamicOptions{
		PlainHTTP: true, ManyURLs: true, Policy: r.options.policy, ConnectLimit: r.options.appLimit,
	})
	outward := egress.Options{Allow: egress.Loopback(), Resolver: r.options.resolver}
	return engine.Open(engine.Options{
		Dir: r.dir, FS: fs, Egress: outward, HostLimit: r.options.hostLimit, Breaker: r.options.breaker, Flavors: []flavor.Flavor{dynamic},
		Metrics: metrics, Logger: failuresOnly(),
	})
}

// failuresOnly keeps the engine from telling of every host that a measurement has made bad.
func failuresOnly() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// subscribe makes an app of the rig's tenant and registers its webhooks for a project, all to one URL.
func (r *rig) subscribe(ctx context.Context, e *engine.Engine, app string, project int, url string) error {
	owner := webhook.Owner{Tenant: rigTenant, App: app}
	if err := e.PutTenant(ctx, webhook.Tenant{ID: rigTenant}); err != nil {
		return err
	}
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		return err
	}
	return register(ctx, e, owner, url, r.workload.Filters(project, r.config.Webhooks))
}

// register registers one webhook for each filter and fails unless all are accepted.
func register(ctx context.Context, e *engine.Engine, owner webhook.Owner, url string, filters []string) error {
	items := make([]registry.Item, len(filters))
	for i, filter := range filters {
		items[i] = registry.Item{Filter: filter, Events: []string{"jira:issue_updated"}}
	}
	results, err := e.Register(ctx, engine.Registration{Owner: owner, URL: url, Webhooks: items})
	if err != nil {
		return fmt.Errorf("bench: registering webhooks: %w", err)
	}
	for i, result := range results {
		if len(result.Errors) > 0 {
			return fmt.Errorf("bench: filter %q was refused: %w", filters[i], errors.Join(result.Errors...))
		}
	}
	return nil
}

// newLedger begins a new account for what follows, of events that are owed to fanout endpoints each.
func (r *rig) newLedger(fanout int, arrival func()) *Ledger {
	l := NewLedger(LedgerOptions{First: r.next.Load(), Fanout: fanout, Arrival: arrival})
	for _, receiver := range r.receivers {
		receiver.Use(l)
	}
	return l
}

// drain waits for what was accepted and closes the account: what has not come in time is lost.
func drain(ctx context.Context, l *Ledger) Account { return drainWithin(ctx, l, drainTimeout) }

func drainWithin(ctx context.Context, l *Ledger, patience time.Duration) Account {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = l.Await(ctx) // the account says so
	return l.Account()
}

// close stops everything and removes the directory.
func (r *rig) close() error {
	problems := []error{closeEngine(r.engine)}
	for _, receiver := range r.receivers {
		problems = append(problems, receiver.Close())
	}
	return errors.Join(append(problems, os.RemoveAll(r.dir))...)
}

// closeEngine closes an engine if there is one.
func closeEngine(e *engine.Engine) error {
	if e == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return e.Close(ctx)
}

// benchPolicy is Jira's policy with waits that a run can wait for. Between a healthy engine and a
// receiver that answers it makes no difference.
func benchPolicy(timeout time.Duration) *webhook.Policy {
	p := *jira.Seed()
	p.Timeout = timeout
	p.Backoff = []time.Duration{200 * time.Millisecond, time.Second, time.Second, 2 * time.Second, 5 * time.Second}
	return &p
}
