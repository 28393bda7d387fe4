package server

import (
	"crypto/rand"
	"errors"
	"slices"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// about answers what this is.
func (s *Server) about(ctx *fasthttp.RequestCtx) {
	answer(ctx, 200, map[string]string{"name": "hookline", "version": s.options.Version})
}

// tenantView is a tenant as the API shows it: without anything that opens a door.
type tenantView struct {
	ID    string   `json:"id"`
	Hosts []string `json:"hosts"`
	webhook.Site
	webhook.Limits
	Region string `json:"region,omitempty"`
	Tokens int    `json:"tokens"`
}

func viewTenant(t *webhook.Tenant) tenantView {
	hosts := t.Hosts
	if hosts == nil {
		hosts = []string{}
	}
	return tenantView{ID: t.ID, Hosts: hosts, Site: t.Site, Limits: t.Limits, Region: t.Region, Tokens: len(t.Tokens)}
}

// tenantBody is what PUT takes. A member that is left out stays as it is.
type tenantBody struct {
	Hosts        *[]string              `json:"hosts"`
	EpicLink     *int64                 `json:"epicLink"`
	CustomFields *[]webhook.CustomField `json:"customFields"`
	Priorities   *[]string              `json:"priorities"`
	TimeZone     *string                `json:"timeZone"`
	WeekStart    *string                `json:"weekStart"`
	DisplayNames *bool                  `json:"displayNames"`
	Dialect      *string                `json:"dialect"`

	FilterProjects *bool              `json:"filterProjects"`
	Projects       *[]webhook.Project `json:"projects"`

	ConnectLimit *int      `json:"connectLimit"`
	OAuthLimit   *int      `json:"oauthLimit"`
	Region       *string   `json:"region"`
	Tokens       *[]string `json:"tokens"` // in the clear; they replace the tenant's
}

// listTenants answers the tenants in order of their ids.
func (s *Server) listTenants(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	p := q.page("tenants")
	if q.refused() {
		return
	}
	answerPage(ctx, p, s.options.Engine.Registry().Tenants(), func(t *webhook.Tenant) string { return t.ID }, viewTenant)
}

func (s *Server) getTenant(ctx *fasthttp.RequestCtx) {
	if t, ok := s.pathTenant(ctx); ok {
		answer(ctx, 200, viewTenant(t))
	}
}

// putTenant makes a tenant, or changes one.
func (s *Server) putTenant(ctx *fasthttp.RequestCtx) {
	var body tenantBody
	if !decode(ctx, &body) {
		return
	}
	if body.Tokens != nil && !longEnough(ctx, *body.Tokens...) {
		return
	}
	id := param(ctx, "tenant")
	_, known := s.options.Engine.Registry().Tenant(id)
	t, err := s.options.Engine.Registry().ChangeTenant(s.work, id, body.apply)
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, created(known), viewTenant(t))
}

func (b *tenantBody) apply(t *webhook.Tenant) {
	replace(&t.Hosts, b.Hosts)
	replace(&t.EpicLink, b.EpicLink)
	replace(&t.CustomFields, b.CustomFields)
	replace(&t.Priorities, b.Priorities)
	replace(&t.TimeZone, b.TimeZone)
	replace(&t.WeekStart, b.WeekStart)
	replace(&t.DisplayNames, b.DisplayNames)
	replace(&t.Dialect, b.Dialect)
	replace(&t.FilterProjects, b.FilterProjects)
	replace(&t.Projects, b.Projects)
	replace(&t.ConnectLimit, b.ConnectLimit)
	replace(&t.OAuthLimit, b.OAuthLimit)
	replace(&t.Region, b.Region)
	if b.Tokens != nil {
		t.Tokens = nil
		for _, token := range *b.Tokens {
			t.Tokens = append(t.Tokens, webhook.HashToken(token))
		}
	}
}

// replace sets what a body has a member for.
func replace[T any](setting, member *T) {
	if member != nil {
		*setting = *member
	}
}

func (s *Server) deleteTenant(ctx *fasthttp.RequestCtx) {
	if err := s.options.Engine.DeleteTenant(s.work, param(ctx, "tenant")); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// createTenantToken makes a token for publishing and for the tenant's native API; it is shown this once.
func (s *Server) createTenantToken(ctx *fasthttp.RequestCtx) {
	token := newToken()
	_, err := s.options.Engine.Registry().UpdateTenant(s.work, param(ctx, "tenant"), func(t *webhook.Tenant) {
		t.Tokens = append(slices.Clone(t.Tokens), webhook.HashToken(token))
	})
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, 201, map[string]string{"token": token})
}

func (s *Server) pathTenant(ctx *fasthttp.RequestCtx) (*webhook.Tenant, bool) {
	t, ok := s.options.Engine.Registry().Tenant(param(ctx, "tenant"))
	if !ok {
		refuse(ctx, webhook.ErrUnknownTenant)
	}
	return t, ok
}

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

func longEnough(ctx *fasthttp.RequestCtx, tokens ...string) bool {
	for _, token := range tokens {
		if err := webhook.CheckToken(token); err != nil {
			refuse(ctx, err)
			return false
		}
	}
	return true
}

func newToken() string { return rand.Text() + rand.Text() }

func created(known bool) int {
	if known {
		return 200
	}
	return 201
}

func param(ctx *fasthttp.RequestCtx, name string) string {
	v, _ := ctx.UserValue(name).(string)
	return v
}

// tenantName is the tenant that the request is about: that of its path, or whom it is addressed to.
func tenantName(ctx *fasthttp.RequestCtx) string {
	if t, ok := ctx.UserValue(tenantKey).(*webhook.Tenant); ok {
		return t.ID
	}
	return param(ctx, "tenant")
}

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
	case flavor.Stopped(err):
		flavor.RetryAfter(ctx, 1)
		problem(ctx, 503, "stopping", stopping)
	default:
		ctx.SetUserValue(flavor.ErrorKey, err)
		problem(ctx, 500, "internal", "The request could not be carried out; nothing was changed.")
	}
}
