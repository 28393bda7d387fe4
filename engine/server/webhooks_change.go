package server

import (
	"context"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
)

func (s *Server) deleteWebhook(ctx *fasthttp.RequestCtx) {
	id, ok := pathNumber(ctx) // it may be one that cannot be read
	if !ok {
		return
	}
	if err := s.options.Engine.DeleteWebhook(s.work, tenantOf(ctx).ID, id); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// patchWebhook changes what an operator sets of a webhook beside its flavour, all that the body has or nothing. A member
// that is left out stays as it is.
func (s *Server) patchWebhook(ctx *fasthttp.RequestCtx) {
	var body struct {
		Secret     nullable[string]        `json:"secret"`
		AutoExtend *bool                   `json:"autoExtend"`
		Policy     nullable[string]        `json:"policy"`
		Rate       nullable[float64]       `json:"rate"`
		Order      nullable[webhook.Order] `json:"order"`
	}
	w, ok := s.pathWebhook(ctx)
	if !ok || !decode(ctx, &body) {
		return
	}
	if err := named(body.Secret.value, body.Policy.value, body.Rate.value, body.Order.value); err != nil {
		refuse(ctx, err)
		return
	}
	change := engine.Change{
		Secret: body.Secret.orZero(), AutoExtend: body.AutoExtend, Policy: body.Policy.orZero(), Rate: body.Rate.orZero(),
		Order: body.Order.orZero(),
	}
	if err := s.options.Engine.Change(s.work, w.Owner.Tenant, w.ID, change); err != nil {
		refuse(ctx, err)
		return
	}
	s.getWebhook(ctx)
}

// named refuses values that would be taken for none: that is what null is for.
func named(secret, policy *string, rate *float64, order *webhook.Order) error {
	switch {
	case secret != nil && *secret == "":
		return webhook.CheckSecret(*secret)
	case policy != nil && *policy == "":
		return &webhook.InvalidError{Problem: "the policy has no name; use null for that of the flavour"}
	case rate != nil && *rate == 0:
		return &webhook.InvalidError{Problem: "a rate of 0; use null for that of the installation, or pause the webhook"}
	case order != nil && *order == webhook.Unordered:
		return &webhook.InvalidError{Problem: "the order is empty; use null for none"}
	}
	return nil
}

// createWebhookSecret makes a new secret for a webhook; it is shown this once.
func (s *Server) createWebhookSecret(ctx *fasthttp.RequestCtx) {
	w, ok := s.pathWebhook(ctx)
	if !ok || !empty(ctx) {
		return
	}
	secret, err := s.options.Engine.RotateWebhookSecret(s.work, w.Owner.Tenant, w.ID)
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, 201, map[string]string{"secret": secret})
}

// switching makes the handler that pauses the endpoint of a webhook, resumes or enables it.
func (s *Server) switching(change func(ctx context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error)) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		w, ok := s.pathWebhook(ctx)
		if !ok || !empty(ctx) {
			return
		}
		if _, err := change(s.work, w.Owner.Tenant, w.Endpoint); err != nil {
			refuseDelivery(ctx, err)
			return
		}
		s.getWebhook(ctx)
	}
}
