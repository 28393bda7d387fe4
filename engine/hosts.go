package engine

import (
	"context"
	"time"

	"hookline/engine/dispatch"
	"hookline/engine/webhook"
	"hookline/queue"
)

// What the dispatcher says of hosts, for those who use an Engine and not the dispatcher.
type (
	Host         = dispatch.Host
	Breaker      = dispatch.Breaker
	BreakerState = dispatch.BreakerState
	RetryBudget  = dispatch.RetryBudget
	Rate         = dispatch.Rate
)

// The states of a host's breaker.
const (
	BreakerClosed   = dispatch.BreakerClosed
	BreakerOpen     = dispatch.BreakerOpen
	BreakerHalfOpen = dispatch.BreakerHalfOpen
)

// ResetHost closes the breaker of a host and ends the time for which it or endpoints of it asked to be left alone, so that what is
// queued for it is sent at once. It reports whether there was anything to end.
func (e *Engine) ResetHost(h Host) bool { return e.dispatch.Reset(h) }

// Pause keeps an endpoint of a tenant from being sent to, from now on and after a restart, until it is resumed: what is
// queued for it stays, and more is accepted. Attempts in flight go on. Where all webhooks that lead to it are gone nobody
// can resume it, and about an hour later what is queued is dropped. So is what is queued for an endpoint that is disabled, paused
// or not. The endpoint as it is then is returned; it is shared and
// must not be changed. Errors: registry.ErrUnknownEndpoint, or one of the store.
func (e *Engine) Pause(ctx context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error) {
	return e.pause(ctx, tenant, endpoint, true)
}

// Resume ends what Pause began. What was queued in between is due at once. Returns as Pause does.
func (e *Engine) Resume(ctx context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error) {
	fresh, err := e.pause(ctx, tenant, endpoint, false)
	if err == nil {
		e.Wake(endpoint)
	}
	return fresh, err
}

func (e *Engine) pause(ctx context.Context, tenant string, endpoint uint64, paused bool) (*webhook.Endpoint, error) {
	return e.registry.ChangeEndpoint(ctx, tenant, endpoint, func(ep *webhook.Endpoint) error {
		ep.Paused = paused
		return nil
	})
}

// Wake has what is queued for an endpoint sent, as far as it is due: the endpoint leads elsewhere now, or is held back
// no more.
func (e *Engine) Wake(endpoint uint64) { e.dispatch.Ready(queue.EndpointID(endpoint), time.Time{}) }
