package registry

import (
	"context"
	"slices"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Delete removes webhooks of an owner; numbers that are unknown or not the owner's are passed over. Deliveries
// that are queued already are still made. After an error nothing was removed: [*InUseError], or one of the store.
func (r *Registry) Delete(ctx context.Context, owner webhook.Owner, flavor string, ids []int64) error {
	r.change.Lock()
	defer r.change.Unlock()
	t := r.tenant(owner.Tenant)
	if t == nil {
		return nil
	}
	c := &store.Changes{DeleteWebhooks: t.pick(owner, flavor, ids)}
	if len(c.DeleteWebhooks) == 0 {
		return nil
	}
	if err := t.inUse(c.DeleteWebhooks); err != nil {
		return err
	}
	if err := r.store.Apply(ctx, c); err != nil {
		return err
	}
	r.forget(t, c)
	return nil
}

// pick returns those of the webhooks with the numbers that are the owner's, each once.
func (t *tenant) pick(owner webhook.Owner, flavor string, ids []int64) []*webhook.Webhook {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []*webhook.Webhook
	for _, id := range ids {
		w := t.webhooks[id]
		if w != nil && w.Owner == owner && w.Flavor == flavor && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}

// forget removes webhooks and endpoints that are gone from the store from memory and from the index.
func (r *Registry) forget(t *tenant, c *store.Changes) {
	gone := make([]matcher.ID, len(c.DeleteWebhooks))
	now := time.Now()
	r.mu.Lock()
	for i, w := range c.DeleteWebhooks {
		r.removeWebhook(t, w, now)
		gone[i] = matcher.ID(w.ID)
	}
	for _, id := range c.DeleteEndpoints {
		r.removeEndpoint(t, id)
	}
	r.mu.Unlock()
	t.index.update(nil, gone)
}

func (r *Registry) removeEndpoint(t *tenant, id uint64) {
	e := r.endpoints[id]
	if e == nil {
		return
	}
	delete(r.endpoints, id)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.endpoints, callbackOf(e.Endpoint))
}
