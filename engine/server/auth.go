package server

import (
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine"
)

// forAdmin admits requests with the admin token to the installation's API.
func (s *Server) forAdmin(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if !s.isAdmin(bearer(ctx)) {
			unauthorized(ctx, "This needs the admin token: send it as Authorization: Bearer.")
			return
		}
		h(ctx)
	}
}

// isAdmin says whether a token is the admin token. Without one every caller is admin, which New allows on
// loopback addresses only.
func (s *Server) isAdmin(token string) bool {
	return s.admin == "" || token != "" && s.admin.Matches(token)
}

// forTenant says whether the request has a token of the tenant it is addressed to, or the admin token; if not it
// is answered.
func (s *Server) forTenant(ctx *fasthttp.RequestCtx) bool {
	t, token := tenantOf(ctx), bearer(ctx)
	if token != "" && t.Admits(token) || s.isAdmin(token) {
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
