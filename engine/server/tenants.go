package server

import (
	"crypto/rand"
	"slices"

	"github.com/valyala/fasthttp"

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
