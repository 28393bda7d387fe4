package registry

import (
	"context"
	"maps"
	"slices"
	"strings"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
)

// Caller is who a credential belongs to.
type Caller struct {
	Owner webhook.Owner
	App   *webhook.App // shared; must not be changed
}

// Authenticate returns the app whose token this is in the tenant.
func (r *Registry) Authenticate(tenantID, token string) (Caller, bool) {
	t := r.tenant(tenantID)
	if t == nil {
		return Caller{}, false
	}
	hash := webhook.HashToken(token)
	t.mu.RLock()
	defer t.mu.RUnlock()
	c, ok := t.callers[hash]
	return c, ok
}

// Tenant returns a tenant. The value is shared and must not be changed.
func (r *Registry) Tenant(id string) (*webhook.Tenant, bool) {
	t := r.tenant(id)
	if t == nil {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.info, true
}

// Env returns what the filters of a tenant speak of.
func (r *Registry) Env(tenantID string) (jql.Env, bool) {
	t := r.tenant(tenantID)
	if t == nil {
		return jql.Env{}, false
	}
	_, env := t.site()
	return env, true
}

// site returns what is known of the tenant, and the same as its filters take it.
func (t *tenant) site() (*webhook.Tenant, jql.Env) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.info, t.env
}

// TenantOfHost returns the tenant that a host name (lower case, without port) addresses.
func (r *Registry) TenantOfHost(host string) (*webhook.Tenant, bool) {
	r.mu.RLock()
	t := r.hosts[host]
	r.mu.RUnlock()
	if t == nil {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.info, true
}

// Tenants returns all tenants in order of their ids. The values are shared and must not be changed.
func (r *Registry) Tenants() []*webhook.Tenant {
	all := r.allTenants()
	slices.SortFunc(all, func(a, b *tenant) int { return strings.Compare(a.id, b.id) })
	list := make([]*webhook.Tenant, len(all))
	for i, t := range all {
		list[i], _ = t.site()
	}
	return list
}

// allTenants returns the tenants in no order. What is done with a hundred thousand of them is to be done without the registry's mutex: whoever
// waits to write there has all events wait.
func (r *Registry) allTenants() []*tenant {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.AppendSeq(make([]*tenant, 0, len(r.tenants)), maps.Values(r.tenants))
}

// Apps returns the apps of a tenant in order of their keys. The values are shared and must not be changed.
func (r *Registry) Apps(tenantID string) []*webhook.App {
	t := r.tenant(tenantID)
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*webhook.App, 0, len(t.apps))
	for _, key := range slices.Sorted(maps.Keys(t.apps)) {
		list = append(list, t.apps[key])
	}
	return list
}

