package registry

import (
	"context"
	"errors"
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
	s, done, err := r.changing(owner.Tenant)
	if err != nil {
		return time.Time{}, err
	}
	defer done()
	reg, err := r.begin(s, rules, owner)
	if err != nil || rules.Life == 0 {
		return time.Time{}, err
	}
	// Clients read the time in milliseconds; what is kept is what they are told.
	expires := reg.now.Add(rules.Life).Truncate(time.Millisecond)
	var c store.Changes
	for _, w := range s.pick(owner, rules.Flavor, ids) {
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
	if err := r.apply(ctx, s, &c); err != nil {
		return time.Time{}, err
	}
	s.replace(c.PutWebhooks)
	return expires, nil
}

// replace takes in webhooks that differ from their predecessors in Expires alone, and puts those back
// into the index that had left it.
func (s *stock) replace(list []*webhook.Webhook) {
	s.tenant.mu.Lock()
	for _, w := range list {
		s.put(w)
	}
	from := s.tenant.compiling()
	s.tenant.mu.Unlock()
	if s.index.Load() != nil {
		s.update(from.entries(list), nil)
	}
}

// Sweep takes expired webhooks out of the indexes, removes those that expired longer ago than keep, and
// removes endpoints that no webhook has led to for an hour and for which idle says that nothing is
// queued. The hour is for events that were matched just before the last webhook went. Of those endpoints a paused one
// has giveUp called first, to drop what is queued: nobody can resume it any more, and it would wait for ever. Neither
// function may change the registry. Sweep is to be called now and then; Match does not depend on it.
//
// It reads the webhooks of those tenants alone in which some are to be removed. What fails in one tenant is done by the next call.
func (r *Registry) Sweep(ctx context.Context, now time.Time, keep func(flavor string) time.Duration, giveUp func(endpoint uint64), idle func(endpoint uint64) bool) error {
	var failed error
	for _, info := range r.Tenants() {
		if t := r.tenant(info.ID); t != nil {
			failed = errors.Join(failed, r.sweepTenant(ctx, t, now, keep))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errors.Join(failed, r.sweepEndpoints(ctx, now, giveUp, idle))
}

func (r *Registry) sweepTenant(ctx context.Context, t *tenant, now time.Time, keep func(string) time.Duration) error {
	due := r.anyGroup(t, func(e *endpoint, g *store.Group) bool {
		return g.Expired(now) && now.UnixNano()-g.Expires > int64(keep(e.Flavor))
	})
	if s := t.stock.Load(); s != nil {
		r.budget.charge(s) // events and rebuilds change what an index takes
	}
	x := t.indexed()
	if x != nil && x.compiled.Load() {
		_ = r.keepConditions(ctx, t, x) // what is not kept is compiled once more
	}
	if !due && !(x != nil && r.anyGroup(t, func(_ *endpoint, g *store.Group) bool { return g.Expired(now) })) {
		return nil
	}
	t, done, err := r.lock(t.id)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	if s := t.stock.Load(); s != nil {
		s.update(nil, s.expired(now))
	}
	if !due {
		return nil
	}
	return r.removeExpired(ctx, t, now, keep)
}

// expired returns the numbers of the webhooks that have expired.
func (s *stock) expired(now time.Time) (ids []matcher.ID) {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	for id, sub := range s.subscribers {
		if sub.expired(now) {
			ids = append(ids, matcher.ID(id))
		}
	}
	return ids
}

// removeExpired removes the webhooks of a tenant that expired longer ago than keep. The caller holds the lock of changes and that of reading.
func (r *Registry) removeExpired(ctx context.Context, t *tenant, now time.Time, keep func(string) time.Duration) error {
	s, err := r.read(t, forListing)
	if err != nil {
		return err
	}
	var c store.Changes
	for _, w := range append(s.all(), s.allLost()...) {
		if w.Expired(now) && now.Sub(w.Expires) > keep(w.Flavor) {
			c.DeleteWebhooks = append(c.DeleteWebhooks, w)
		}
	}
	if len(c.DeleteWebhooks) == 0 {
		return nil
	}
	if err := r.apply(ctx, s, &c); err != nil {
		return err
	}
	r.forget(s, &c)
	r.budget.charge(s)
	return nil
}

// anyGroup says whether some group of webhooks of a tenant is one that is looked for.
func (r *Registry) anyGroup(t *tenant, is func(*endpoint, *store.Group) bool) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, e := range t.endpoints {
		for i := range e.groups {
			if is(e, &e.groups[i]) {
				return true
			}
		}
	}
	return false
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
		if err := r.apply(ctx, nil, c); err != nil {
			return err
		}
		r.removeEndpoints(r.tenant(id), c.DeleteEndpoints)
	}
	return nil
}

// unused returns the endpoints that no webhook has led to for long enough.
func (r *Registry) unused(now time.Time) []*webhook.Endpoint {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var list []*webhook.Endpoint
	for _, e := range r.endpoints {
		if len(e.groups) == 0 && now.Sub(e.idleSince) > endpointGrace {
			list = append(list, e.Endpoint)
		}
	}
	return list
}
