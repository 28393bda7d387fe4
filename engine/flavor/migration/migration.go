package migration

import (
	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Name is the name of the flavour in the registry.
const Name = "migration"

// Flavor is the webhooks of the App Migration Platform: an app has a set of URLs in a tenant, and every event of the app
// there goes to each of them, in a request of its own, until that is acknowledged.
type Flavor struct {
	options Options
	rules   *registry.Rules
}

// Options are settings of the flavour. The zero value is the platform's behaviour.
type Options struct {
	// Endpoints is how many URLs an app may have in a tenant. The platform publishes no limit. Defaults to 20.
	Endpoints int

	// PlainHTTP allows URLs with http beside https.
	PlainHTTP bool

	// StripBase leaves the path of an app's base URL out of the request that its tokens are bound to, as Connect does
	// for requests of a product: the framework of Connect apps does so when it verifies. A path that does not start
	// with the base URL's is hashed whole.
	StripBase bool

	// Policy is how deliveries are attempted. Defaults to [Seed].
	Policy *webhook.Policy
}

// New returns the flavour.
func New(o Options) *Flavor {
	if o.Endpoints == 0 {
		o.Endpoints = 20
	}
	if o.Policy == nil {
		o.Policy = Seed()
	}
	return &Flavor{options: o, rules: &registry.Rules{
		Flavor:    Name,
		System:    webhook.Migration,
		Limit:     func(*webhook.Tenant, *webhook.App) int { return o.Endpoints },
		AnyBase:   true,
		PlainHTTP: o.PlainHTTP,
	}}
}

// Rules implements flavor.Flavor.
func (f *Flavor) Rules() *registry.Rules { return f.rules }

// Policy implements flavor.Flavor.
func (f *Flavor) Policy() *webhook.Policy { return f.options.Policy }

const path = "/rest/atlassian-connect/1/migration/webhook"

// Routes implements flavor.Flavor.
func (f *Flavor) Routes() []flavor.Route {
	return []flavor.Route{
		{Method: "PUT", Path: path, Handle: authenticated(f.put)},
		{Method: "GET", Path: path, Handle: authenticated(f.get)},
	}
}

// Base implements flavor.Flavor: the other resources there have the same error form.
func (f *Flavor) Base() string { return "/rest/atlassian-connect/" }

// Fail implements flavor.Flavor.
func (f *Flavor) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	fail(ctx, status, message)
}
