package registry

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// salvage reads the webhooks of a tenant one by one into a stock that has none, as some of them cannot be read. The caller holds the
// tenant's lock of reading.
func (r *Registry) salvage(s *stock, texts interner) error {
	var rows []store.Subscriber
	if err := r.store.Subscribers(s.tenant.id, func(row *store.Subscriber) {
		one := *row
		one.Filter = nil // which is good during the call
		rows = append(rows, one)
	}); err != nil {
		return err
	}
	for i := range rows {
		w, err := r.store.Webhook(s.tenant.id, rows[i].ID)
		switch {
		case errors.Is(err, store.ErrUnreadable):
			r.lose(s, &rows[i])
		case err != nil:
			return err
		case w != nil:
			texts.share(w)
			s.put(w)
		}
	}
	return nil
}

// lose takes in a webhook that cannot be read. What is known of it is what its subscriber and its endpoint say: enough to delete it,
// and to match events as before where the store keeps its condition, as nothing else of it is needed for that.
func (r *Registry) lose(s *stock, row *store.Subscriber) {
	w := &webhook.Webhook{ID: row.ID, Owner: webhook.Owner{Tenant: s.tenant.id}, Endpoint: row.Endpoint}
	if e, ok := r.Endpoint(row.Endpoint); ok {
		w.Owner, w.Flavor, w.URL = e.Owner, e.Flavor, e.URL
	}
	if row.Expires != 0 {
		w.Expires = time.Unix(0, row.Expires)
	}
	if s.lost == nil {
		s.lost = map[int64]*webhook.Webhook{}
	}
	s.lost[w.ID] = w
	s.size += sizeOf(w)
	s.subscribe(w.ID, subscriber{row.Endpoint, row.Expires, row.Disabled})
}

// allLost returns the webhooks of a stock that cannot be read, in no order.
func (s *stock) allLost() []*webhook.Webhook {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	return slices.Collect(maps.Values(s.lost))
}

// lostOf returns the webhooks of an owner under one flavour that cannot be read, in order of their numbers. What they say is what their
// endpoint does.
func (s *stock) lostOf(owner webhook.Owner, flavor string) (list []*webhook.Webhook) {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	for _, w := range s.lost {
		if w.Owner == owner && w.Flavor == flavor {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, byNumber)
	return list
}

// recounted returns the groups of an endpoint as they are with a change, made of its webhooks anew: those of a webhook that cannot be read
// cannot be told from the others. The caller holds the tenant's mutex.
func (s *stock) recounted(endpoint uint64, c *store.Changes) (g store.Groups) {
	left := maps.Clone(s.webhooks)
	maps.Copy(left, s.lost)
	for _, w := range c.PutWebhooks {
		left[w.ID] = w
	}
	for _, w := range c.DeleteWebhooks {
		delete(left, w.ID)
	}
	for _, w := range left {
		if w.Endpoint == endpoint {
			g = g.Add(w, 1)
		}
	}
	return g
}

// DeleteAny removes a webhook of a tenant, whoever's it is, also one that cannot be read, and returns the number of its endpoint. Errors:
// [ErrUnknownWebhook], [*InUseError], or one of the store; then nothing was removed.
func (r *Registry) DeleteAny(ctx context.Context, tenantID string, id int64) (endpoint uint64, err error) {
	s, done, err := r.changing(tenantID)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return 0, ErrUnknownWebhook
	}
	if err != nil {
		return 0, err
	}
	defer done()
	w := cmp.Or(s.webhooks[id], s.lost[id]) // nobody writes there but changes
	if w == nil {
		// One without a subscriber was unreadable when the layout of the store was upgraded.
		if _, err = r.store.Webhook(tenantID, id); !errors.Is(err, store.ErrUnreadable) {
			return 0, cmp.Or(err, ErrUnknownWebhook)
		}
		w = &webhook.Webhook{ID: id, Owner: webhook.Owner{Tenant: tenantID}}
	}
	return w.Endpoint, r.remove(ctx, s, []*webhook.Webhook{w})
}
