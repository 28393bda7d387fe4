package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
	"hookline/jql"
)

// ScaleConfig configures [Scale]. Child is required.
type ScaleConfig struct {
	// Webhooks is the number of webhooks in all, Tenants the number of tenants they are spread over. The
	// first must be a multiple of the second.
	//
	// Default to 200,000 and 2,000.
	Webhooks, Tenants int

	// Seed chooses the bodies and filters.
	Seed uint64

	// Dir is where the data directory is made; it is removed at the end.
	//
	// Defaults to the directory for temporary files.
	Dir string

	// Child makes the command of a process that calls [ScaleChild] with its standard input and output.
	// What is measured is that process alone.
	Child func(context.Context) (*exec.Cmd, error)

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

// ScaleResult is what [Scale] measured.
type ScaleResult struct {
	Kind     string `json:"kind"` // "scale"
	Webhooks int    `json:"webhooks"`
	Tenants  int    `json:"tenants"`

	// OpenMS is the time of engine.Open on the directory, StartMS the time from the start of the process to
	// then, both in milliseconds.
	OpenMS  float64 `json:"open_ms"`
	StartMS float64 `json:"start_ms"`

	// RSS is the resident memory of the process, in MB of 10^6 bytes, after one event to each tenant;
	// OpenRSS before them, and PeakRSS the most it ever was.
	RSS     float64 `json:"rss_mb"`
	OpenRSS float64 `json:"open_rss_mb"`
	PeakRSS float64 `json:"peak_rss_mb"`

	// Mismatches is the number of tenants whose event was not matched as the plain evaluator of package
	// jql says: another number of webhooks, other webhooks in the request, or no request.
	Mismatches int `json:"mismatches"`
	Matched    int `json:"matched"` // webhooks that the events matched

	// FirstMS is the median time of the event to a tenant. It is the tenant's first, and so builds its index.
	FirstMS float64 `json:"first_event_ms"`
}

// scaleApp owns all webhooks of a tenant.
const scaleApp = "scale"

func scaleTenant(n int) string { return fmt.Sprintf("tenant-%05d", n) }

// scaleProjects is the number of projects that the filters of a tenant are about. Its event is about one.
const scaleProjects = 4

// scaleEngine opens the engine as both processes need it.
func scaleEngine(dir string, perTenant int) (*engine.Engine, error) {
	f := jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ConnectLimit: perTenant, Policy: benchPolicy(10 * time.Second)})
	return engine.Open(engine.Options{Dir: dir, Flavors: []flavor.Flavor{f}, Egress: egress.Options{Allow: egress.Loopback()}})
}

