package registry

import (
	"cmp"
	"slices"

	"hookline/engine/webhook"
)

// Only returns the webhook that an endpoint is for, as it is now; nil where webhooks share the endpoint, and where
// the webhook is gone. It is shared and must not be changed. The error says why it cannot be read.
func (r *Registry) Only(e *webhook.Endpoint) (*webhook.Webhook, error) {
	t := r.tenant(e.Owner.Tenant)
	if e.Webhook == 0 || t == nil {
		return nil, nil
	}
	return r.one(t, e.Webhook)
}

// AppOf returns the app of an owner, nil where it is the tenant itself or the app is gone. It is shared and must not
// be changed.
func (r *Registry) AppOf(o webhook.Owner) *webhook.App {
	a, ok := r.App(o.Tenant, o.App)
	if !ok {
		return nil
	}
	return a
}

// EndpointsOf returns the endpoints of an owner under one flavour, in order of their numbers.
func (r *Registry) EndpointsOf(o webhook.Owner, flavor string) []*webhook.Endpoint {
	t := r.tenant(o.Tenant)
	if t == nil {
		return nil
	}
	return t.endpointsWhere(func(e *webhook.Endpoint) bool { return e.Owner == o && e.Flavor == flavor })
}

// Endpoints returns all endpoints of a tenant, in order of their numbers. They are shared and must not be changed.
func (r *Registry) Endpoints(tenantID string) []*webhook.Endpoint {
	t := r.tenant(tenantID)
	if t == nil {
		return nil
	}
	return t.endpointsWhere(func(*webhook.Endpoint) bool { return true })
}

func (t *tenant) endpointsWhere(wanted func(*webhook.Endpoint) bool) []*webhook.Endpoint {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []*webhook.Endpoint
	for _, e := range t.endpoints {
		if wanted(e.Endpoint) {
			list = append(list, e.Endpoint)
		}
	}
	slices.SortFunc(list, func(a, b *webhook.Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
