package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// rig is a real engine on a real directory with receivers on loopback: one tenant, and for each
// receiver a Jira project and an app that asks for its events.
type rig struct {
	config    Config
	dir       string
	engine    *engine.Engine
	workload  *Workload
	receivers []*Receiver
	next      atomic.Int64 // the next sequence number
}

const (
	rigTenant = "bench"

	// hookPath is the path that all webhooks lead to.
	hookPath = "/hook"

	// closeTimeout bounds the end of a run. What is in flight by then is on its way to a receiver that
	// does not answer.
	closeTimeout = 10 * time.Second

	// drainTimeout is how long a run waits for what was accepted before it counts it as lost.
	drainTimeout = 30 * time.Second
)

// newRig opens the engine and starts the receivers, without any webhook.
func newRig(c Config, receivers int, policy *webhook.Policy) (*rig, error) {
	workload, err := NewWorkload(WorkloadOptions{Seed: c.Seed, Size: c.Body, Projects: c.Hosts})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.Dir, "hookline-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: making the data directory: %w", err)
	}
	r := &rig{config: c, dir: dir, workload: workload}
	for range receivers {
		receiver, err := NewReceiver(ReceiverOptions{})
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.receivers = append(r.receivers, receiver)
	}
	r.engine, err = engine.Open(engine.Options{
		Dir: dir, HostLimit: c.HostLimit, Egress: egress.Options{Allow: egress.Loopback()},
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ManyURLs: true, Policy: policy})},
	})
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// subscribe registers the webhooks for a project, all to one URL.
func (r *rig) subscribe(ctx context.Context, project int, url string) error {
	owner := webhook.Owner{Tenant: rigTenant, App: ProjectKey(project)}
	if err := r.engine.PutTenant(ctx, webhook.Tenant{ID: rigTenant}); err != nil {
		return err
	}
	if err := r.engine.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		return err
	}
	return register(ctx, r.engine, owner, url, r.workload.Filters(project, r.config.Webhooks))
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

// open begins a new account for what follows.
func (r *rig) open(arrival func(int64)) *Ledger {
	l := NewLedger(LedgerOptions{First: r.next.Load(), Arrival: arrival})
	for _, receiver := range r.receivers {
		receiver.Use(l)
	}
	return l
}

// close stops everything and removes the directory.
func (r *rig) close() error {
	var problems []error
	if r.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		problems = append(problems, r.engine.Close(ctx))
	}
	for _, receiver := range r.receivers {
		problems = append(problems, receiver.Close())
	}
	return errors.Join(append(problems, os.RemoveAll(r.dir))...)
}

// benchPolicy is Jira's policy with waits that a run can wait for. Between a healthy engine and a
// receiver that answers it makes no difference.
func benchPolicy(timeout time.Duration) *webhook.Policy {
	p := *jira.Seed()
	p.Timeout = timeout
	p.Backoff = []time.Duration{200 * time.Millisecond, time.Second, time.Second, 2 * time.Second, 5 * time.Second}
	return &p
}