// App returns one app. The value is shared and must not be changed.
func (r *Registry) App(tenantID, key string) (*webhook.App, bool) {
	t := r.tenant(tenantID)
	if t == nil {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	a, ok := t.apps[key]
	return a, ok
}

// PutTenant adds a tenant, or replaces what is known of it; what is registered in it stays. Errors:
// *webhook.InvalidError, [*HostTakenError], or one of the store.
func (r *Registry) PutTenant(ctx context.Context, info webhook.Tenant) error {
	_, err := r.ChangeTenant(ctx, info.ID, func(t *webhook.Tenant) { *t = info })
	return err
}

// ChangeTenant changes what is known of a tenant, or adds it: change gets a copy of the present state, or a
// tenant with nothing but its id, and no other change comes in between. Slices of the copy are shared: change
// replaces them and does not write into them. The new state is returned; it is shared and must not be changed.
// Errors as PutTenant.
func (r *Registry) ChangeTenant(ctx context.Context, id string, change func(*webhook.Tenant)) (*webhook.Tenant, error) {
	return r.changeTenant(ctx, id, true, change)
}

// UpdateTenant is ChangeTenant for a tenant that is there: otherwise the error is webhook.ErrUnknownTenant.
func (r *Registry) UpdateTenant(ctx context.Context, id string, change func(*webhook.Tenant)) (*webhook.Tenant, error) {
	return r.changeTenant(ctx, id, false, change)
}

func (r *Registry) changeTenant(ctx context.Context, id string, add bool, change func(*webhook.Tenant)) (*webhook.Tenant, error) {
	r.change.Lock()
	defer r.change.Unlock()
	old, known := r.Tenant(id)
	if !known && !add {
		return nil, webhook.ErrUnknownTenant
	}
	info := webhook.Tenant{ID: id}
	c := &store.Changes{PutTenants: []*webhook.Tenant{&info}}
	if known {
		info = *old
	}
	change(&info)
	info.ID, info.PostFunctions = id, nil
	if known {
		info.PostFunctions = old.PostFunctions
	}
	if info.Generation = r.generations[id]; !known {
		info.Generation++
		c.Generations = map[string]uint64{id: info.Generation}
	}
	info.Hosts, info.Tokens = slices.Clone(info.Hosts), slices.Clone(info.Tokens)
	info.CustomFields, info.Priorities = slices.Clone(info.CustomFields), slices.Clone(info.Priorities)
	info.Projects = slices.Clone(info.Projects)
	if err := r.checkTenant(&info); err != nil {
		return nil, err
	}
	env, err := info.Env()
	if err != nil {
		return nil, err
	}
	if err := r.store.Apply(ctx, c); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.generations[id] = info.Generation
	t := r.putTenant(&info, env)
	r.mu.Unlock()
	if known && !old.Site.Equal(&info.Site) {
		r.dropIndex(t) // its filters were compiled for the other site
	}
	return &info, nil
}

func (r *Registry) checkTenant(info *webhook.Tenant) error {
	if err := info.Validate(); err != nil {
		return err
	}
	for _, h := range info.Hosts {
		if owner, ok := r.TenantOfHost(h); ok && owner.ID != info.ID {
			return &HostTakenError{Host: h, Tenant: owner.ID}
		}
	}
	return nil
}

// PutApp adds an app to a tenant, or replaces what is known of it; its webhooks stay. Errors:
// webhook.ErrUnknownTenant, *webhook.InvalidError, [*TokenTakenError], or one of the store.
func (r *Registry) PutApp(ctx context.Context, a webhook.App) error {
	_, err := r.ChangeApp(ctx, a.Tenant, a.Key, func(old *webhook.App) { *old = a })
	return err
}

// ChangeApp changes what is known of an app, or adds it: change gets a copy of the present state, or an app with
// nothing but its tenant and key, and no other change comes in between. Slices of the copy are shared:
// change replaces them and does not write into them. The new state is returned; it is shared and must not be
// changed. Errors as PutApp.
func (r *Registry) ChangeApp(ctx context.Context, tenantID, key string, change func(*webhook.App)) (*webhook.App, error) {
	return r.changeApp(ctx, tenantID, key, true, change)
}

// UpdateApp is ChangeApp for an app that is there: otherwise the error is webhook.ErrUnknownApp.
func (r *Registry) UpdateApp(ctx context.Context, tenantID, key string, change func(*webhook.App)) (*webhook.App, error) {
	return r.changeApp(ctx, tenantID, key, false, change)
}

func (r *Registry) changeApp(ctx context.Context, tenantID, key string, add bool, change func(*webhook.App)) (*webhook.App, error) {
	r.change.Lock()
	defer r.change.Unlock()
	t := r.tenant(tenantID)
	if t == nil {
		return nil, webhook.ErrUnknownTenant
	}
	a := webhook.App{Tenant: tenantID, Key: key}
	if old, ok := r.App(tenantID, key); ok {
		a = *old
	} else if !add {
		return nil, webhook.ErrUnknownApp
	}
	descriptor := a.Descriptor
	change(&a)
	a.Tenant, a.Key, a.Descriptor = tenantID, key, descriptor
	a.Tokens = slices.Clone(a.Tokens)
	if err := a.Validate(); err != nil {
		return nil, err
	}
	if err := t.tokensFree(&a); err != nil {
		return nil, err
	}
	if err := r.store.Apply(ctx, &store.Changes{PutApps: []*webhook.App{&a}}); err != nil {
		return nil, err
	}
	t.putApp(&a)
	return &a, nil
}

func (t *tenant) tokensFree(a *webhook.App) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, token := range a.Tokens {
		if c, ok := t.callers[token.Hash]; ok && c.Owner.App != a.Key {
			return &TokenTakenError{App: c.Owner.App}
		}
	}
	return nil
}

// DeleteApp removes an app with its webhooks and endpoints, and returns the numbers of these endpoints, whose
// backlog nobody waits for any more. Errors: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, or one of the store.
func (r *Registry) DeleteApp(ctx context.Context, tenantID, key string) ([]uint64, error) {
	s, done, err := r.changing(tenantID)
	if err != nil {
		return nil, err
	}
	defer done()
	a, ok := r.App(tenantID, key)
	if !ok {
		return nil, webhook.ErrUnknownApp
	}
	c := &store.Changes{DeleteApps: []*webhook.App{a}}
	s.collect(c, func(o webhook.Owner) bool { return o.App == key })
	if err := r.apply(ctx, s, c); err != nil {
		return nil, err
	}
	r.forget(s, c)
	t := s.tenant
	t.mu.Lock()
	t.removeCallers(key)
	delete(t.apps, key)
	t.mu.Unlock()
	return c.DeleteEndpoints, nil
}

// DeleteTenant removes a tenant with all that is registered in it, and returns the numbers of its endpoints,
// whose backlog nobody waits for any more. Errors: webhook.ErrUnknownTenant, or one of the store.
func (r *Registry) DeleteTenant(ctx context.Context, id string) ([]uint64, error) {
	s, done, err := r.changing(id)
	if err != nil {
		return nil, err
	}
	defer done()
	t, c := s.tenant, &store.Changes{DeleteTenants: []string{id}, DeleteApps: r.Apps(id)}
	s.collect(c, func(webhook.Owner) bool { return true })
	if err := r.apply(ctx, s, c); err != nil {
		return nil, err
	}
	r.budget.forget(t)
	r.budget.resident.Add(-perTenant - perEndpoint*int64(len(c.DeleteEndpoints)))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range c.DeleteEndpoints {
		r.putGroups(r.endpoints[e], nil)
		delete(r.endpoints, e)
	}
	for _, h := range t.info.Hosts {
		delete(r.hosts, h)
	}
	delete(r.tenants, id)
	return c.DeleteEndpoints, nil
}

// collect lists the webhooks and endpoints of certain owners for deletion.
func (s *stock) collect(c *store.Changes, of func(webhook.Owner) bool) {
	t := s.tenant
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, some := range []map[int64]*webhook.Webhook{s.webhooks, s.lost} {
		for _, w := range some {
			if of(w.Owner) {
				c.DeleteWebhooks = append(c.DeleteWebhooks, w)
			}
		}
	}
	for _, e := range t.endpoints {
		if of(e.Owner) {
			c.DeleteEndpoints = append(c.DeleteEndpoints, e.ID)
		}
	}
}
