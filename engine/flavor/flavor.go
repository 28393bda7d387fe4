// Package flavor says what a system with an API and a payload of its own has to bring so that the engine can
// deliver for it. Each flavour is a folder beside this file: its REST API, its policy and its payload
// together, because systems differ in more than JSON.
package flavor

import (
	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Flavor is one system's way to register webhooks and to send them. Its methods are safe for any number of
// goroutines.
type Flavor interface {
	// Rules are what registrations are checked against. Their Flavor field names the flavour.
	Rules() *registry.Rules

	// Policy says how deliveries are attempted.
	Policy() *webhook.Policy

	// Render writes the request of one attempt: method, URL, headers and body. It must not retain
	// the request or change the delivery; an error means that this delivery can never be sent.
	Render(req *fasthttp.Request, d *Delivery) error

	// Routes are the paths of the flavour's API below a tenant.
	Routes() []Route
}

// Delivery is one event owed to one endpoint, as a flavour sees it when it renders an attempt.
type Delivery struct {
	Identifier string // the same for every attempt of this delivery, and no other delivery's
	Attempt    int    // counted from 1
	Endpoint   *webhook.Endpoint
	Webhooks   []int64 // the webhooks that matched, ascending
	Flow       webhook.Flow
	Trace      string
	Body       []byte // the event's body as stored
}

// Route is one operation of a flavour's API. Path is in the syntax of the router, below the tenant:
// "/rest/api/2/webhook".
type Route struct {
	Method, Path string
	Handle       Handler
}

// Handler answers one request that is addressed to a tenant. The registry is the installation's. The handler
// checks the caller's credentials itself, as each system has its own.
type Handler func(ctx *fasthttp.RequestCtx, tenant *webhook.Tenant, r *registry.Registry)

// Names of the user values of a request by which server and handlers tell each other things.
const (
	// ErrorKey holds an error that the answer does not tell the client and the log should.
	ErrorKey = "hookline.error"
	// PrefixKey holds the part of the path, as a string, that addressed the tenant and was cut off.
	PrefixKey = "hookline.prefix"
)

// ExternalURL returns the address of the request's resource, without its query, under the name and the path
// by which the client called.
func ExternalURL(ctx *fasthttp.RequestCtx) string {
	prefix, _ := ctx.UserValue(PrefixKey).(string)
	scheme := "http"
	if ctx.IsTLS() || string(ctx.Request.Header.Peek("X-Forwarded-Proto")) == "https" {
		scheme = "https"
	}
	return scheme + "://" + string(ctx.Host()) + prefix + string(ctx.Path())
}
