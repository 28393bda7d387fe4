package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// stops are the endpoints that are disabled.
type stops struct {
	any     atomic.Bool // any may be, so that fan-out need not ask for each where none ever was
	parking sync.Map    // uint64 -> uint64: disabled in an epoch, and what is queued for it rests until it is parked

	ctx context.Context // ends when the engine closes
	end context.CancelFunc

	mu      sync.Mutex
	running sync.WaitGroup
	closed  bool
}

func (s *stops) init() { s.ctx, s.end = context.WithCancel(context.Background()) }

// background runs f, unless the engine closes.
func (s *stops) background(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Go(f)
	}
}

func (s *stops) close() {
	s.end()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
}

// stopped says whether nothing is to be queued for an endpoint.
func (e *Engine) stopped(endpoint uint64) bool {
	return e.stops.any.Load() && e.disabled(endpoint)
}

func (e *Engine) disabled(endpoint uint64) bool {
	ep, ok := e.registry.Endpoint(endpoint)
	return ok && ep.Stopped != ""
}

// disabledSince says whether an endpoint is disabled in the same epoch as it was given here. One that was enabled meanwhile and
// disabled once more is parked for that.
func (e *Engine) disabledSince(seen *webhook.Endpoint) bool {
	ep, ok := e.registry.Endpoint(seen.ID)
	return ok && ep.Stopped != "" && ep.Epoch == seen.Epoch
}

// examineEndpoints looks for endpoints that were disabled or given an order before Open, or whose policy has gone from the
// options since. It returns those that are disabled: a crash may have come before what was queued for them was parked.
func (e *Engine) examineEndpoints() (stopped []*webhook.Endpoint) {
	for _, t := range e.registry.Tenants() {
		for _, ep := range e.registry.Endpoints(t.ID) {
			if ep.Stopped != "" {
				e.stops.any.Store(true)
				e.stops.parking.Store(ep.ID, ep.Epoch)
				stopped = append(stopped, ep)
			}
			if ep.Order != webhook.Unordered {
				e.orders.any.Store(true)
			}
			e.policyOf(ep)
		}
	}
	return stopped
}

// errSettled is about an endpoint that was disabled already, or is another one by now.
var errSettled = errors.New("nothing to disable")

// disable stops an endpoint for good, unless it was led elsewhere or enabled since it was as it is given here. What
// cannot be written down is tried again when the endpoint fails the next time.
func (e *Engine) disable(seen *webhook.Endpoint, why webhook.Stopped) {
	e.stops.any.Store(true)
	_, err := e.registry.ChangeEndpoint(context.Background(), seen.Owner.Tenant, seen.ID, func(ep *webhook.Endpoint) error {
		if ep.Stopped != "" || ep.Epoch != seen.Epoch {
			return errSettled
		}
		ep.Stopped = why
		e.stops.parking.Store(ep.ID, ep.Epoch) // before anyone knows that it is disabled
		return nil
	})
	log := e.options.Logger.With("tenant", seen.Owner.Tenant, "endpoint", seen.ID, "reason", string(why))
	switch {
	case err == nil:
		e.failing.forget(queue.EndpointID(seen.ID)) // or the first failure after its owner took it up again would disable it
		e.park(seen)
		e.metrics.disabled[why].Inc()
		log.Warn("an endpoint was disabled: what is queued for it is given up, and nothing more is queued", "app", seen.Owner.App)
	case !errors.Is(err, errSettled) && !errors.Is(err, registry.ErrUnknownEndpoint):
		log.Error("an endpoint could not be disabled", "err", err)
	}
}

// park gives up what is queued for disabled endpoints, at once however much it is. That is done in the background, as it waits
// for large fan-outs; what is queued rests until then, or some of it would be given up by itself, and no Unpark would bring it back.
// What is being queued or sent meanwhile, or is left after an error, the dispatcher gives up one by one.
func (e *Engine) park(endpoints ...*webhook.Endpoint) {
	e.stops.background(func() {
		if err := e.queue.Flush(e.stops.ctx); e.stops.ctx.Err() != nil {
			return // it is done after the next Open
		} else if err != nil {
			e.options.Logger.Warn("what is queued for disabled endpoints is given up before large fan-outs are", "err", err)
		}
		for _, seen := range endpoints {
			var err error
			if e.disabledSince(seen) { // or what was queued since it was enabled would be given up
				err = e.queue.Park(queue.EndpointID(seen.ID), queue.Disabled)
			}
			if err != nil && !errors.Is(err, queue.ErrClosed) {
				e.options.Logger.Warn("what is queued for a disabled endpoint is given up one by one", "endpoint", seen.ID, "err", err)
			}
			e.stops.parking.CompareAndDelete(seen.ID, seen.Epoch)
			e.Wake(seen.ID)
		}
	})
}

// Unpark queues again what was given up when an endpoint of a tenant was disabled, as it was: in the lane, with the due times
// and the attempts that it had, in its order, and before what was queued later. So it is sent as fast as the receiver takes it,
// which a replay bounds and marks as sent again. What the policy's time limit has run out for is given up for that. What was
// resent, discarded or has expired (Options.KeepDead) meanwhile is left out, and so is what was being attempted or queued in the
// moment when the endpoint was disabled: that was given up by itself, and a replay sends it.
//
// The endpoint is returned; it is shared and must not be changed. Errors: [ErrStopped] as long as the endpoint is disabled;
// registry.ErrUnknownEndpoint; registry.ErrClosed, or one of the store.
func (e *Engine) Unpark(_ context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error) {
	ep, ok := e.registry.Endpoint(endpoint)
	switch {
	case !ok || ep.Owner.Tenant != tenant:
		return nil, registry.ErrUnknownEndpoint
	case ep.Stopped != "":
		return nil, ErrStopped
	}
	return ep, closed(e.queue.Unpark(queue.EndpointID(endpoint)))
}

// Enable ends what disabled an endpoint of a tenant, a 410 or a failure that lasted too long, and forgets the failure. What was given
// up stays so until it is sent again by hand, or Unpark queues it again. So does what was not queued meanwhile. The endpoint as it is then is
// returned; it is shared and must not be changed. Errors: registry.ErrUnknownEndpoint, or one of the store.
func (e *Engine) Enable(ctx context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error) {
	fresh, err := e.registry.ChangeEndpoint(ctx, tenant, endpoint, func(ep *webhook.Endpoint) error {
		*ep = *ep.Renewed(ep.URL)
		return nil
	})
	if err == nil {
		e.failing.forget(queue.EndpointID(endpoint))
		e.Wake(endpoint)
	}
	return fresh, err
}
