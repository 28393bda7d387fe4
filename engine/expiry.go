package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// successes remembers when deliveries to endpoints last succeeded, for as long as the process runs.
type successes struct{ byID sync.Map } // queue.EndpointID -> *atomic.Int64, milliseconds since 1970

func (s *successes) note(id queue.EndpointID, now time.Time) {
	last, ok := s.byID.Load(id)
	if !ok {
		last, _ = s.byID.LoadOrStore(id, new(atomic.Int64))
	}
	// To the second is enough, and spares most deliveries to a busy endpoint a write to shared memory.
	if at := last.(*atomic.Int64); at.Load()+1000 <= now.UnixMilli() {
		at.Store(now.UnixMilli())
	}
}

// of returns when a delivery last succeeded, and the zero time where none did.
func (s *successes) of(endpoint uint64) time.Time {
	last, ok := s.byID.Load(queue.EndpointID(endpoint))
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(last.(*atomic.Int64).Load())
}

// prune lets go of endpoints that are gone.
func (s *successes) prune(r *registry.Registry) {
	s.byID.Range(func(id, _ any) bool {
		if _, ok := r.Endpoint(uint64(id.(queue.EndpointID))); !ok {
			s.byID.Delete(id)
		}
		return true
	})
}

// extend gives a new life to the webhooks that are extended by themselves; see registry.Registry.Extend.
func (e *Engine) extend(ctx context.Context, now time.Time) error {
	n, err := e.registry.Extend(ctx, now, e.rules, e.successes.of)
	if n > 0 {
		e.metrics.extended.Add(float64(n))
		e.options.Logger.Info("webhooks were extended, as deliveries to them succeed", "webhooks", n)
	}
	return err
}

func (e *Engine) rules(flavor string) *registry.Rules { return e.flavors[flavor].Rules() }

// AutoExtends says whether a webhook is given a new life while deliveries to it succeed.
func (e *Engine) AutoExtends(w *webhook.Webhook) bool { return e.rules(w.Flavor).Extends(w) }

// expiresHeader tells a receiver when the first of the webhooks that a request is for will have expired.
const expiresHeader = "X-Hookline-Webhook-Expires"

// lead is how long before a webhook expires there are warnings, 0 for none. It is no more than half of a life, so that a
// short life is not one long warning.
func (e *Engine) lead(flavor string) time.Duration {
	rules := e.rules(flavor)
	return min(rules.Warning, rules.Life/2)
}

// expiring says when the first of the webhooks that a delivery is for expires, if that is within the lead.
// Where that cannot be read it does not say so: it is no reason not to deliver.
func (e *Engine) expiring(ep *webhook.Endpoint, ids []int64, lead time.Duration) (time.Time, bool) {
	if lead <= 0 {
		return time.Time{}, false
	}
	first, err := e.registry.FirstExpiry(ep.Owner.Tenant, ids)
	return first, err == nil && !first.IsZero() && time.Until(first) <= lead
}

// maxWarnings bounds the lines that one sweep writes about webhooks that are going to expire.
const maxWarnings = 100

// warn logs the webhooks that came within the lead of their expiry after one time and up to another. The first sweep of a
// process has no time before it, so that it repeats what is still true.
func (e *Engine) warn(after, now time.Time) {
	list, more, err := e.registry.NewlyExpiring(after, now, e.lead, maxWarnings)
	if err != nil {
		e.options.Logger.Error("some of the webhooks that are going to expire cannot be read", "err", err)
	}
	for _, w := range list {
		e.options.Logger.Warn("a webhook is going to expire; it stops to match unless it is refreshed",
			"tenant", w.Owner.Tenant, "app", w.Owner.App, "user", w.Owner.User, "webhook", w.ID, "expires", w.Expires)
	}
	if more > 0 {
		e.options.Logger.Warn("more webhooks are going to expire; see hookline_webhooks_expiring", "webhooks", more)
	}
}
