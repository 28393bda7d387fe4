package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// failing knows the endpoints whose attempts have failed since the last that succeeded. It is moved by what happens, looks
// at nothing at intervals, and costs what succeeds a single load where nothing fails, and a look into a map where anything
// does. A sync.Map would allocate for each of those, as its keys are interfaces.
type failing struct {
	n    atomic.Int64 // how many there are
	mu   sync.RWMutex
	byID map[queue.EndpointID]*failure

	rows    *store.Store // where it is kept over a restart; nil where it is not
	writing sync.Mutex   // held while rows change, and taken before mu: nobody else waits for the disk
}

// failure is one endpoint's.
type failure struct {
	since    time.Time // end of the first failed attempt
	epoch    uint64    // of the endpoint
	attempts atomic.Int64
	warned   atomic.Int32 // the last stage that was reached, in percent
	kept     bool         // there is a row of the endpoint in the store, or may be
	wrote    int32        // warned as the row has it, -1 if it is out of date
}

// The stages on the way to being disabled at which operators are warned, in percent of the time.
var warnings = [...]int32{50, 70, 90}

func (f *failing) of(id queue.EndpointID) *failure {
	if f.n.Load() == 0 {
		return nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byID[id]
}

// begin returns the endpoint's failure, which begins now if there is none in its present epoch.
func (f *failing) begin(ep *webhook.Endpoint, now time.Time) *failure {
	id := queue.EndpointID(ep.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.byID[id]
	if one == nil || one.epoch != ep.Epoch {
		old := one
		if one = (&failure{since: now, epoch: ep.Epoch}); old != nil {
			one.kept, one.wrote = old.kept, -1 // a row of another epoch counts for nothing
		}
		if f.byID == nil {
			f.byID = map[queue.EndpointID]*failure{}
		}
		f.byID[id] = one
		f.n.Store(int64(len(f.byID)))
	}
	return one
}

// forget ends the failure of an endpoint. When it returns the row is gone.
func (f *failing) forget(id queue.EndpointID) {
	if f.of(id) == nil {
		return
	}
	f.mu.Lock()
	one := f.byID[id]
	delete(f.byID, id)
	f.n.Store(int64(len(f.byID)))
	kept := one != nil && one.kept
	f.mu.Unlock()
	if kept {
		f.drop(id)
	}
}

// prune lets go of endpoints that are gone.
func (f *failing) prune(r *registry.Registry) {
	var gone []queue.EndpointID
	f.mu.RLock()
	for id := range f.byID {
		if _, ok := r.Endpoint(uint64(id)); !ok {
			gone = append(gone, id)
		}
	}
	f.mu.RUnlock()
	for _, id := range gone {
		f.forget(id)
	}
}

// reached notes how much of the time has passed, and returns the stage if it is reached for the first time, else 0.
func (f *failure) reached(now time.Time, all time.Duration) int32 {
	passed := now.Sub(f.since)
	var stage int32
	for _, w := range warnings {
		if passed >= all*time.Duration(w)/100 {
			stage = w
		}
	}
	if passed >= all {
		return 100 // every time, until the endpoint is disabled
	}
	for last := f.warned.Load(); stage > last; last = f.warned.Load() {
		if f.warned.CompareAndSwap(last, stage) {
			return stage
		}
	}
	return 0
}

// judge keeps account of an endpoint by an attempt, warns of one that fails for long, and disables it in the end. An attempt that
// began in an earlier epoch says nothing of the present one.
func (e *Engine) judge(a *webhook.Attempt) {
	id := queue.EndpointID(a.Endpoint)
	switch a.Outcome {
	case webhook.Delivered:
		if f := e.failing.of(id); f != nil && f.epoch <= a.Epoch {
			e.failing.forget(id)
		}
		return
	case webhook.Unsendable: // which says nothing of the endpoint
		return
	}
	ep, ok := e.registry.Endpoint(a.Endpoint)
	if !ok || ep.Epoch != a.Epoch {
		return
	}
	now := a.Start.Add(a.Duration)
	f := e.failing.begin(ep, now)
	f.attempts.Add(1)
	if e.options.DisableAfter == 0 {
		return
	}
	switch stage := f.reached(now, e.options.DisableAfter); stage {
	case 0:
	case 100:
		e.disable(ep, webhook.StoppedFailing)
	default:
		e.metrics.warned[stage].Inc()
		e.options.Logger.Warn("nothing can be delivered to an endpoint: it will be disabled", "tenant", ep.Owner.Tenant, "endpoint", a.Endpoint,
			"percent", stage, "since", f.since, "attempts", f.attempts.Load(), "at", f.since.Add(e.options.DisableAfter))
	}
}

// Failing is what is known of an endpoint to which nothing could be delivered lately.
type Failing struct {
	Since    time.Time // end of the first attempt that failed, after the last that succeeded. What the process was down is not counted
	Attempts int       // that failed since

	// Warned is the last stage of which operators were warned, 50, 70 or 90 percent of the way to being disabled; 0 before
	// those. DisableAt is when a failed attempt disables the endpoint; zero where Options.DisableAfter is.
	Warned    int
	DisableAt time.Time
}

// Failing returns what is known of an endpoint to which nothing could be delivered lately, false for another one.
func (e *Engine) Failing(endpoint uint64) (Failing, bool) {
	f := e.failing.of(queue.EndpointID(endpoint))
	if f == nil {
		return Failing{}, false
	}
	view := Failing{Since: f.since, Attempts: int(f.attempts.Load()), Warned: int(f.warned.Load())}
	if e.options.DisableAfter > 0 {
		view.DisableAt = f.since.Add(e.options.DisableAfter)
	}
	return view, true
}
