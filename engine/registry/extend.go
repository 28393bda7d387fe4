package registry

import (
	"context"
	"slices"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// Extends says whether a webhook is extended while deliveries to it succeed: what it says for itself, or else what the
// rules say. One that does not expire is not.
func (r *Rules) Extends(w *webhook.Webhook) bool {
	switch s := w.Settings; {
	case r.Life == 0:
		return false
	case s != nil && s.AutoExtend != nil:
		return *s.AutoExtend
	}
	return r.AutoExtend
}

// Extend gives a whole life again, from now on, to the webhooks that are extended by themselves, of whose life less than
// half is left, and to whose endpoint a delivery succeeded since that life began. It returns how many these are. Expired
// ones do not come back.
//
// delivered says when a delivery to an endpoint last succeeded as far as the caller knows, and the zero time where it
// knows of none. What it says is made durable where it decides and is not known yet, which is at most once in a life of a
// webhook: of successes that a process did not live to pass on, those are lost that came after the last call. Rules are
// asked for by flavour. Extend is to be called now and then, before [Registry.Sweep]. An error is one of the store;
// what was not done is done by the next call.
func (r *Registry) Extend(ctx context.Context, now time.Time, rules func(flavor string) *Rules, delivered func(endpoint uint64) time.Time) (int, error) {
	extended := 0
	for _, info := range r.Tenants() {
		t := r.tenant(info.ID)
		if t == nil {
			continue
		}
		due, noted := r.extensions(t, now, rules, delivered)
		for some := range slices.Chunk(due, extendedAtOnce) {
			n, err := r.extend(ctx, t, some, func(w *webhook.Webhook) time.Time { return now.Add(rules(w.Flavor).Life) })
			if extended += n; err != nil {
				return extended, err
			}
		}
		for some := range slices.Chunk(noted, extendedAtOnce) {
			if err := r.note(ctx, t, some); err != nil {
				return extended, err
			}
		}
	}
	return extended, nil
}

// extendedAtOnce bounds one write to the store, and how long other changes wait for it.
const extendedAtOnce = 1000

// success is a delivery to an endpoint that is to be kept in mind.
type success struct {
	endpoint uint64
	at       time.Time
}

// extensions lists the webhooks to extend, and the successes that let others be extended later.
func (r *Registry) extensions(t *tenant, now time.Time, rules func(string) *Rules, delivered func(uint64) time.Time) (due []*webhook.Webhook, noted []success) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	seen := map[uint64]bool{}
	for _, w := range t.webhooks {
		of, e := rules(w.Flavor), r.endpoints[w.Endpoint]
		if e == nil || w.Expires.IsZero() || w.Expired(now) || !of.Extends(w) {
			continue
		}
		began := w.Expires.Add(-of.Life).Truncate(time.Millisecond) // successes are told to the millisecond
		last := delivered(w.Endpoint)
		kept := !e.Delivered.Before(began)
		switch {
		case !kept && (last.IsZero() || last.Before(began)):
		case w.Expires.Sub(now) < of.Life/2:
			due = append(due, w)
		case !kept && !seen[w.Endpoint]:
			seen[w.Endpoint] = true
			noted = append(noted, success{w.Endpoint, last})
		}
	}
	return due, noted
}

// extend moves the expiry of webhooks that nobody changed in the meantime.
func (r *Registry) extend(ctx context.Context, t *tenant, list []*webhook.Webhook, expires func(*webhook.Webhook) time.Time) (int, error) {
	r.change.Lock()
	defer r.change.Unlock()
	var c store.Changes
	for _, w := range list {
		if now, ok := r.Webhook(w.Owner.Tenant, w.ID); !ok || now != w {
			continue
		}
		fresh := *w
		fresh.Expires = expires(w).Truncate(time.Millisecond) // as Refresh does
		c.PutWebhooks = append(c.PutWebhooks, &fresh)
	}
	if len(c.PutWebhooks) == 0 {
		return 0, nil
	}
	if err := r.store.Apply(ctx, &c); err != nil {
		return 0, err
	}
	t.replace(c.PutWebhooks)
	return len(c.PutWebhooks), nil
}

// note makes durable that deliveries succeeded.
func (r *Registry) note(ctx context.Context, t *tenant, list []success) error {
	r.change.Lock()
	defer r.change.Unlock()
	var c store.Changes
	for _, s := range list {
		if e, ok := r.Endpoint(s.endpoint); ok {
			fresh := *e
			fresh.Delivered = s.at
			c.PutEndpoints = append(c.PutEndpoints, &fresh)
		}
	}
	if len(c.PutEndpoints) == 0 {
		return nil
	}
	if err := r.store.Apply(ctx, &c); err != nil {
		return err
	}
	r.renewEndpoints(t, c.PutEndpoints)
	return nil
}

// Expiring returns the webhooks that have not expired and do so within the lead of their flavour; a lead of 0 is none. They
// are shared and must not be changed. It visits every webhook.
func (r *Registry) Expiring(now time.Time, lead func(flavor string) time.Duration) []*webhook.Webhook {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var list []*webhook.Webhook
	for _, t := range r.tenants {
		t.mu.RLock()
		for _, w := range t.webhooks {
			if !w.Expires.IsZero() && !w.Expired(now) && w.Expires.Sub(now) <= lead(w.Flavor) {
				list = append(list, w)
			}
		}
		t.mu.RUnlock()
	}
	return list
}

// FirstExpiry returns when the first of some webhooks of a tenant expires, and the zero time where none does. Numbers
// that are unknown are passed over.
func (r *Registry) FirstExpiry(tenantID string, ids []int64) time.Time {
	t := r.tenant(tenantID)
	if t == nil {
		return time.Time{}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	var first time.Time
	for _, id := range ids {
		w := t.webhooks[id]
		if w != nil && !w.Expires.IsZero() && (first.IsZero() || w.Expires.Before(first)) {
			first = w.Expires
		}
	}
	return first
}
