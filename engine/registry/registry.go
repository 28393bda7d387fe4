package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
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
	Webhooks(tenant string, read func(*webhook.Webhook)) error
	Webhook(tenant string, id int64) (*webhook.Webhook, error)
	Subscribers(tenant string, read func(*store.Subscriber)) error
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

	budget budget

	mu           sync.RWMutex // guards the fields below; never held while waiting for the disk
	tenants      map[string]*tenant
	hosts        map[string]*tenant
	endpoints    map[uint64]*endpoint
	lastEndpoint uint64

	// By tenant id, removed tenants included: the last webhook number given out, and the generation of the last tenant.
	lastWebhook map[string]int64
	generations map[string]uint64
}

// tenant is a tenant with everything registered in it.
type tenant struct {
	id string

	mu        sync.RWMutex // guards the fields below, and the maps of the stock
	info      *webhook.Tenant
	env       jql.Env           // of info
	stamp     [sha256.Size]byte // of its site
	apps      map[string]*webhook.App
	callers   map[webhook.TokenHash]Caller
	endpoints map[callback]*endpoint

	reading sync.Mutex            // held while webhooks are read, and while they change
	stock   atomic.Pointer[stock] // nil where they are not in memory; set under the mutex of the budget
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

// endpoint is an endpoint with what is known of the webhooks that lead to it. groups and idleSince are guarded by
// the registry's mutex.
type endpoint struct {
	*webhook.Endpoint // never changed, but replaced, under the mutexes of the registry and the tenant
	groups            store.Groups
	idleSince         time.Time // when the last of the webhooks went
}

// Open reads all registrations but for the webhooks. An error is one of the store, or a *webhook.InvalidError where a tenant has
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
			id:        info.ID,
			apps:      map[string]*webhook.App{},
			callers:   map[webhook.TokenHash]Caller{},
			endpoints: map[callback]*endpoint{},
		}
		r.tenants[info.ID] = t
		r.budget.resident.Add(perTenant)
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
	t.info, t.env, t.stamp = info, env, stampOf(&info.Site, meaning)
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
	r.budget.resident.Add(perEndpoint)
	r.lastEndpoint = max(r.lastEndpoint, e.ID)
	t.endpoints[callbackOf(e)] = ep
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
// numbers. The values are shared and must not be changed. The error says why they cannot be read.
func (r *Registry) List(owner webhook.Owner, flavor string) ([]*webhook.Webhook, error) {
	t := r.tenant(owner.Tenant)
	if t == nil {
		return nil, nil
	}
	s, err := r.stock(t, forListing)
	if err != nil {
		return nil, err
	}
	return s.list(owner, flavor), nil
}

// Webhook returns one webhook of a tenant, whoever's it is. It is shared and must not be changed. Errors: [ErrUnknownWebhook], or why it
// cannot be read.
func (r *Registry) Webhook(tenantID string, id int64) (*webhook.Webhook, error) {
	t := r.tenant(tenantID)
	if t == nil {
		return nil, ErrUnknownWebhook
	}
	w, err := r.one(t, id)
	if w == nil && err == nil {
		return nil, ErrUnknownWebhook
	}
	return w, err
}

// All returns every webhook of a tenant, in order of their numbers. The values are shared and must not be
// changed. The error says why they cannot be read.
func (r *Registry) All(tenantID string) ([]*webhook.Webhook, error) {
	t := r.tenant(tenantID)
	if t == nil {
		return nil, nil
	}
	s, err := r.stock(t, forListing)
	if err != nil {
		return nil, err
	}
	return s.all(), nil
}

// Counts are sizes of the registry.
type Counts struct {
	Tenants, Apps, Webhooks, Endpoints int
	Expired                            int // webhooks that have stopped to match and are still listed
	Indexed                            int // tenants whose index is built
	Broken                             int // webhooks in these whose filter does not compile any more
}

// Counts returns the sizes at a time. It visits every endpoint.
func (r *Registry) Counts(now time.Time) Counts {
	var c Counts
	r.countGroups(&c, now)
	for _, t := range r.allTenants() {
		c.Tenants++
		t.mu.RLock()
		c.Apps += len(t.apps)
		t.mu.RUnlock()
		if x := t.indexed(); x != nil {
			c.Indexed++
			c.Broken += x.broken
		}
	}
	return c
}

func (r *Registry) countGroups(c *Counts, now time.Time) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c.Endpoints = len(r.endpoints)
	for _, e := range r.endpoints {
		for i := range e.groups {
			c.Webhooks += e.groups[i].Count
			if e.groups[i].Expired(now) {
				c.Expired += e.groups[i].Count
			}
		}
	}
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
