package registry

import (
	"context"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Change replaces a webhook of an owner by one with the same number: change gets what of it may be changed, and no
// other change comes in between. What the Item refers to is shared: change replaces it and does not write into
// it. A webhook that shares its endpoint keeps its URL; that of another may change, and what is queued for it goes
// to the new one. An endpoint that was disabled is not any more. The webhook as it is then is returned; it is shared and must not be changed.
//
// A result with errors means that nothing was changed, as does an error: [ErrUnknownWebhook], what change
// returned, or an error as of Register.
func (r *Registry) Change(ctx context.Context, rules *Rules, owner webhook.Owner, id int64, change func(url *string, item *Item) error) (*webhook.Webhook, Result, error) {
	s, done, err := r.changing(owner.Tenant)
	if err != nil {
		return nil, Result{}, err
	}
	defer done()
	reg, err := r.begin(s, rules, owner)
	if err != nil {
		return nil, Result{}, err
	}
	found := s.pick(owner, rules.Flavor, []int64{id})
	if len(found) == 0 {
		return nil, Result{}, ErrUnknownWebhook
	}
	old := found[0]
	url, item := old.URL, Item{
		Filter: old.Filter, Events: old.Events, FieldIDs: old.FieldIDs, PropertyKeys: old.PropertyKeys, Settings: old.Settings,
	}
	if err := change(&url, &item); err != nil {
		return nil, Result{}, err
	}
	if url != old.URL && !rules.Separate {
		return nil, Result{}, &webhook.InvalidError{Problem: "the URL cannot be changed; register another webhook"}
	}
	if url != old.URL { // one that is there stays, whatever is demanded of new ones
		if err := reg.aim(url); err != nil {
			return nil, Result{}, err
		}
	}
	info, env := reg.tenant.site()
	checked := r.check(rules, info, env, []Item{item}, old.Filter)
	if len(checked[0].problems) > 0 {
		return nil, Result{Errors: checked[0].problems}, nil
	}
	if err := reg.named(item.Settings, id); err != nil {
		return nil, Result{Errors: []error{err}}, nil
	}
	fresh := changed(old, url, &checked[0])
	c := &store.Changes{PutWebhooks: []*webhook.Webhook{fresh}}
	reg.file(fresh, checked[0].filter)
	c.PutFilters = reg.filters
	endpoint := r.moved(old, url)
	if endpoint != nil {
		c.PutEndpoints = []*webhook.Endpoint{endpoint}
	}
	if err := r.apply(ctx, s, c); err != nil {
		return nil, Result{}, err
	}
	r.exchange(s, fresh, endpoint)
	if len(reg.entries) > 0 {
		s.update(reg.entries, nil)
	} else {
		s.update(nil, []matcher.ID{matcher.ID(id)})
	}
	return fresh, Result{ID: id}, nil
}

// changed is the webhook that takes the place of old.
func changed(old *webhook.Webhook, url string, item *checkedItem) *webhook.Webhook {
	fresh := *old
	fresh.URL, fresh.Filter, fresh.Events = url, item.Filter, item.Events
	fresh.FieldIDs, fresh.PropertyKeys, fresh.Settings = item.FieldIDs, item.PropertyKeys, item.Settings
	return &fresh
}

// moved is the endpoint of a webhook at another URL, nil where it stays. One that is disabled is not any more: its owner has
// taken the webhook up again.
func (r *Registry) moved(w *webhook.Webhook, url string) *webhook.Endpoint {
	old, ok := r.Endpoint(w.Endpoint)
	if !ok || w.URL == url && old.Stopped == "" {
		return nil
	}
	return old.Renewed(url)
}

// exchange makes a change that is durable visible. The endpoint is nil where it stays.
func (r *Registry) exchange(s *stock, w *webhook.Webhook, endpoint *webhook.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	if endpoint != nil {
		r.endpoints[endpoint.ID].Endpoint = endpoint // which the tenant has, too
	}
	s.put(w)
}
