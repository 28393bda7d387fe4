package registry

import (
	"fmt"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// rows takes the registrations that a store loads. A row whose tenant is gone cannot come about, as
// tenants are removed together with what they own; it would be skipped.
type rows struct {
	r   *Registry
	err error // the first tenant whose settings are not understood
}

func (l *rows) Tenant(info *webhook.Tenant) {
	env, err := info.Env()
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("tenant %s: %w", info.ID, err)
	}
	l.r.putTenant(info, env)
}

func (l *rows) App(a *webhook.App) {
	if t := l.r.tenants[a.Tenant]; t != nil {
		t.putApp(a)
	}
}

func (l *rows) Endpoint(e *webhook.Endpoint) {
	if t := l.r.tenants[e.Owner.Tenant]; t != nil {
		l.r.putEndpoint(t, e)
	}
}

func (l *rows) Groups(endpoint uint64, g store.Groups) {
	if e := l.r.endpoints[endpoint]; e != nil {
		l.r.putGroups(e, g)
	}
}

func (l *rows) LastWebhookID(id string, last int64) { l.r.lastWebhook[id] = last }

func (l *rows) Generation(id string, n uint64) { l.r.generations[id] = n }

func (l *rows) LastEndpointID(last uint64) { l.r.lastEndpoint = max(l.r.lastEndpoint, last) }
