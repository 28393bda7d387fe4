package registry

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
)

// ErrUnknownWebhook is the error about a number that is no webhook of the owner.
var ErrUnknownWebhook = errors.New("unknown webhook")

// ErrClosed is the error of changes after the store was closed.
var ErrClosed = store.ErrClosed

// ErrReadOnly is the error of changes that add something while the disk has no room for it.
var ErrReadOnly = store.ErrReadOnly

// Store is where registrations are kept; *store.Store is one.
type Store interface {
	Load(store.Rows) error
	Apply(context.Context, *store.Changes) error
}

// Registry holds the registrations of one installation.
type Registry struct {
	store Store

	admit  func(address string) error // nil admits all
	limits Limits
	doubt  func() time.Duration // nil is none

	// change serialises changes: each validates, makes itself durable and then becomes visible, and the numbers
	// given out last are written in the order in which they were given.
	change sync.Mutex

	mu           sync.RWMutex // guards the fields below; never held while waiting for the disk
	tenants      map[string]*tenant
	hosts        map[string]*tenant
	endpoints    map[uint64]*endpoint
	lastEndpoint uint64

	// By tenant id, removed tenants included: the last webhook number given out, and the generation of the last tenant.
	lastWebhook map[string]int64
	generations map[string]uint64
}

// tenant is a tenant with everything registered in it. Its mutex guards all fields but index.
type tenant struct {
	mu        sync.RWMutex
	info      *webhook.Tenant
	env       jql.Env // of info
	apps      map[string]*webhook.App
	callers   map[webhook.TokenHash]Caller
	webhooks  map[int64]*webhook.Webhook
	owned     map[webhook.Owner][]int64 // numbers ascending
	endpoints map[callback]*endpoint

	index lazyIndex
}

// callback is what makes two webhooks share an endpoint.
type callback struct {
	owner       webhook.Owner
	flavor, url string // the URL is empty where the endpoint is for one webhook
	webhook     int64
}

func callbackOf(e *webhook.Endpoint) callback {
	if e.Webhook != 0 {
		return callback{owner: e.Owner, flavor: e.Flavor, webhook: e.Webhook}
	}
	return callback{owner: e.Owner, flavor: e.Flavor, url: e.URL}
}

// endpoint is an endpoint with the number of webhooks that lead to it. users and idleSince are guarded by
// the registry's mutex.
type endpoint struct {
	*webhook.Endpoint // never changed, but replaced, under the mutexes of the registry and the tenant
	users             int
	idleSince         time.Time // when users fell to 0
}

// Open reads all registrations. Filters are compiled when a tenant's first event comes in, so that the
// time to open does not depend on them. An error is one of the store, or a *webhook.InvalidError where a tenant has
// a setting that is unknown here, such as a time zone that this machine does not have.
func Open(s Store) (*Registry, error) {
	r := &Registry{
		store:     s,
		limits:    Limits{}.WithDefaults(),
		tenants:   map[string]*tenant{},
		hosts:     map[string]*tenant{},
		endpoints: map[uint64]*endpoint{},

		lastWebhook: map[string]int64{},
		generations: map[string]uint64{},
	}
	l := &rows{r: r}
	if err := errors.Join(s.Load(l), l.err); err != nil {
		return nil, err
	}
	return r, nil
}

// Guard sets what judges the address (host:port, as webhook.HostOf returns it) of callback URLs that are registered from
// then on. Its error says what to change, and becomes a *webhook.InvalidError. Guard is called before the registry is
// shared.
func (r *Registry) Guard(admit func(address string) error) { r.admit = admit }

// Doubt sets what tells how far the machine's clock is ahead of what is believed. Webhooks do not stop to match because of
// that. Doubt is called before the registry is shared.
func (r *Registry) Doubt(ahead func() time.Duration) { r.doubt = ahead }

// Believed returns a time of the machine's clock without what is doubted: that by which expiry is judged.
func (r *Registry) Believed(now time.Time) time.Time {
	if r.doubt == nil {
		return now
	}
	return now.Add(-r.doubt())
}

// putTenant adds a tenant or replaces what is known of it. The caller holds r.mu, or is alone.
func (r *Registry) putTenant(info *webhook.Tenant, env jql.Env) *tenant {
	t := r.tenants[info.ID]
	if t == nil {
		t = &tenant{
			apps:      map[string]*webhook.App{},
			callers:   map[webhook.TokenHash]Caller{},
			webhooks:  map[int64]*webhook.Webhook{},
			owned:     map[webhook.Owner][]int64{},
			endpoints: map[callback]*endpoint{},
		}
		r.tenants[info.ID] = t
	} else {
		for _, h := range t.info.Hosts {
			delete(r.hosts, h)
		}
	}
	for _, h := range info.Hosts {
		r.hosts[h] = t
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.info, t.env = info, env
	return t
}

func (t *tenant) putApp(a *webhook.App) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeCallers(a.Key)
	t.apps[a.Key] = a
	for _, token := range a.Tokens {
		t.callers[token.Hash] = Caller{App: a, Owner: webhook.Owner{Tenant: a.Tenant, App: a.Key, User: token.User}}
	}
}