// Scale registers webhooks over many tenants, has a process of its own open the directory and publish
// one event to each tenant, and compares what is delivered with what the plain evaluator says.
func Scale(ctx context.Context, c ScaleConfig) (result ScaleResult, err error) {
	c.Webhooks, c.Tenants = cmp.Or(c.Webhooks, 200_000), cmp.Or(c.Tenants, 2_000)
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	if c.Tenants < 1 || c.Webhooks < c.Tenants || c.Webhooks%c.Tenants != 0 {
		return ScaleResult{}, &ConfigError{fmt.Sprintf("%d webhooks over %d tenants; use a multiple", c.Webhooks, c.Tenants)}
	}
	dir, err := os.MkdirTemp(c.Dir, "hookline-scale-")
	if err != nil {
		return ScaleResult{}, fmt.Errorf("bench: making the data directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	workload, err := NewWorkload(WorkloadOptions{Seed: c.Seed, Projects: scaleProjects})
	if err != nil {
		return ScaleResult{}, err
	}
	run := &scaleRun{config: c, dir: dir, workload: workload, expected: make([][]int64, c.Tenants), got: map[int64][]int64{}}
	if run.receiver, err = NewReceiver(ReceiverOptions{Inspect: run.inspect}); err != nil {
		return ScaleResult{}, err
	}
	defer func() { err = errors.Join(err, run.receiver.Close()) }()
	if err := run.register(ctx); err != nil {
		return ScaleResult{}, err
	}
	return run.measure(ctx)
}

type scaleRun struct {
	config   ScaleConfig
	dir      string
	workload *Workload
	receiver *Receiver
	expected [][]int64 // by tenant: the webhooks that its event matches

	mu  sync.Mutex
	got map[int64][]int64 // by sequence number, which is the tenant's
	odd int               // requests that no tenant was owed, or that came twice
}

// register fills the directory.
func (run *scaleRun) register(ctx context.Context) (err error) {
	c := &run.config
	perTenant := c.Webhooks / c.Tenants
	e, err := scaleEngine(run.dir, perTenant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(ctx)) }()
	for n := range c.Tenants {
		filters := run.workload.mixed(uint64(n), perTenant)
		if err := run.registerTenant(ctx, e, n, filters); err != nil {
			return err
		}
		if done := n + 1; done%500 == 0 || done == c.Tenants {
			c.Progress("%d of %d webhooks registered", done*perTenant, c.Webhooks)
		}
	}
	return nil
}

func (run *scaleRun) registerTenant(ctx context.Context, e *engine.Engine, n int, filters []string) error {
	owner := webhook.Owner{Tenant: scaleTenant(n), App: scaleApp}
	if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
		return err
	}
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		return err
	}
	if err := register(ctx, e, owner, run.receiver.URL(hookPath), filters); err != nil {
		return err
	}
	doc, err := decode(run.workload.Body(nil, int64(n)))
	if err != nil {
		return err
	}
	all, err := e.Registry().All(owner.Tenant)
	if err != nil {
		return err
	}
	for _, w := range all {
		q, err := jql.Parse(w.Filter)
		if err != nil {
			return err
		}
		if jql.Evaluate(q, jql.Env{}, doc, time.Time{}) {
			run.expected[n] = append(run.expected[n], w.ID)
		}
	}
	return nil
}

func decode(body []byte) (doc any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	err = decoder.Decode(&doc)
	return doc, err
}

// inspect notes which webhooks a request names.
func (run *scaleRun) inspect(sequence int64, body []byte) {
	var request struct {
		IDs []int64 `json:"matchedWebhookIds"`
	}
	err := json.Unmarshal(body, &request)
	slices.Sort(request.IDs)
	run.mu.Lock()
	defer run.mu.Unlock()
	if _, again := run.got[sequence]; again || err != nil || sequence >= int64(len(run.expected)) {
		run.odd++
		return
	}
	run.got[sequence] = request.IDs
}

// measure runs the child and compares.
func (run *scaleRun) measure(ctx context.Context) (ScaleResult, error) {
	c := &run.config
	c.Progress("opening in a process of its own")
	child, err := startScaleChild(ctx, c.Child, scaleOrder{
		Dir: run.dir, Tenants: c.Tenants, PerTenant: c.Webhooks / c.Tenants, Seed: c.Seed,
	})
	if err != nil {
		return ScaleResult{}, err
	}
	report, err := child.report()
	if err == nil {
		run.await(ctx)
	}
	if err := errors.Join(err, child.end()); err != nil {
		return ScaleResult{}, err
	}
	result := ScaleResult{
		Kind: "scale", Webhooks: c.Webhooks, Tenants: c.Tenants,
		OpenMS: milliseconds(report.Open), StartMS: milliseconds(child.started),
		RSS: megabytes(report.RSS), OpenRSS: megabytes(report.OpenRSS), PeakRSS: megabytes(report.PeakRSS),
		FirstMS: milliseconds(median(report.Times)), Mismatches: run.mismatches(report.Matched),
	}
	for _, n := range report.Matched {
		result.Matched += n
	}
	return result, nil
}

// await waits until every request that is owed has come, for a while.
func (run *scaleRun) await(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	owed := 0
	for _, ids := range run.expected {
		if len(ids) > 0 {
			owed++
		}
	}
	for ctx.Err() == nil {
		run.mu.Lock()
		complete := len(run.got) >= owed
		run.mu.Unlock()
		if complete {
			return
		}
		wait(ctx, 5*time.Millisecond)
	}
}

func (run *scaleRun) mismatches(matched []int) int {
	run.mu.Lock()
	defer run.mu.Unlock()
	n := run.odd
	for tenant, ids := range run.expected {
		if matched[tenant] != len(ids) || !slices.Equal(run.got[int64(tenant)], ids) {
			n++
		}
	}
	return n
}
