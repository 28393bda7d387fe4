// Package flavor says what a system with an API and a payload of its own has to bring so that the engine can
// deliver for it. Each flavour is a folder beside this file: its REST API, its policy and its payload
// together, because systems differ in more than JSON.
package flavor

import (
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
	"hookline/engine/sign"
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

// Reader is a flavour of a system whose events the engine cannot read by itself. There is at most one for every
// system but Jira.
type Reader interface {
	Flavor

	// Read checks the body of an event and finds the webhooks that it is for, as they are at a time. The error says
	// what is wrong with the body: *webhook.InvalidError or *event.Error. Nothing is kept of the body.
	Read(body []byte, tenant *webhook.Tenant, r *registry.Registry, now time.Time) (Reading, error)
}

// Holder is a flavour that may hold back what is queued for a webhook that has an endpoint of its own.
type Holder interface {
	Flavor

	// Holds says whether what is queued for the webhook waits. When that may have become false, Call.Wake is
	// to be called. It is asked for every delivery, so it must be quick.
	Holds(w *webhook.Webhook) bool
}

// Reading is what a Reader makes of an event.
type Reading struct {
	Type     string             // as the system names it
	Webhooks []*webhook.Webhook // in any order
	Body     []byte             // what is kept for Render; may be the body that was read
}

// Delivery is one event owed to one endpoint, as a flavour sees it when it renders an attempt.
type Delivery struct {
	Identifier string // the same for every attempt of this delivery, and no other delivery's
	Attempt    int    // counted from 1
	Endpoint   *webhook.Endpoint
	Webhooks   []int64 // the webhooks that matched, ascending

	// Webhook is the one that the endpoint is for, as it is now; nil where webhooks share it. App is the owner's, nil
	// for webhooks of the tenant itself.
	Webhook *webhook.Webhook
	App     *webhook.App
	Keys    *sign.Keyring // opens their secrets

	Flow  webhook.Flow
	Trace string
	Body  []byte // the event's body as stored
}

// FailureQuery selects deliveries that were given up.
type FailureQuery struct {
	From   time.Time // given up then or later
	Reason string    // as in Failure; empty for any
	Size   int       // how many, at least 1
}

// Failure is a delivery that was given up.
type Failure struct {
	Identifier string
	Endpoint   *webhook.Endpoint
	Webhooks   []int64 // ascending
	Body       []byte  // the event's body as stored; nil where it is gone
	Reason     string  // as the metrics name it: "exhausted", "rejected" and so on
	Time       time.Time
	Attempts   int
	LastStatus int // 0 where there was no answer
}

// Route is one operation of a flavour's API. Path is in the syntax of the router, below the tenant:
// "/rest/api/2/webhook".
type Route struct {
	Method, Path string
	Handle       Handler
}
