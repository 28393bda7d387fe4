package server

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

// tenantKey holds the *webhook.Tenant that a request is addressed to.
const tenantKey = "hookline.tenant"

func (s *Server) routes() {
	s.tenants, s.global = newRouter(), newRouter()
	s.tenants.POST("/v1/events", s.publish)
	for _, f := range s.options.Engine.Options().Flavors {
		for _, r := range f.Routes() {
			s.tenants.Handle(r.Method, r.Path, s.flavored(r.Handle))
		}
	}
	s.global.GET("/v1", s.forAdmin(s.about))
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

func newRouter() *router.Router {
	r := router.New()
	// An API answers for the path that was asked for; a redirect would make a client repeat a POST
	// somewhere else.
	r.RedirectTrailingSlash = false
	r.RedirectFixedPath = false
	r.SaveMatchedRoutePath = true
	r.NotFound = func(ctx *fasthttp.RequestCtx) {
		problem(ctx, 404, "not_found", "There is nothing at %s.", ctx.Path())
	}
	r.MethodNotAllowed = func(ctx *fasthttp.RequestCtx) {
		problem(ctx, 405, "method_not_allowed", "%s is not possible at %s; allowed: %s.", ctx.Method(), ctx.Path(), ctx.Response.Header.Peek("Allow"))
	}
	return r
}

// flavored gives a flavour's handler the tenant and the registry.
func (s *Server) flavored(h flavor.Handler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) { h(ctx, tenantOf(ctx), s.options.Engine.Registry()) }
}

func tenantOf(ctx *fasthttp.RequestCtx) *webhook.Tenant {
	return ctx.UserValue(tenantKey).(*webhook.Tenant)
}

// handle answers one request: it finds out whom it is addressed to, and hands it to the right router.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	start := time.Now()
	defer s.finish(ctx, start)
	if len(ctx.Request.Header.ContentEncoding()) > 0 {
		problem(ctx, 415, "unsupported_encoding", "The body has Content-Encoding %s; send it without.", ctx.Request.Header.ContentEncoding())
		return
	}
	if rest, ok := strings.CutPrefix(string(ctx.Path()), "/t/"); ok {
		id, path, _ := strings.Cut(rest, "/")
		t, known := s.options.Engine.Registry().Tenant(id)
		if !known {
			problem(ctx, 404, "unknown_tenant", "There is no tenant %q.", id)
			return
		}
		ctx.SetUserValue(flavor.PrefixKey, "/t/"+id)
		ctx.URI().SetPath("/" + path)
		s.serveTenant(ctx, t)
		return
	}
	if t, ok := s.options.Engine.Registry().TenantOfHost(hostOf(ctx)); ok {
		s.serveTenant(ctx, t)
		return
	}
	s.global.Handler(ctx)
}

func (s *Server) serveTenant(ctx *fasthttp.RequestCtx, t *webhook.Tenant) {
	ctx.SetUserValue(tenantKey, t)
	s.tenants.Handler(ctx)
}

// hostOf returns the name that the client called by: lower case, without port and final dot.
func hostOf(ctx *fasthttp.RequestCtx) string {
	host := strings.ToLower(string(ctx.Host()))
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// finish turns a panic into a 500, logs failures that the client was not told, and counts the request.
func (s *Server) finish(ctx *fasthttp.RequestCtx, start time.Time) {
	if p := recover(); p != nil {
		s.requests.panics.Inc()
		s.options.Logger.Error("a request panicked", "panic", p, "path", string(ctx.Path()), "stack", string(debug.Stack()))
		problem(ctx, 500, "internal", "The request failed; see the server's log.")
	}
	if err, ok := ctx.UserValue(flavor.ErrorKey).(error); ok {
		s.options.Logger.Error("a request failed", "err", err, "method", string(ctx.Method()), "path", string(ctx.Path()))
	}
	s.requests.observe(ctx, time.Since(start))
}

// badRequest answers what fasthttp could not read as a request.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.options.Engine.CountRejected(engine.RejectedTooLarge)
		problem(ctx, 413, "too_large", "The request body is larger than %d bytes.", s.http.MaxRequestBodySize)
	case errors.As(err, &small):
		problem(ctx, 431, "headers_too_large", "The request's headers are too large.")
	case isTimeout(err):
		problem(ctx, 408, "timeout", "The request did not arrive in time.")
	default:
		problem(ctx, 400, "bad_request", "The request cannot be read as HTTP.")
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// problem answers with the native API's error form.
func problem(ctx *fasthttp.RequestCtx, status int, code, format string, args ...any) {
	answer(ctx, status, failure{Error: failureBody{Code: code, Message: fmt.Sprintf(format, args...)}})
}

type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Offset  *int64 `json:"offset,omitempty"`  // byte in the body where the problem is
	Pointer string `json:"pointer,omitempty"` // JSON Pointer (RFC 6901) to it, where there is one
}
