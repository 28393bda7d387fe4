package server

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
)

// signingView is one way in which requests to an endpoint are signed. Secret is shown once, where it was made here.
type signingView struct {
	Kind      webhook.SigningKind `json:"kind"`
	Secret    string              `json:"secret,omitempty"`
	PublicKey string              `json:"publicKey,omitempty"`
	Before    []formerView        `json:"before,omitempty"`
}

// formerView is a secret that is used beside the one which took its place.
type formerView struct {
	PublicKey string    `json:"publicKey,omitempty"`
	Until     time.Time `json:"until"`
}

func viewSigning(state engine.SigningState) signingView {
	v := signingView{Kind: state.Kind, PublicKey: state.PublicKey}
	for _, old := range state.Before {
		v.Before = append(v.Before, formerView{PublicKey: old.PublicKey, Until: old.Until.UTC()})
	}
	return v
}

// listSigning answers how requests for a webhook are signed, beside what its flavour does. There is one page.
func (s *Server) listSigning(ctx *fasthttp.RequestCtx) {
	w, ok := s.pathWebhook(ctx)
	if !ok {
		return
	}
	states, err := s.options.Engine.Signing(w.Owner.Tenant, w.Endpoint)
	if err != nil {
		refuse(ctx, err)
		return
	}
	var views []signingView
	for _, state := range states {
		views = append(views, viewSigning(state))
	}
	answerList(ctx, views, "")
}

// putSigning has requests for a webhook signed in one way, with a secret that is given or made.
func (s *Server) putSigning(ctx *fasthttp.RequestCtx) {
	var body struct {
		Secret *string `json:"secret"`
	}
	w, kind, ok := s.pathSigning(ctx)
	if !ok || len(ctx.PostBody()) > 0 && !decode(ctx, &body) {
		return
	}
	given, err := givenSecret(body.Secret)
	secret := ""
	if err == nil {
		secret, err = s.options.Engine.SetSigning(s.work, w.Owner.Tenant, w.Endpoint, kind, given)
	}
	s.answerSigning(ctx, w, kind, shownOnce(secret, given), err)
}

// rotateSigning replaces a secret, and uses the one before beside it for a while.
func (s *Server) rotateSigning(ctx *fasthttp.RequestCtx) {
	var body struct {
		Secret  *string `json:"secret"`
		Overlap *string `json:"overlap"`
	}
	w, kind, ok := s.pathSigning(ctx)
	if !ok || len(ctx.PostBody()) > 0 && !decode(ctx, &body) {
		return
	}
	overlap := engine.DefaultOverlap
	given, err := givenSecret(body.Secret)
	if err == nil && body.Overlap != nil {
		overlap, err = parseOverlap(*body.Overlap)
	}
	secret := ""
	if err == nil {
		secret, err = s.options.Engine.RotateSigning(s.work, w.Owner.Tenant, w.Endpoint, kind, given, overlap)
	}
	s.answerSigning(ctx, w, kind, shownOnce(secret, given), err)
}

func (s *Server) endSigningOverlap(ctx *fasthttp.RequestCtx) {
	w, kind, ok := s.pathSigning(ctx)
	if !ok || !empty(ctx) {
		return
	}
	err := s.options.Engine.EndSigningOverlap(s.work, w.Owner.Tenant, w.Endpoint, kind)
	s.answerSigning(ctx, w, kind, "", err)
}

func (s *Server) deleteSigning(ctx *fasthttp.RequestCtx) {
	w, kind, ok := s.pathSigning(ctx)
	if !ok {
		return
	}
	if err := s.options.Engine.EndSigning(s.work, w.Owner.Tenant, w.Endpoint, kind); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// answerSigning answers a change of one way of signing, or why there was none.
func (s *Server) answerSigning(ctx *fasthttp.RequestCtx, w *webhook.Webhook, kind webhook.SigningKind, secret string, err error) {
	var states []engine.SigningState
	if err == nil {
		states, err = s.options.Engine.Signing(w.Owner.Tenant, w.Endpoint)
	}
	if err != nil {
		refuse(ctx, err)
		return
	}
	view := signingView{Kind: kind}
	for _, state := range states {
		if state.Kind == kind {
			view = viewSigning(state)
		}
	}
	view.Secret = secret
	answer(ctx, 200, view)
}

// pathSigning returns the webhook and the way of signing that the path names; without them the request is answered.
func (s *Server) pathSigning(ctx *fasthttp.RequestCtx) (*webhook.Webhook, webhook.SigningKind, bool) {
	w, ok := s.pathWebhook(ctx)
	if !ok {
		return nil, "", false
	}
	kind := webhook.SigningKind(param(ctx, "kind"))
	if err := kind.Check(); err != nil {
		refuse(ctx, err)
		return nil, "", false
	}
	return w, kind, true
}

// givenSecret is the secret of a body, "" where one is to be made. An empty one is refused, not taken for that.
func givenSecret(secret *string) (string, error) {
	if secret == nil {
		return "", nil
	}
	return *secret, webhook.CheckSecret(*secret)
}

// shownOnce is a secret that was made here; who sent one has it.
func shownOnce(secret, given string) string {
	if given != "" {
		return ""
	}
	return secret
}

func parseOverlap(text string) (time.Duration, error) {
	overlap, err := time.ParseDuration(text)
	if err != nil {
		return 0, &webhook.InvalidError{Problem: fmt.Sprintf("the overlap %.100q: use a duration such as 24h, 90m or 0s", text)}
	}
	return overlap, nil
}
