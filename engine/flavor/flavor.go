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

	// Base is the path below which clients expect the system that the flavour stands for: "/rest/". Fail answers a
	// request there that comes to no route or cannot be read, in the system's error form.
	Base() string
	Fail(ctx *fasthttp.RequestCtx, status int, message string)
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
