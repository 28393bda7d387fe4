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
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

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

	// MemoryBudget is that of the measured engine (engine.Options.MemoryBudget), in bytes. Defaults to 0, no bound.
	MemoryBudget int64

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

	// BudgetMB is the memory budget of the engine in MB of 10^6 bytes, 0 for none.
	BudgetMB float64 `json:"budget_mb"`

	// RegisterS is how many seconds it took to register the webhooks, which is not measured with care; DiskMB what they take on the disk.
	RegisterS float64 `json:"register_s"`
	DiskMB    float64 `json:"disk_mb"`

	// OpenMS is the time of engine.Open on the directory, StartMS the time from the start of the process to
	// then, both in milliseconds.
	OpenMS  float64 `json:"open_ms"`
	StartMS float64 `json:"start_ms"`

	// RSS is the resident memory of the process, in MB of 10^6 bytes, after one event of each tenant was matched;
	// OpenRSS before them, and PeakRSS the most it ever was.
	RSS     float64 `json:"rss_mb"`
	OpenRSS float64 `json:"open_rss_mb"`
	PeakRSS float64 `json:"peak_rss_mb"`

	// Checked is the number of tenants, spread over all, whose event was published. Mismatches is the number of those whose event
	// was not matched as the plain evaluator of package jql says: another number of webhooks, other webhooks in the request, or no
	// request.
	Checked    int `json:"checked"`
	Mismatches int `json:"mismatches"`
	Matched    int `json:"matched"` // webhooks that the events of the checked tenants matched

	// Cold is the time to match the first event of a tenant, which reads its webhooks and builds its index, over a sample of tenants drawn at random. Again
	// is that for another sample at the end, which under a budget is mostly of tenants that were let go.
	// All are in milliseconds.
	Sample     int     `json:"sample"`
	ColdP50MS  float64 `json:"cold_p50_ms"`
	ColdP99MS  float64 `json:"cold_p99_ms"`
	ColdMaxMS  float64 `json:"cold_max_ms"`
	AgainP50MS float64 `json:"again_p50_ms"`
	AgainP99MS float64 `json:"again_p99_ms"`
	AgainMaxMS float64 `json:"again_max_ms"`

	// Loads is how often webhooks of a tenant were read in all, Evictions how often they were let go.
	Loads     uint64 `json:"loads"`
	Evictions uint64 `json:"evictions"`
}

// spread is how times are spread, in milliseconds. There is one at least.
func spread(times []time.Duration) (p50, p99, most float64) {
	slices.Sort(times)
	at := func(q int) float64 { return milliseconds(times[min(len(times)*q/100, len(times)-1)]) }
	return at(50), at(99), at(100)
}

// Tenants whose matches are checked, and those of a sample, are at most this many.
const (
	scaleChecked = 2000
	scaleSample  = 1000
)

// checkedTenant says whether the matches of a tenant are checked.
func checkedTenant(n, tenants int) bool { return n%max(1, tenants/scaleChecked) == 0 }

// scaleApp owns all webhooks of a tenant.
const scaleApp = "scale"

func scaleTenant(n int) string { return fmt.Sprintf("tenant-%06d", n) }

// scaleProjects is the number of projects that the filters of a tenant are about. Its event is about one.
const scaleProjects = 4

// scaleEngine opens the engine as both processes need it. The file system is nil for that of the operating system.
func scaleEngine(dir string, perTenant int, budget int64, on vfs.FS) (*engine.Engine, error) {
	f := jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ConnectLimit: perTenant, Policy: benchPolicy(10 * time.Second)})
	return engine.Open(engine.Options{
		Dir: dir, Flavors: []flavor.Flavor{f}, Egress: egress.Options{Allow: egress.Loopback()}, MemoryBudget: budget, FS: on,
	})
}

// fillBudget bounds the memory of the process that registers the webhooks.
const fillBudget = 3 << 30

// Scale registers webhooks over many tenants, and has a process of its own open the directory and match
// one event of each tenant. Those of the tenants that are checked it publishes, and what is delivered is compared with what the plain evaluator says.
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

	registered time.Duration
	disk       int64

	mu  sync.Mutex
	got map[int64][]int64 // by sequence number, which is the tenant's
	odd int               // requests that no tenant was owed, or that came twice
}

// register fills the directory. It waits for no disk: what is measured is read by another process, on a machine that did not lose power.
func (run *scaleRun) register(ctx context.Context) (err error) {
	c := &run.config
	start := time.Now()
	e, err := scaleEngine(run.dir, c.Webhooks/c.Tenants, fillBudget, unsynced{vfs.Default})
	if err != nil {
		return err
	}
	defer func() {
		stored, failed := e.Storage()
		run.registered, run.disk = time.Since(start), int64(stored.Size)
		err = errors.Join(err, failed, e.Close(context.WithoutCancel(ctx)))
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := int(next.Add(1) - 1); n < c.Tenants && ctx.Err() == nil; n = int(next.Add(1) - 1) {
				if err := run.registerTenant(ctx, e, n); err != nil {
					cancel(err)
					return
				}
				if done := int(done.Add(1)); done%max(500, c.Tenants/20) == 0 || done == c.Tenants {
					c.Progress("%d of %d webhooks registered", done*(c.Webhooks/c.Tenants), c.Webhooks)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (run *scaleRun) registerTenant(ctx context.Context, e *engine.Engine, n int) error {
	c := &run.config
	owner := webhook.Owner{Tenant: scaleTenant(n), App: scaleApp}
	if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
		return err
	}
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		return err
	}
	filters := run.workload.mixed(uint64(n), c.Webhooks/c.Tenants)
	if err := register(ctx, e, owner, run.receiver.URL(hookPath), filters); err != nil {
		return err
	}
	if !checkedTenant(n, c.Tenants) {
		return nil
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
		Dir: run.dir, Tenants: c.Tenants, PerTenant: c.Webhooks / c.Tenants, Seed: c.Seed, Budget: c.MemoryBudget,
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
		BudgetMB: megabytes(c.MemoryBudget), RegisterS: round(run.registered.Seconds()), DiskMB: megabytes(run.disk),
		OpenMS: milliseconds(report.Open), StartMS: milliseconds(child.started),
		RSS: megabytes(report.RSS), OpenRSS: megabytes(report.OpenRSS), PeakRSS: megabytes(report.PeakRSS),
		Sample: len(report.Cold), Loads: report.Loads, Evictions: report.Evictions,
		Checked: len(report.Matched), Mismatches: run.mismatches(report.Matched),
	}
	result.ColdP50MS, result.ColdP99MS, result.ColdMaxMS = spread(report.Cold)
	result.AgainP50MS, result.AgainP99MS, result.AgainMaxMS = spread(report.Again)
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

func (run *scaleRun) mismatches(matched map[int]int) int {
	run.mu.Lock()
	defer run.mu.Unlock()
	n := run.odd
	for tenant, ids := range run.expected {
		if !checkedTenant(tenant, len(run.expected)) {
			continue
		}
		if got, published := matched[tenant]; !published || got != len(ids) || !slices.Equal(run.got[int64(tenant)], ids) {
			n++
		}
	}
	return n
}
