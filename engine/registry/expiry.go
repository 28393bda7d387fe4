package registry

import (
	"context"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Refresh gives webhooks of an owner a whole life again from now on, and returns when they expire then. Expired ones
// come back to life in the order of ids, as long as the rules would let them be registered: one over the limit,
// or with another URL where the rules demand one, stays expired. Numbers that are unknown or not the owner's
// are passed over. Where the rules know no expiry the time is zero. Errors: webhook.ErrUnknownTenant,
// webhook.ErrUnknownApp, or one of the store; then nothing changed.
func (r *Registry) Refresh(ctx context.Context, rules *Rules, owner webhook.Owner, ids []int64) (time.Time, error) {
	r.change.Lock()
	defer r.change.Unlock()
	reg, err := r.begin(rules, owner)
	if err != nil || rules.Life == 0 {
		return time.Time{}, err
	}
	// Clients read the time in milliseconds; what is kept is what they are told.
	expires := reg.now.Add(rules.Life).Truncate(time.Millisecond)
	var c store.Changes
	for _, w := range reg.tenant.pick(owner, rules.Flavor, ids) {
		if w.Expired(reg.now) {
			if len(reg.barred(w.URL)) > 0 {
				continue
			}
			reg.live++
			reg.usedURL = w.URL
		}
		fresh := *w
		fresh.Expires = expires
		c.PutWebhooks = append(c.PutWebhooks, &fresh)
	}
	if len(c.PutWebhooks) == 0 {
		return expires, nil
	}
	if err := r.store.Apply(ctx, &c); err != nil {
		return time.Time{}, err
	}
	reg.tenant.replace(c.PutWebhooks)
	return expires, nil
}

// replace takes in webhooks that differ from their predecessors in Expires alone, and puts those back
// into the index that had left it.
func (t *tenant) replace(list []*webhook.Webhook) {
	t.mu.Lock()
	for _, w := range list {
		t.webhooks[w.ID] = w
	}
	env, byProject := t.env, t.info.FilterProjects
	t.mu.Unlock()
	t.index.update(entries(list, env, byProject), nil)
}

// Sweep takes expired webhooks out of the indexes, removes those that expired longer ago than keep, and
// removes endpoints that no webhook has led to for an hour and for which idle says that nothing is
// queued. The hour is for events that were matched just before the last webhook went. Of those endpoints a paused one
// has giveUp called first, to drop what is queued: nobody can resume it any more, and it would wait for ever. Neither
// function may change the registry. Sweep is to be called now and then; Match does not depend on it.
func (r *Registry) Sweep(ctx context.Context, now time.Time, keep func(flavor string) time.Duration, giveUp func(endpoint uint64), idle func(endpoint uint64) bool) error {
	for _, info := range r.Tenants() {
		if t := r.tenant(info.ID); t != nil {
			if err := r.sweepTenant(ctx, t, now, keep); err != nil {
				return err
			}
		}
	}
	return r.sweepEndpoints(ctx, now, giveUp, idle)
}

func (r *Registry) sweepTenant(ctx context.Context, t *tenant, now time.Time, keep func(string) time.Duration) error {
	r.change.Lock()
	defer r.change.Unlock()
	var c store.Changes
	var expired []matcher.ID
	t.mu.RLock()
	for _, w := range t.webhooks {
		if !w.Expired(now) {
			continue
		}
		expired = append(expired, matcher.ID(w.ID))
		if now.Sub(w.Expires) > keep(w.Flavor) {
			c.DeleteWebhooks = append(c.DeleteWebhooks, w)
		}
	}
	t.mu.RUnlock()
	if len(expired) > 0 {
		t.index.update(nil, expired)
	}
	if len(c.DeleteWebhooks) == 0 {
		return nil
	}
	if err := r.store.Apply(ctx, &c); err != nil {
		return err
	}
	r.forget(t, &c)
	return nil
}

const endpointGrace = time.Hour

// sweepEndpoints holds the lock of changes throughout, so that no webhook comes to lead to an endpoint that is given up.
func (r *Registry) sweepEndpoints(ctx context.Context, now time.Time, giveUp func(uint64), idle func(uint64) bool) error {
	r.change.Lock()
	defer r.change.Unlock()
	byTenant := map[string]*store.Changes{}
	for _, e := range r.unused(now) {
		if e.Paused {
			giveUp(e.ID)
		}
		if !idle(e.ID) {
			continue
		}
		c := byTenant[e.Owner.Tenant]
		if c == nil {
			c = &store.Changes{}
			byTenant[e.Owner.Tenant] = c
		}
		c.DeleteEndpoints = append(c.DeleteEndpoints, e.ID)
	}
	for id, c := range byTenant {
		if err := r.store.Apply(ctx, c); err != nil {
			return err
		}
		r.forget(r.tenant(id), c)
	}
	return nil
}

// unused returns the endpoints that no webhook has led to for long enough.
func (r *Registry) unused(now time.Time) []*webhook.Endpoint {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var list []*webhook.Endpoint
	for _, e := range r.endpoints {
		if e.users == 0 && now.Sub(e.idleSince) > endpointGrace {
			list = append(list, e.Endpoint)
		}
	}
	return list
}
