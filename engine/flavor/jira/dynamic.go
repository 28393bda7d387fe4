package jira

import (
	"cmp"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/event"
	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// DynamicFlavor is the name of Jira's dynamic webhooks in the registry.
const DynamicFlavor = "jira-dynamic"

// Dynamic is Jira's dynamic webhooks: registered by apps through the REST API, filtered by a subset of
// JQL, expiring unless refreshed, and sent as one request per app and event with the numbers of all that
// matched.
type Dynamic struct {
	options DynamicOptions
	rules   *registry.Rules
}

// DynamicOptions are settings of the dynamic flavour. The zero value is Jira's behaviour.
type DynamicOptions struct {
	// ConnectLimit and OAuthLimit are how many webhooks that have not expired a Connect app, and a user of an
	// OAuth app, may have in a tenant that has no webhook.Limits of its own.
	//
	// Default to 100 and 5.
	ConnectLimit, OAuthLimit int

	// Life is how long a webhook matches after it was registered or refreshed. Defaults to 30 days.
	Life time.Duration

	// AutoExtend gives webhooks a new life while deliveries to them succeed, unless a webhook says otherwise for itself
	// (webhook.Settings): once less than half of its life is left, if a delivery succeeded since that life began.
	AutoExtend bool

	// ExpiryWarning is how long before a webhook expires the log, a metric and a header of its deliveries say so, at most
	// half of Life. 0 is no warning.
	ExpiryWarning time.Duration

	// PlainHTTP allows callback URLs with http beside https.
	PlainHTTP bool

	// ManyURLs allows an app to register webhooks with different URLs; each URL then gets a request of its own.
	ManyURLs bool

	// ReplaceOnConflict lets webhooks that an app registers with another URL take the place of those it has, instead
	// of refusing them.
	ReplaceOnConflict bool

	// SeedEvents restricts the events that may be registered for to those of 2019: of issues and comments.
	SeedEvents bool

	// BareArray answers a registration with the array of results alone, as the guide of 2019 prints it. Clients of today
	// look for it in an object.
	BareArray bool

	// Patch opens PATCH of a webhook, which Jira does not have.
	Patch bool

	// FailedConnectOnly keeps the list of failed deliveries to Connect apps, as in Jira; otherwise it is open to users
	// of OAuth apps as well.
	FailedConnectOnly bool

	// Policy is how deliveries are attempted. Defaults to [Seed].
	Policy *webhook.Policy
}

// keepExpired is how long an expired webhook is listed and can be refreshed. The guide says at least
// 3 months.
const keepExpired = 92 * 24 * time.Hour

// NewDynamic returns the flavour.
func NewDynamic(o DynamicOptions) *Dynamic {
	if o.ConnectLimit == 0 {
		o.ConnectLimit = 100
	}
	if o.OAuthLimit == 0 {
		o.OAuthLimit = 5
	}
	if o.Life == 0 {
		o.Life = 30 * 24 * time.Hour
	}
	if o.Policy == nil {
		o.Policy = Seed()
	}
	d := &Dynamic{options: o}
	d.rules = &registry.Rules{
		Flavor:    DynamicFlavor,
		Dialect:   dialect,
		Event:     d.mayRegister,
		Limit:     d.limit,
		OneURL:    !o.ManyURLs,
		Replace:   o.ReplaceOnConflict,
		Life:      o.Life,
		Keep:      keepExpired,
		PlainHTTP: o.PlainHTTP,

		AutoExtend: o.AutoExtend,
		Warning:    o.ExpiryWarning,
	}
	return d
}

// dialect is the tenant's choice, which its site was checked for when it was stored; Jira's own where it has none.
func dialect(t *webhook.Tenant, env jql.Env) *jql.Dialect {
	if d, err := webhook.Dialect(t.Dialect, env); err == nil {
		return d
	}
	return jql.Dynamic(env)
}

func (d *Dynamic) mayRegister(name string) bool {
	t, ok := event.Lookup(name)
	return ok && t.Dynamic && (t.Seed || !d.options.SeedEvents)
}

func (d *Dynamic) limit(t *webhook.Tenant, a *webhook.App) int {
	if a.Kind == webhook.OAuth {
		return cmp.Or(t.OAuthLimit, d.options.OAuthLimit)
	}
	return cmp.Or(t.ConnectLimit, d.options.ConnectLimit)
}

// Rules implements flavor.Flavor.
func (d *Dynamic) Rules() *registry.Rules { return d.rules }

// Policy implements flavor.Flavor.
func (d *Dynamic) Policy() *webhook.Policy { return d.options.Policy }

// Routes implements flavor.Flavor. Versions 2 and 3 of the API are one resource. PUT on the resource
// itself is how the 2019 guide heads the refresh operation.
func (d *Dynamic) Routes() []flavor.Route {
	var routes []flavor.Route
	for _, version := range []string{"2", "3"} {
		path := "/rest/api/" + version + "/webhook"
		routes = append(routes,
			flavor.Route{Method: "POST", Path: path, Handle: d.authenticated(d.register)},
			flavor.Route{Method: "GET", Path: path, Handle: d.authenticated(d.list)},
			flavor.Route{Method: "DELETE", Path: path, Handle: d.authenticated(d.remove)},
			flavor.Route{Method: "PUT", Path: path, Handle: d.authenticated(d.refresh)},
			flavor.Route{Method: "PUT", Path: path + "/refresh", Handle: d.authenticated(d.refresh)},
			flavor.Route{Method: "GET", Path: path + "/failed", Handle: d.authenticated(d.failed)},
		)
		if d.options.Patch {
			routes = append(routes, flavor.Route{Method: "PATCH", Path: path + "/{id}", Handle: d.authenticated(d.patch)})
		}
	}
	return routes
}

// Base implements flavor.Flavor.
func (d *Dynamic) Base() string { return "/rest/" }

// Fail implements flavor.Flavor.
func (d *Dynamic) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	fail(ctx, status, message)
}
