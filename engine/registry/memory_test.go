package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// memory is a Store that keeps everything in maps, and can be told to fail.
type memory struct {
	mu        sync.Mutex
	tenants   map[string]*webhook.Tenant
	apps      map[string]*webhook.App
	endpoints map[uint64]*webhook.Endpoint
	webhooks  map[string][]byte // JSON, as the store keeps them, and so nobody else's
	groups    map[uint64]store.Groups
	filters   map[string][]byte
	last      map[string]int64
	ages      map[string]uint64
	lastEnd   uint64
	fail      error
	applied   int // changes

	before                func(*store.Changes) // called by Apply
	unreadable            error                // what reading webhooks returns
	corrupt               map[string]bool      // rows of webhooks that are
	unreadableSubscribers bool                 // they are corrupt, and the webhooks are not
	reads                 int                  // of the webhooks of a tenant, in whatever form
	wholes                int                  // of webhooks whole, one or all of a tenant
}

func newMemory() *memory {
	return &memory{
		tenants: map[string]*webhook.Tenant{}, apps: map[string]*webhook.App{}, endpoints: map[uint64]*webhook.Endpoint{},
		webhooks: map[string][]byte{}, groups: map[uint64]store.Groups{}, filters: map[string][]byte{},
		last: map[string]int64{}, ages: map[string]uint64{},
	}
}

func (m *memory) Load(rows store.Rows) error {
	for _, t := range m.tenants {
		rows.Tenant(t)
	}
	for _, a := range m.apps {
		rows.App(a)
	}
	for _, e := range m.endpoints {
		rows.Endpoint(e)
	}
	for id, g := range m.groups {
		rows.Groups(id, slices.Clone(g))
	}
	for t, n := range m.last {
		rows.LastWebhookID(t, n)
	}
	for t, n := range m.ages {
		rows.Generation(t, n)
	}
	rows.LastEndpointID(m.lastEnd)
	return nil
}

func webhookKey(w *webhook.Webhook) string { return rowKey(w.Owner.Tenant, w.ID) }

func rowKey(tenant string, id int64) string { return fmt.Sprintf("%s/%020d", tenant, id) }

func (m *memory) Webhooks(tenant string, read func(*webhook.Webhook)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	m.wholes++
	if m.unreadable != nil {
		return m.unreadable
	}
	for _, key := range slices.Sorted(maps.Keys(m.webhooks)) {
		if !strings.HasPrefix(key, tenant+"/") {
			continue
		}
		if m.corrupt[key] {
			return store.ErrUnreadable
		}
		read(m.row(key))
	}
	return nil
}

func (m *memory) Webhook(tenant string, id int64) (*webhook.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wholes++
	if m.unreadable != nil || m.webhooks[rowKey(tenant, id)] == nil {
		return nil, m.unreadable
	}
	if m.corrupt[rowKey(tenant, id)] {
		return nil, store.ErrUnreadable
	}
	return m.row(rowKey(tenant, id)), nil
}

func (m *memory) row(key string) *webhook.Webhook {
	w := new(webhook.Webhook)
	if err := json.Unmarshal(m.webhooks[key], w); err != nil {
		panic(err)
	}
	return w
}

func (m *memory) Subscribers(tenant string, read func(*store.Subscriber)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	for _, key := range slices.Sorted(maps.Keys(m.webhooks)) {
		if !strings.HasPrefix(key, tenant+"/") {
			continue
		}
		if m.unreadable != nil || m.unreadableSubscribers {
			return errors.Join(m.unreadable, errors.New("corrupt"))
		}
		row := store.SubscriberOf(m.row(key))
		row.Filter = m.filters[key]
		read(&row)
	}
	return nil
}

// loseFilters forgets some of the conditions.
func (m *memory) loseFilters(this func() bool) {
	for _, key := range slices.Sorted(maps.Keys(m.filters)) {
		if this() {
			delete(m.filters, key)
		}
	}
}

func (m *memory) Apply(_ context.Context, c *store.Changes) error {
	if m.before != nil {
		m.before(c)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied++
	if m.fail != nil {
		return m.fail
	}
	for _, t := range c.PutTenants {
		m.tenants[t.ID] = t
	}
	for _, a := range c.PutApps {
		m.apps[a.Tenant+"/"+a.Key] = a
	}
	for _, e := range c.PutEndpoints {
		m.endpoints[e.ID] = e
	}
	for _, w := range c.PutWebhooks {
		m.webhooks[webhookKey(w)] = must(json.Marshal(w))
	}
	for id, g := range c.Groups {
		if m.groups[id] = slices.Clone(g); len(g) == 0 {
			delete(m.groups, id)
		}
	}
	for _, f := range c.PutFilters {
		m.filters[rowKey(f.Tenant, f.Webhook)] = f.Value
	}
	for t, n := range c.LastWebhookID {
		m.last[t] = n
	}
	for t, n := range c.Generations {
		m.ages[t] = n
	}
	m.lastEnd = max(m.lastEnd, c.LastEndpointID)
	for _, t := range c.DeleteTenants {
		delete(m.tenants, t)
	}
	for _, a := range c.DeleteApps {
		delete(m.apps, a.Tenant+"/"+a.Key)
	}
	for _, e := range c.DeleteEndpoints {
		delete(m.endpoints, e)
		delete(m.groups, e)
	}
	for _, w := range c.DeleteWebhooks {
		delete(m.webhooks, webhookKey(w))
		delete(m.filters, webhookKey(w))
	}
	return nil
}
