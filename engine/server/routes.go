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

// route is an operation of the native API. Query names the parameters that it reads.
type route struct {
	method, path string
	handle       fasthttp.RequestHandler
	query        string
}

func (s *Server) routes() {
	s.tenants, s.global = s.newRouter(), s.newRouter()
	for _, r := range s.tenantRoutes() {
		s.tenants.Handle(r.method, r.path, r.handle)
	}
	for _, f := range s.options.Engine.Options().Flavors {
		for _, r := range f.Routes() {
			s.tenants.Handle(r.Method, r.Path, s.flavored(r.Handle))
		}
	}
	for _, r := range s.installationRoutes() {
		s.global.Handle(r.method, r.path, r.handle)
	}
}

// documented is the route of the API's description, which needs no credentials.
func (s *Server) documented() route {
	return route{"GET", "/v1/openapi.json", knowing("", s.document), ""}
}

// tenantRoutes are the native API of a tenant.
func (s *Server) tenantRoutes() []route {
	var list []route
	add := func(method, path string, handle fasthttp.RequestHandler, query string) {
		list = append(list, route{method, path, s.forPublisher(knowing(query, handle)), query})
	}
	for _, path := range []string{eventsPath, eventsPath + "/{system}"} {
		list = append(list, route{"POST", path, s.forEvents(knowing("dry_run", s.publish)), "dry_run"})
	}
	list = append(list, s.documented())
	add("POST", checkPath, s.checkFilter, "")
	add("POST", explainPath, s.explainFilter, "")
	add("GET", "/v1/status", s.getTenantStatus, "")
	add("GET", "/v1/index", s.getIndex, "before limit")
	add("GET", "/v1/webhooks", s.listWebhooks, "flavor app user url event state limit cursor")
	add("GET", "/v1/webhooks/{id}", s.getWebhook, "")
	add("PATCH", "/v1/webhooks/{id}", s.patchWebhook, "")
	add("DELETE", "/v1/webhooks/{id}", s.deleteWebhook, "")
	add("POST", "/v1/webhooks/{id}/secret", s.createWebhookSecret, "")
	add("POST", "/v1/webhooks/{id}/pause", s.switching(s.options.Engine.Pause), "")
	add("POST", "/v1/webhooks/{id}/resume", s.switching(s.options.Engine.Resume), "")
	add("POST", "/v1/webhooks/{id}/enable", s.switching(s.options.Engine.Enable), "")
	add("POST", "/v1/webhooks/{id}/unpark", s.switching(s.options.Engine.Unpark), "")
	add("GET", "/v1/webhooks/{id}/signing", s.listSigning, "")
	add("PUT", "/v1/webhooks/{id}/signing/{kind}", s.putSigning, "")
	add("DELETE", "/v1/webhooks/{id}/signing/{kind}", s.deleteSigning, "")
	add("POST", "/v1/webhooks/{id}/signing/{kind}/rotate", s.rotateSigning, "")
	add("POST", "/v1/webhooks/{id}/signing/{kind}/end-overlap", s.endSigningOverlap, "")
	add("GET", "/v1/deliveries", s.listDeliveries, "status webhook reason since until limit cursor")
	add("GET", "/v1/deliveries/{id}", s.getDelivery, "")
	add("DELETE", "/v1/deliveries/{id}", s.discardDelivery, "")
	add("GET", "/v1/deliveries/{id}/body", s.getDeliveryBody, "")
	add("POST", "/v1/deliveries/{id}/resend", s.resend, "")
	add("GET", "/v1/attempts", s.listAttempts, "webhook outcome code since until limit cursor")
	add("GET", "/v1/replays", s.listReplays, "limit cursor")
	add("POST", "/v1/replays", s.startReplay, "")
	add("GET", "/v1/replays/{id}", s.getReplay, "")
	add("DELETE", "/v1/replays/{id}", s.cancelReplay, "")
	return list
}

// installationRoutes are the installation's own.
func (s *Server) installationRoutes() []route {
	var list []route
	add := func(method, path string, handle fasthttp.RequestHandler, query string) {
		list = append(list, route{method, path, s.forAdmin(knowing(query, handle)), query})
	}
	add("GET", "/v1", s.about, "")
	list = append(list, s.documented())
	add("GET", "/v1/status", s.getStatus, "")
	add("POST", checkPath, s.checkFilter, "")
	add("POST", explainPath, s.explainFilter, "")
	add("GET", "/v1/tenants", s.listTenants, "limit cursor")
	add("GET", "/v1/tenants/{tenant}", s.getTenant, "")
	add("PUT", "/v1/tenants/{tenant}", s.putTenant, "")
	add("DELETE", "/v1/tenants/{tenant}", s.deleteTenant, "")
	add("POST", "/v1/tenants/{tenant}/tokens", s.createTenantToken, "")
	add("GET", "/v1/tenants/{tenant}/postfunctions", s.getPostFunctions, "")
	add("PUT", "/v1/tenants/{tenant}/postfunctions", s.putPostFunctions, "")
	add("GET", "/v1/tenants/{tenant}/apps", s.listApps, "limit cursor")
	add("GET", "/v1/tenants/{tenant}/apps/{app}", s.getApp, "")
	add("PUT", "/v1/tenants/{tenant}/apps/{app}", s.putApp, "")
	add("DELETE", "/v1/tenants/{tenant}/apps/{app}", s.deleteApp, "")
	add("POST", "/v1/tenants/{tenant}/apps/{app}/tokens", s.createAppToken, "")
	add("POST", "/v1/tenants/{tenant}/apps/{app}/secrets", s.rotateSecret, "")
	add("DELETE", "/v1/tenants/{tenant}/apps/{app}/secrets/previous", s.endOverlap, "")
	add("GET", "/v1/tenants/{tenant}/apps/{app}/descriptor", s.getDescriptor, "")
	add("PUT", "/v1/tenants/{tenant}/apps/{app}/descriptor", s.putDescriptor, "")
	add("DELETE", "/v1/tenants/{tenant}/apps/{app}/descriptor", s.deleteDescriptor, "")
	add("GET", "/v1/hosts", s.listHosts, "tenant breaker sort limit cursor")
	add("POST", "/v1/hosts/reset", s.resetHost, "")
	add("GET", "/v1/store", s.getStore, "")
	add("POST", "/v1/backups", s.createBackup, "")
	return list
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
