package server

import (
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine"
)

// forAdmin admits requests with the admin token to the installation's API.
func (s *Server) forAdmin(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if !s.isAdmin(ctx) {
			unauthorized(ctx, "This needs the admin token: send it as Authorization: Bearer.")
			return
		}
		h(ctx)
	}
}

// isAdmin says whether a request comes with the admin token. Where there is none, which New allows on loopback
// addresses only, every request is admitted that names this machine or a tenant as its host: a web page that was
// given a name leading here (DNS rebinding) names another.
func (s *Server) isAdmin(ctx *fasthttp.RequestCtx) bool {
	if s.admin != "" {
		token := bearer(ctx)
		return token != "" && s.admin.Matches(token)
	}
	host := hostOf(ctx)
	_, tenant := s.options.Engine.Registry().TenantOfHost(host)
	return tenant || loopbackHost(host)
}

// forTenant says whether the request has a token of the tenant it is addressed to, or the admin token; if not it
// is answered.
func (s *Server) forTenant(ctx *fasthttp.RequestCtx) bool {
	t, token := tenantOf(ctx), bearer(ctx)
	if token != "" && t.Admits(token) || s.isAdmin(ctx) {
		return true
	}
	s.options.Engine.CountRejected(engine.RejectedUnauthorized)
	unauthorized(ctx, "This needs a token of tenant "+t.ID+": send it as Authorization: Bearer.")
	return false
}

func unauthorized(ctx *fasthttp.RequestCtx, message string) {
	ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
	problem(ctx, 401, "unauthorized", "%s", message)
}

// bearer returns the request's bearer token, or "".
func bearer(ctx *fasthttp.RequestCtx) string {
	scheme, token, _ := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
