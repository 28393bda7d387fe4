package registry_test

import (
	"context"
	"fmt"
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
	webhooks  map[string]*webhook.Webhook
	last      map[string]int64
	ages      map[string]uint64
	lastEnd   uint64
	fail      error
	applied   int // changes
}

func newMemory() *memory {
	return &memory{
		tenants: map[string]*webhook.Tenant{}, apps: map[string]*webhook.App{}, endpoints: map[uint64]*webhook.Endpoint{},
		webhooks: map[string]*webhook.Webhook{}, last: map[string]int64{}, ages: map[string]uint64{},
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
	for _, w := range m.webhooks {
		rows.Webhook(w)
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

func webhookKey(w *webhook.Webhook) string { return fmt.Sprint(w.Owner.Tenant, "/", w.ID) }

func (m *memory) Apply(_ context.Context, c *store.Changes) error {
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
		m.webhooks[webhookKey(w)] = w
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
	}
	for _, w := range c.DeleteWebhooks {
		delete(m.webhooks, webhookKey(w))
	}
	return nil
}