func (t *tenant) removeCallers(key string) {
	if old := t.apps[key]; old != nil {
		for _, token := range old.Tokens {
			delete(t.callers, token.Hash)
		}
	}
}

func (r *Registry) putEndpoint(t *tenant, e *webhook.Endpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ep := r.endpoints[e.ID]; ep != nil {
		ep.Endpoint = e
		return
	}
	ep := &endpoint{Endpoint: e, idleSince: time.Now()}
	r.endpoints[e.ID] = ep
	r.lastEndpoint = max(r.lastEndpoint, e.ID)
	t.endpoints[callbackOf(e)] = ep
}

func (r *Registry) putWebhook(t *tenant, w *webhook.Webhook) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.attach(t, w)
}

// attach is putWebhook for holders of the tenant's mutex.
func (r *Registry) attach(t *tenant, w *webhook.Webhook) {
	if e := r.endpoints[w.Endpoint]; e != nil {
		e.users++
	}
	t.webhooks[w.ID] = w
	ids := t.owned[w.Owner]
	at, found := slices.BinarySearch(ids, w.ID)
	if !found {
		t.owned[w.Owner] = slices.Insert(ids, at, w.ID)
	}
}

func (r *Registry) removeWebhook(t *tenant, w *webhook.Webhook, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.detach(t, w, now)
}

// detach is removeWebhook for holders of the tenant's mutex.
func (r *Registry) detach(t *tenant, w *webhook.Webhook, now time.Time) {
	if e := r.endpoints[w.Endpoint]; e != nil {
		if e.users--; e.users == 0 {
			e.idleSince = now
		}
	}
	delete(t.webhooks, w.ID)
	ids := t.owned[w.Owner]
	if at, found := slices.BinarySearch(ids, w.ID); found {
		ids = slices.Delete(ids, at, at+1)
	}
	if len(ids) == 0 {
		delete(t.owned, w.Owner)
	} else {
		t.owned[w.Owner] = ids
	}
}

func (r *Registry) tenant(id string) *tenant {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tenants[id]
}

// Endpoint returns the endpoint of a number. The value is shared and must not be changed.
func (r *Registry) Endpoint(id uint64) (*webhook.Endpoint, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.endpoints[id]
	if e == nil {
		return nil, false
	}
	return e.Endpoint, true
}

// List returns the webhooks of an owner under one flavour, expired ones included, in order of their
// numbers. The values are shared and must not be changed.
func (r *Registry) List(owner webhook.Owner, flavor string) []*webhook.Webhook {
	t := r.tenant(owner.Tenant)
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.ownedBy(owner, flavor)
}

// ownedBy is List for holders of the tenant's mutex.
func (t *tenant) ownedBy(owner webhook.Owner, flavor string) []*webhook.Webhook {
	var list []*webhook.Webhook
	for _, id := range t.owned[owner] {
		if w := t.webhooks[id]; w.Flavor == flavor {
			list = append(list, w)
		}
	}
	return list
}

// Webhook returns one webhook of a tenant, whoever's it is. It is shared and must not be changed.
func (r *Registry) Webhook(tenantID string, id int64) (*webhook.Webhook, bool) {
	t := r.tenant(tenantID)
	if t == nil {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	w, ok := t.webhooks[id]
	return w, ok
}

// All returns every webhook of a tenant, in order of their numbers. The values are shared and must not be
// changed.
func (r *Registry) All(tenantID string) []*webhook.Webhook {
	t := r.tenant(tenantID)
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*webhook.Webhook, 0, len(t.webhooks))
	for _, w := range t.webhooks {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *webhook.Webhook) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Counts are sizes of the registry.
type Counts struct {
	Tenants, Apps, Webhooks, Endpoints int
	Expired                            int // webhooks that have stopped to match and are still listed
	Indexed                            int // tenants whose index is built
	Broken                             int // webhooks in these whose filter does not compile any more
}

// Counts returns the sizes at a time. It visits every webhook.
func (r *Registry) Counts(now time.Time) Counts {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := Counts{Tenants: len(r.tenants), Endpoints: len(r.endpoints)}
	for _, t := range r.tenants {
		t.mu.RLock()
		c.Apps += len(t.apps)
		c.Webhooks += len(t.webhooks)
		for _, w := range t.webhooks {
			if w.Expired(now) {
				c.Expired++
			}
		}
		t.mu.RUnlock()
		if x := t.index.index.Load(); x != nil {
			c.Indexed++
			c.Broken += x.broken
		}
	}
	return c
}

// Flavors returns the names of all flavours that have endpoints, and so may have deliveries waiting.
func (r *Registry) Flavors() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var names []string
	for _, e := range r.endpoints {
		if !slices.Contains(names, e.Flavor) {
			names = append(names, e.Flavor)
		}
	}
	slices.Sort(names)
	return names
}
