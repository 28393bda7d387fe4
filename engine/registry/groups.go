package registry

import (
	"context"
	"slices"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// apply makes changes durable, with what comes of the groups of endpoints. That is visible when it returns, and so are endpoints that are
// new: whoever finds one before its webhooks finds nothing that he could not have found a moment ago. The stock may be nil where no
// webhook changes. The caller holds the lock of changes.
func (r *Registry) apply(ctx context.Context, s *stock, c *store.Changes) error {
	c.Groups = r.regrouped(s, c)
	if err := r.store.Apply(ctx, c); err != nil {
		return err
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range c.PutEndpoints {
		if s != nil && r.endpoints[e.ID] == nil {
			r.putEndpoint(s.tenant, e)
		}
	}
	for id, groups := range c.Groups {
		e := r.endpoints[id]
		if e == nil {
			continue
		}
		if r.putGroups(e, groups); len(groups) == 0 {
			e.idleSince = now
		}
	}
	return nil
}

// putGroups replaces the groups of an endpoint. The caller holds r.mu, or is alone.
func (r *Registry) putGroups(e *endpoint, g store.Groups) {
	r.budget.resident.Add(perGroup * int64(len(g)-len(e.groups)))
	e.groups = g
}

// regrouped returns the groups of endpoints whose webhooks change, as they are then.
func (r *Registry) regrouped(s *stock, c *store.Changes) map[uint64]store.Groups {
	if len(c.PutWebhooks) == 0 && len(c.DeleteWebhooks) == 0 {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	all := map[uint64]store.Groups{}
	count := func(w *webhook.Webhook, n int) {
		groups, ok := all[w.Endpoint]
		if e := r.endpoints[w.Endpoint]; e != nil && !ok {
			groups = slices.Clone(e.groups)
		}
		all[w.Endpoint] = groups.Add(w, n)
	}
	for _, w := range c.PutWebhooks {
		if old := s.webhooks[w.ID]; old != nil {
			count(old, -1)
		}
		count(w, 1)
	}
	for _, w := range c.DeleteWebhooks {
		if old := s.webhooks[w.ID]; old != nil {
			count(old, -1)
		}
	}
	for _, w := range c.DeleteWebhooks {
		if s.lost[w.ID] != nil {
			all[w.Endpoint] = s.recounted(w.Endpoint, c)
		}
	}
	for _, id := range c.DeleteEndpoints {
		delete(all, id)
	}
	return all
}
