package server

import (
	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

// rotated is the answer to a new secret of an app. Secret is shown this once, and only where it was made here.
type rotated struct {
	Secret  string `json:"secret,omitempty"`
	Secrets int    `json:"secrets"`
}

// rotateSecret gives an app a new first secret; those that it had still verify what it sends.
func (s *Server) rotateSecret(ctx *fasthttp.RequestCtx) {
	var body struct {
		Secret *string `json:"secret"`
	}
	if len(ctx.PostBody()) > 0 && !decode(ctx, &body) {
		return
	}
	given := ""
	if body.Secret != nil {
		given = *body.Secret
		if err := webhook.CheckSecret(given); err != nil {
			refuse(ctx, err)
			return
		}
	}
	tenant, key := param(ctx, "tenant"), param(ctx, "app")
	secret, err := s.options.Engine.RotateSecret(s.work, tenant, key, given)
	if err != nil {
		refuse(ctx, err)
		return
	}
	if given != "" {
		secret = "" // who sent it has it
	}
	view := rotated{Secret: secret}
	if a, ok := s.options.Engine.Registry().App(tenant, key); ok {
		view.Secrets = len(a.Secrets)
	}
	answer(ctx, 201, view)
}

// endOverlap takes all secrets of an app away but the first.
func (s *Server) endOverlap(ctx *fasthttp.RequestCtx) {
	if err := s.options.Engine.EndOverlap(s.work, param(ctx, "tenant"), param(ctx, "app")); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}
