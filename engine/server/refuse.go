package server

import (
	"errors"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// refuse answers a request of the native API that failed.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	var invalid *webhook.InvalidError
	var several *registry.ProblemsError
	var used *registry.InUseError
	var host *registry.HostTakenError
	var token *registry.TokenTakenError
	switch {
	case errors.Is(err, webhook.ErrUnknownTenant):
		problem(ctx, 404, "unknown_tenant", "There is no tenant %q.", tenantName(ctx))
	case errors.Is(err, webhook.ErrUnknownApp):
		problem(ctx, 404, "unknown_app", "Tenant %s has no app %q.", param(ctx, "tenant"), param(ctx, "app"))
	case errors.Is(err, registry.ErrUnknownWebhook), errors.Is(err, registry.ErrUnknownEndpoint):
		problem(ctx, 404, "unknown_webhook", "The tenant has no webhook %q.", param(ctx, "id"))
	case errors.As(err, &invalid):
		problem(ctx, 400, "invalid", "%s.", invalid.Problem)
	case errors.Is(err, registry.ErrNoDescriptor):
		problem(ctx, 404, "no_descriptor", "App %s of tenant %s is not installed with a descriptor.", param(ctx, "app"), param(ctx, "tenant"))
	case errors.As(err, &several):
		answer(ctx, 400, failure{Error: failureBody{Code: "invalid", Message: several.Error() + ".", Problems: several.Problems}})
	case errors.As(err, &used):
		problem(ctx, 409, "in_use", "%s.", used.Error())
	case errors.As(err, &host):
		problem(ctx, 409, "host_taken", "%s.", host.Error())
	case errors.As(err, &token):
		problem(ctx, 409, "token_taken", "%s.", token.Error())
	case errors.Is(err, registry.ErrReadOnly):
		flavor.RetryAfter(ctx, flavor.RetryReadOnly)
		problem(ctx, 503, "read_only", flavor.ReadOnly)
	case flavor.Stopped(err):
		flavor.RetryAfter(ctx, 1)
		problem(ctx, 503, "stopping", stopping)
	default:
		ctx.SetUserValue(flavor.ErrorKey, err)
		problem(ctx, 500, "internal", "The request could not be carried out; nothing was changed.")
	}
}
