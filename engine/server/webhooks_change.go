package server

import (
	"context"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

func (s *Server) deleteWebhook(ctx *fasthttp.RequestCtx) {
	w, ok := s.pathWebhook(ctx)
	if !ok {
		return
	}
	if err := s.options.Engine.DeleteWebhook(s.work, w.Owner.Tenant, w.ID); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// patchWebhook changes what an operator sets of a webhook beside its flavour. A member that is left out stays as it is.
func (s *Server) patchWebhook(ctx *fasthttp.RequestCtx) {
	var body struct {
		Secret     nullable[string] `json:"secret"`
		AutoExtend *bool            `json:"autoExtend"`
	}
	w, ok := s.pathWebhook(ctx)
	if !ok || !decode(ctx, &body) {
		return
	}
	// What is wrong with one of them must not leave the other changed.
	if text := body.Secret.value; text != nil {
		if err := webhook.CheckSecret(*text); err != nil {
			refuse(ctx, err)
			return
		}
	}
	var err error
	if body.AutoExtend != nil {
		err = s.options.Engine.SetAutoExtend(s.work, w.Owner.Tenant, w.ID, *body.AutoExtend)
	}
	if err == nil && body.Secret.given {
		err = s.setSecret(w, body.Secret.value)
	}
	if err != nil {
		refuse(ctx, err)
		return
	}
	s.getWebhook(ctx)
}

// setSecret sets what requests of a webhook are signed with, which has been checked; nil ends that.
func (s *Server) setSecret(w *webhook.Webhook, secret *string) error {
	text := ""
	if secret != nil {
		text = *secret
	}
	return s.options.Engine.SetWebhookSecret(s.work, w.Owner.Tenant, w.ID, text)
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

// pausing makes the handler that pauses the endpoint of a webhook, or resumes it.
func (s *Server) pausing(change func(ctx context.Context, tenant string, endpoint uint64) (*webhook.Endpoint, error)) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		w, ok := s.pathWebhook(ctx)
		if !ok || !empty(ctx) {
			return
		}
		if _, err := change(s.work, w.Owner.Tenant, w.Endpoint); err != nil {
			refuse(ctx, err)
			return
		}
		s.getWebhook(ctx)
	}
}
