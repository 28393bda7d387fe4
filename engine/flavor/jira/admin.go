package jira

import (
	"github.com/valyala/fasthttp"

	"hookline/engine/event"
	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// AdminFlavor is the name of Jira's admin webhooks in the registry.
const AdminFlavor = "jira-admin"

// Admin is Jira's admin webhooks: registered by an administrator for the whole site, one by one and each with a
// name, filtered by the whole of JQL, without an expiry, and sent as one request per webhook and event. They belong to
// the tenant itself.
type Admin struct {
	options AdminOptions
	rules   *registry.Rules
}

// AdminOptions are settings of the admin flavour. The zero value is Jira's behaviour.
type AdminOptions struct {
	// Limit is how many webhooks a tenant may have. Jira publishes none.
	//
	// Defaults to 1000.
	Limit int

	// PlainHTTP allows callback URLs with http beside https.
	PlainHTTP bool

	// Policy is how deliveries are attempted. Defaults to [Seed].
	Policy *webhook.Policy
}

// NewAdmin returns the flavour.
func NewAdmin(o AdminOptions) *Admin {
	if o.Limit == 0 {
		o.Limit = 1000
	}
	if o.Policy == nil {
		o.Policy = Seed()
	}
	return &Admin{options: o, rules: &registry.Rules{
		Flavor:        AdminFlavor,
		Dialect:       full,
		Event:         isEvent,
		NoEvents:      true, // a webhook may be there for post-functions only
		PostFunctions: true,
		Limit:         func(*webhook.Tenant, *webhook.App) int { return o.Limit },
		Separate:      true,
		HubSecret:     true,
		PlainHTTP:     o.PlainHTTP,
	}}
}

func full(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }

func isEvent(name string) bool {
	_, ok := event.Lookup(name)
	return ok
}

// Rules implements flavor.Flavor.
func (a *Admin) Rules() *registry.Rules { return a.rules }

// Policy implements flavor.Flavor.
func (a *Admin) Policy() *webhook.Policy { return a.options.Policy }

// adminBase is where the resource is, which Jira serves beside its REST API proper.
const adminBase = "/rest/webhooks/"

// Routes implements flavor.Flavor.
func (a *Admin) Routes() []flavor.Route {
	const all, one = adminBase + "1.0/webhook", adminBase + "1.0/webhook/{id}"
	return []flavor.Route{
		{Method: "POST", Path: all, Handle: a.authenticated(a.create)},
		{Method: "GET", Path: all, Handle: a.authenticated(a.list)},
		{Method: "GET", Path: one, Handle: a.authenticated(a.get)},
		{Method: "PUT", Path: one, Handle: a.authenticated(a.change)},
		{Method: "DELETE", Path: one, Handle: a.authenticated(a.remove)},
	}
}

// Base implements flavor.Flavor.
func (a *Admin) Base() string { return adminBase }

// Fail implements flavor.Flavor.
func (a *Admin) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	adminFail(ctx, status, message)
}
