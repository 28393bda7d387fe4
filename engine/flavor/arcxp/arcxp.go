package arcxp

import (
	"sync"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Flavor is the name of Migration Center's webhooks in the registry.
const Flavor = "arcxp"

// Center is Migration Center's webhooks: a few for an organisation, which a tenant stands for, each with a name by
// which documents ask for it.
type Center struct {
	options Options
	rules   *registry.Rules

	// switching is held from a change of a webhook until what is queued for it is dropped where it was switched off, so
	// that nothing is dropped that was queued after it was switched on again.
	switching sync.Mutex
}

// Options are settings of the flavour. The zero value is Migration Center's behaviour.
type Options struct {
	// Limit is how many webhooks a tenant may have, those that are switched off counted. Defaults to 5.
	Limit int

	// Untagged says which webhooks a document without a subscriber is for. Defaults to [Single].
	Untagged Untagged

	// Created answers a registration with 201 in place of 200.
	Created bool

	// RawToken sends a webhook's token as it is. Without it "Bearer " is put in front, unless the token names a scheme.
	RawToken bool

	// KeepQueued keeps what is queued for a webhook that is switched off, until it is switched on again. Without it that is
	// dropped.
	KeepQueued bool

	// PlainHTTP allows endpoints with http beside https.
	PlainHTTP bool

	// Policy is how notifications are attempted. Defaults to [Default].
	Policy *webhook.Policy
}

// Untagged is the rule for documents without a subscriber.
type Untagged string

// The rules.
const (
	None   Untagged = "none"   // no webhook
	Single Untagged = "single" // the one webhook there is, where there is exactly one
	All    Untagged = "all"    // every webhook
)

// New returns the flavour.
func New(o Options) *Center {
	if o.Limit == 0 {
		o.Limit = 5
	}
	if o.Untagged == "" {
		o.Untagged = Single
	}
	if o.Policy == nil {
		o.Policy = Default()
	}
	return &Center{options: o, rules: &registry.Rules{
		Flavor:      Flavor,
		System:      webhook.ArcXP,
		Limit:       func(*webhook.Tenant, *webhook.App) int { return o.Limit },
		Separate:    true,
		UniqueNames: true,
		PlainHTTP:   o.PlainHTTP,
	}}
}

// Rules implements flavor.Flavor.
func (c *Center) Rules() *registry.Rules { return c.rules }

// Policy implements flavor.Flavor.
func (c *Center) Policy() *webhook.Policy { return c.options.Policy }

// Holds implements flavor.Holder.
func (c *Center) Holds(w *webhook.Webhook) bool { return c.options.KeepQueued && w.Disabled() }

// Routes implements flavor.Flavor. DELETE is not Migration Center's, where a place once taken stays taken.
func (c *Center) Routes() []flavor.Route {
	const path = "/migrations/v3/webhook"
	return []flavor.Route{
		{Method: "POST", Path: path, Handle: authenticated(c.register)},
		{Method: "GET", Path: path, Handle: authenticated(c.list)},
		{Method: "PATCH", Path: path + "/{id}", Handle: authenticated(c.change)},
		{Method: "DELETE", Path: path + "/{id}", Handle: authenticated(c.remove)},
	}
}

// Base implements flavor.Flavor.
func (c *Center) Base() string { return "/migrations/" }

// Fail implements flavor.Flavor.
func (c *Center) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	fail(ctx, status, message)
}

// owner is whom the webhooks of a tenant belong to: the organisation, not one of its apps.
func owner(t *webhook.Tenant) webhook.Owner { return webhook.Owner{Tenant: t.ID} }
