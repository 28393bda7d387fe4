package server

import (
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

// forAdmin admits requests with the admin token to the installation's API.
func (s *Server) forAdmin(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		header := &ctx.Request.Header
		switch {
		case s.isAdmin(header) || s.isOpen(header, hostOf(ctx)):
			h(ctx)
		case s.admin == "":
			unauthorized(ctx, "There is no admin token, so this is for programs of this machine only: ask by a loopback address, from no web page and without Authorization.")
		default:
			unauthorized(ctx, "This needs the admin token: send it as Authorization: Bearer.")
		}
	}
}

// isAdmin says whether a request comes with the admin token.
func (s *Server) isAdmin(h *fasthttp.RequestHeader) bool {
	token := flavor.Bearer(h)
	return s.admin != "" && token != "" && s.admin.Matches(token)
}

// isOpen says whether a request may do without a token: where there is no admin token, which New allows on loopback
// addresses only, and the request is that of a program on this machine. Web pages that a browser of this machine
// shows can send requests too; they are told by the headers that browsers add, and, where a page was given
// a name leading here (DNS rebinding), by a host name that is neither this machine's nor a tenant's.
//
// A token that is sent is meant to be checked, so Authorization rules it out.
func (s *Server) isOpen(h *fasthttp.RequestHeader, host string) bool {
	if s.admin != "" || len(h.Peek("Authorization")) > 0 || fromPage(h) {
		return false
	}
	_, tenant := s.options.Engine.Registry().TenantOfHost(host)
	return tenant || loopbackHost(host)
}

func fromPage(h *fasthttp.RequestHeader) bool {
	if len(h.Peek("Origin")) > 0 {
		return true
	}
	site := string(h.Peek("Sec-Fetch-Site"))
	return site != "" && site != "none" && site != "same-origin"
}

// mayPublish says whether a request has a token of the tenant or the admin token, or needs none: a tenant with tokens
// of its own is open to nobody.
func (s *Server) mayPublish(h *fasthttp.RequestHeader, t *webhook.Tenant, host string) bool {
	token := flavor.Bearer(h)
	return token != "" && t.Admits(token) || s.isAdmin(h) || len(t.Tokens) == 0 && s.isOpen(h, host)
}

// forEvents is forPublisher for the events API, which counts those that it turns away.
func (s *Server) forEvents(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if s.mayBring(ctx) {
			h(ctx)
		}
	}
}

// mayBring says whether the request may publish in the tenant it is addressed to; if not it is answered and counted.
func (s *Server) mayBring(ctx *fasthttp.RequestCtx) bool {
	if s.admits(ctx) {
		return true
	}
	s.options.Engine.CountRejected(engine.RejectedUnauthorized)
	return false
}

// admits says whether the request has the rights of a publisher in the tenant it is addressed to; if not it is
// answered.
func (s *Server) admits(ctx *fasthttp.RequestCtx) bool {
	t := tenantOf(ctx)
	if s.mayPublish(&ctx.Request.Header, t, hostOf(ctx)) {
		return true
	}
	unauthorized(ctx, "This needs a token of tenant "+t.ID+": send it as Authorization: Bearer.")
	return false
}

// forPublisher admits requests with the rights of a publisher to a tenant's API.
func (s *Server) forPublisher(h fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if s.admits(ctx) {
			h(ctx)
		}
	}
}

func hostOf(ctx *fasthttp.RequestCtx) string { return hostName(string(ctx.Host())) }

func unauthorized(ctx *fasthttp.RequestCtx, message string) {
	ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
	problem(ctx, 401, "unauthorized", "%s", message)
}
