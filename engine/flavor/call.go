package flavor

import (
	"context"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Call is one request to a flavour's API. The handler checks the caller's credentials itself, as each system has
// its own.
type Call struct {
	// HTTP is the request and its answer. It is a context too, but one that ends when the server begins to stop;
	// work is done under Context, which lasts as long as the server waits for requests in progress.
	HTTP    *fasthttp.RequestCtx
	Context context.Context

	Tenant   *webhook.Tenant // whom the request is addressed to
	Registry *registry.Registry
	Keys     *sign.Keyring // seals secrets

	// Drop removes what is queued for an endpoint: its webhook is gone, or switched off.
	Drop func(endpoint uint64)

	// Wake has what is queued for an endpoint sent: its webhook leads elsewhere now, or is switched on again.
	Wake func(endpoint uint64)

	// Failed lists deliveries of an owner under a flavour that were given up; see engine.Engine.Failed.
	Failed func(ctx context.Context, owner webhook.Owner, flavor string, q FailureQuery) ([]Failure, error)

	// Admin is set when the request has the installation's admin token, which makes it no app's.
	Admin bool
}

// Handler answers one call.
type Handler func(*Call)
