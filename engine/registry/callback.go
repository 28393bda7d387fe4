package registry

import (
	"context"
	"errors"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// ErrUnknownEndpoint is the error about a number that is no endpoint of the tenant.
var ErrUnknownEndpoint = errors.New("unknown endpoint")

// ChangeEndpoint replaces what is set for an endpoint: change gets a copy and sets Paused, Stopped, Epoch, Policy, Rate, Order
// and Signing; other fields stay whatever it does. No other change comes in between. The endpoint as it is then
// is returned; it is shared and must not be changed. An error means that nothing was changed: [ErrUnknownEndpoint], what
// change returned, or one of the store.
func (r *Registry) ChangeEndpoint(ctx context.Context, tenant string, id uint64, change func(*webhook.Endpoint) error) (*webhook.Endpoint, error) {
	r.change.Lock()
	defer r.change.Unlock()
	old, ok := r.Endpoint(id)
	t := r.tenant(tenant)
	if !ok || t == nil || old.Owner.Tenant != tenant {
		return nil, ErrUnknownEndpoint
	}
	wish := *old
	if err := change(&wish); err != nil {
		return nil, err
	}
	fresh := withWishes(old, &wish)
	if err := r.store.Apply(ctx, &store.Changes{PutEndpoints: []*webhook.Endpoint{fresh}}); err != nil {
		return nil, err
	}
	r.renewEndpoints(t, []*webhook.Endpoint{fresh})
	return fresh, nil
}

// withWishes is an endpoint with what of another may be set.
func withWishes(e, wish *webhook.Endpoint) *webhook.Endpoint {
	fresh := *e
	fresh.Paused, fresh.Stopped, fresh.Signing = wish.Paused, wish.Stopped, wish.Signing
	fresh.Policy, fresh.Rate, fresh.Order, fresh.Epoch = wish.Policy, wish.Rate, wish.Order, wish.Epoch
	return &fresh
}

// renewEndpoints replaces endpoints of a tenant by what they are now.
func (r *Registry) renewEndpoints(t *tenant, list []*webhook.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, fresh := range list {
		if e := r.endpoints[fresh.ID]; e != nil {
			e.Endpoint = fresh // which the tenant has, too
		}
	}
}
