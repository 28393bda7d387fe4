package server

import (
	"runtime/debug"
	"time"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
)

// eventsPath is where a tenant's events are published; the other two are where filters are asked about, of a tenant or
// of the installation.
const (
	eventsPath  = "/v1/events"
	checkPath   = "/v1/jql/check"
	explainPath = "/v1/jql/explain"
)

func (s *Server) routes() {
	s.tenants, s.global = s.newRouter(), s.newRouter()
	s.tenants.POST(eventsPath, s.publish)
	s.tenants.POST(eventsPath+"/{system}", s.publish)
	s.tenants.POST(checkPath, s.forPublisher(s.checkFilter))
	s.tenants.POST(explainPath, s.forPublisher(s.explainFilter))
	for _, f := range s.options.Engine.Options().Flavors {
		for _, r := range f.Routes() {
			s.tenants.Handle(r.Method, r.Path, s.flavored(r.Handle))
		}
	}
	s.global.GET("/v1", s.forAdmin(s.about))
	s.global.POST(checkPath, s.forAdmin(s.checkFilter))
	s.global.POST(explainPath, s.forAdmin(s.explainFilter))
	s.global.GET("/v1/tenants", s.forAdmin(s.listTenants))
	s.global.GET("/v1/tenants/{tenant}", s.forAdmin(s.getTenant))
	s.global.PUT("/v1/tenants/{tenant}", s.forAdmin(s.putTenant))
	s.global.DELETE("/v1/tenants/{tenant}", s.forAdmin(s.deleteTenant))
	s.global.POST("/v1/tenants/{tenant}/tokens", s.forAdmin(s.createTenantToken))
	s.global.GET("/v1/tenants/{tenant}/apps", s.forAdmin(s.listApps))
	s.global.GET("/v1/tenants/{tenant}/apps/{app}", s.forAdmin(s.getApp))
	s.global.PUT("/v1/tenants/{tenant}/apps/{app}", s.forAdmin(s.putApp))
	s.global.DELETE("/v1/tenants/{tenant}/apps/{app}", s.forAdmin(s.deleteApp))
	s.global.POST("/v1/tenants/{tenant}/apps/{app}/tokens", s.forAdmin(s.createAppToken))
}

func (s *Server) newRouter() *router.Router {
	r := router.New()
	// An API answers for the path that was asked for; a redirect would make a client repeat a POST
	// somewhere else.
	r.RedirectTrailingSlash = false
	r.RedirectFixedPath = false
	r.SaveMatchedRoutePath = true
	r.NotFound = func(ctx *fasthttp.RequestCtx) {
		s.fail(ctx, 404, "not_found", "There is nothing at %s.", ctx.Path())
	}
	r.MethodNotAllowed = func(ctx *fasthttp.RequestCtx) {
		s.fail(ctx, 405, "method_not_allowed", "%s is not possible at %s; allowed: %s.", ctx.Method(), ctx.Path(), ctx.Response.Header.Peek("Allow"))
	}
	return r
}

// flavored hands requests to a flavour's handler.
func (s *Server) flavored(h flavor.Handler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		h(&flavor.Call{
			HTTP: ctx, Context: s.work, Tenant: tenantOf(ctx), Registry: s.options.Engine.Registry(),
			Keys: s.options.Engine.Keys(), Drop: s.options.Engine.Drop, Wake: s.options.Engine.Wake, Failed: s.options.Engine.Failed,
			Admin: s.isAdmin(&ctx.Request.Header),
		})
	}
}

// handle answers one request: it finds out whom it is addressed to, and hands it to the right router.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	start := time.Now()
	defer s.finish(ctx, start)
	a := s.enter(ctx)
	encoding := ctx.Request.Header.ContentEncoding()
	switch {
	case s.work.Err() != nil: // Run is over, and the engine may be closed
		flavor.RetryAfter(ctx, 1)
		s.fail(ctx, 503, "stopping", stopping)
	case len(encoding) > 0:
		s.fail(ctx, 415, "unsupported_encoding", "The body has Content-Encoding %s; send it without.", encoding)
	case a.tenant != nil:
		s.tenants.Handler(ctx)
	case a.prefix != "":
		s.fail(ctx, 404, "unknown_tenant", "There is no tenant %q.", a.id)
	default:
		s.global.Handler(ctx)
	}
}

// finish turns a panic into a 500, logs failures that the client was not told, and counts the request.
func (s *Server) finish(ctx *fasthttp.RequestCtx, start time.Time) {
	if p := recover(); p != nil {
		s.requests.panics.Inc()
		s.options.Logger.Error("a request panicked", "panic", p, "path", string(ctx.Path()), "stack", string(debug.Stack()))
		s.fail(ctx, 500, "internal", "The request failed; see the server's log.")
	}
	if err, ok := ctx.UserValue(flavor.ErrorKey).(error); ok {
		s.options.Logger.Error("a request failed", "err", err, "method", string(ctx.Method()), "path", string(ctx.Path()))
	}
	s.requests.observe(ctx, time.Since(start))
}
