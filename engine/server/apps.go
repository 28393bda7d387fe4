package server

import (
	"slices"

	"github.com/valyala/fasthttp"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// appView is an app as the API shows it.
type appView struct {
	Key     string          `json:"key"`
	Kind    webhook.AppKind `json:"kind"`
	BaseURL string          `json:"baseURL,omitempty"`
	Issuer  string          `json:"issuer,omitempty"`
	Secrets int             `json:"secrets,omitempty"`
	Tokens  int             `json:"tokens"`
	Users   []string        `json:"users,omitempty"`
}

func viewApp(a *webhook.App) appView {
	v := appView{Key: a.Key, Kind: a.Kind, BaseURL: a.BaseURL, Issuer: a.Issuer, Secrets: len(a.Secrets), Tokens: len(a.Tokens)}
	for _, t := range a.Tokens {
		if t.User != "" && !slices.Contains(v.Users, t.User) {
			v.Users = append(v.Users, t.User)
		}
	}
	return v
}

// appBody is what PUT takes. A member that is left out stays as it is.
type appBody struct {
	Kind    *webhook.AppKind `json:"kind"`
	BaseURL *string          `json:"baseURL"`
	Issuer  *string          `json:"issuer"`
	Secrets *[]string        `json:"secrets"` // in the clear; the first signs, all verify
	Tokens  *[]appToken      `json:"tokens"`
}

type appToken struct {
	Token string `json:"token"` // in the clear
	User  string `json:"user"`
}

func (b *appBody) apply(a *webhook.App) {
	replace(&a.Kind, b.Kind)
	replace(&a.BaseURL, b.BaseURL)
	replace(&a.Issuer, b.Issuer)
	replace(&a.Secrets, b.Secrets)
	if b.Tokens != nil {
		a.Tokens = nil
		for _, t := range *b.Tokens {
			a.Tokens = append(a.Tokens, webhook.AppToken{Hash: webhook.HashToken(t.Token), User: t.User})
		}
	}
}

// listApps answers the apps of a tenant in order of their keys.
func (s *Server) listApps(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	p := q.page("apps")
	if q.refused() {
		return
	}
	if t, ok := s.pathTenant(ctx); ok {
		answerPage(ctx, p, s.options.Engine.Registry().Apps(t.ID), func(a *webhook.App) string { return a.Key }, viewApp)
	}
}

func (s *Server) getApp(ctx *fasthttp.RequestCtx) {
	if a, ok := s.pathApp(ctx); ok {
		answer(ctx, 200, viewApp(a))
	}
}

func (s *Server) pathApp(ctx *fasthttp.RequestCtx) (*webhook.App, bool) {
	t, ok := s.pathTenant(ctx)
	if !ok {
		return nil, false
	}
	a, ok := s.options.Engine.Registry().App(t.ID, param(ctx, "app"))
	if !ok {
		refuse(ctx, webhook.ErrUnknownApp)
	}
	return a, ok
}

// putApp makes an app in a tenant, or changes one.
func (s *Server) putApp(ctx *fasthttp.RequestCtx) {
	var body appBody
	if !decode(ctx, &body) {
		return
	}
	t, ok := s.pathTenant(ctx)
	if !ok {
		return
	}
	if body.Tokens != nil {
		for _, token := range *body.Tokens {
			if !longEnough(ctx, token.Token) {
				return
			}
		}
	}
	key := param(ctx, "app")
	if err := s.seal(body.Secrets, &webhook.App{Tenant: t.ID, Key: key}); err != nil {
		refuse(ctx, err)
		return
	}
	_, known := s.options.Engine.Registry().App(t.ID, key)
	a, err := s.options.Engine.Registry().ChangeApp(s.work, t.ID, key, body.apply)
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, created(known), viewApp(a))
}

// seal replaces secrets in the clear by what is kept of them.
func (s *Server) seal(secrets *[]string, a *webhook.App) error {
	if secrets == nil {
		return nil
	}
	for i, text := range *secrets {
		if err := webhook.CheckSecret(text); err != nil {
			return err
		}
		sealed, err := s.options.Engine.Keys().Seal(sign.NewSecret(text), a.SecretRecord())
		if err != nil {
			return &webhook.InvalidError{Problem: err.Error()}
		}
		(*secrets)[i] = sealed
	}
	return nil
}

func (s *Server) deleteApp(ctx *fasthttp.RequestCtx) {
	if err := s.options.Engine.DeleteApp(s.work, param(ctx, "tenant"), param(ctx, "app")); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// createAppToken makes a token for an app (and, for an OAuth app, a user of it); it is shown this once.
func (s *Server) createAppToken(ctx *fasthttp.RequestCtx) {
	var body struct {
		User string `json:"user"`
	}
	if len(ctx.PostBody()) > 0 && !decode(ctx, &body) {
		return
	}
	token := newToken()
	_, err := s.options.Engine.Registry().UpdateApp(s.work, param(ctx, "tenant"), param(ctx, "app"), func(a *webhook.App) {
		a.Tokens = append(slices.Clone(a.Tokens), webhook.AppToken{Hash: webhook.HashToken(token), User: body.User})
	})
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, 201, map[string]string{"token": token})
}
