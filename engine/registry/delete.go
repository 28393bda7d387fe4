package registry

import (
	"context"
	"errors"
	"slices"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Delete removes webhooks of an owner; numbers that are unknown or not the owner's are passed over. Deliveries
// that are queued already are still made. After an error nothing was removed: [*InUseError], or one of the store.
func (r *Registry) Delete(ctx context.Context, owner webhook.Owner, flavor string, ids []int64) error {
	s, done, err := r.changing(owner.Tenant)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	return r.remove(ctx, s, slices.Concat(s.pick(owner, flavor, ids), s.pickFrom(s.lost, owner, flavor, ids)))
}

// remove removes webhooks of a tenant, unless one is in use.
func (r *Registry) remove(ctx context.Context, s *stock, list []*webhook.Webhook) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.tenant.inUse(list); err != nil {
		return err
	}
	c := &store.Changes{DeleteWebhooks: list}
	if err := r.apply(ctx, s, c); err != nil {
		return err
	}
	r.forget(s, c)
	return nil
}

// pick returns those of the webhooks with the numbers that are the owner's, each once.
func (s *stock) pick(owner webhook.Owner, flavor string, ids []int64) []*webhook.Webhook {
	return s.pickFrom(s.webhooks, owner, flavor, ids)
}

func (s *stock) pickFrom(all map[int64]*webhook.Webhook, owner webhook.Owner, flavor string, ids []int64) []*webhook.Webhook {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	var list []*webhook.Webhook
	for _, id := range ids {
		w := all[id]
		if w != nil && w.Owner == owner && w.Flavor == flavor && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}

// forget removes webhooks and endpoints that are gone from the store from memory and from the index.
func (r *Registry) forget(s *stock, c *store.Changes) {
	gone := make([]matcher.ID, len(c.DeleteWebhooks))
	s.tenant.mu.Lock()
	for i, w := range c.DeleteWebhooks {
		s.remove(w)
		gone[i] = matcher.ID(w.ID)
	}
	s.tenant.mu.Unlock()
	r.removeEndpoints(s.tenant, c.DeleteEndpoints)
	s.update(nil, gone)
}

func (r *Registry) removeEndpoints(t *tenant, ids []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.removeEndpoint(t, id)
	}
}

func (r *Registry) removeEndpoint(t *tenant, id uint64) {
	e := r.endpoints[id]
	if e == nil {
		return
	}
	delete(r.endpoints, id)
	r.putGroups(e, nil)
	r.budget.resident.Add(-perEndpoint)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.endpoints, callbackOf(e.Endpoint))
}
