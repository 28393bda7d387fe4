package server

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
)

// hostView is a host that deliveries of a tenant go to.
type hostView struct {
	Tenant    string    `json:"tenant"`
	Host      string    `json:"host"` // scheme, name and port
	InFlight  int       `json:"inFlight"`
	Backlog   int       `json:"backlog"`   // deliveries that wait
	Limit     int       `json:"limit"`     // of requests in flight, at present
	Endpoints int       `json:"endpoints"` // with something to send
	Failures  int       `json:"failures"`  // since the last success
	Breaker   string    `json:"breaker"`
	OpenUntil time.Time `json:"openUntil,omitzero"`
	HeldUntil time.Time `json:"heldUntil,omitzero"` // as it asked for with Retry-After

	HeldEndpoints      int       `json:"heldEndpoints"` // as they asked for with 429
	EndpointsHeldUntil time.Time `json:"endpointsHeldUntil,omitzero"`
	LimitedEndpoints   int       `json:"limitedEndpoints"` // that have a limit of their own since a 429
}

func viewHost(h engine.HostState) hostView {
	return hostView{
		Tenant: h.Host.Tenant, Host: h.Host.String(), InFlight: h.InFlight, Limit: h.Limit, Backlog: h.Backlog,
		Endpoints: h.Endpoints, Failures: h.Failures, Breaker: h.Breaker.String(), OpenUntil: h.OpenUntil.UTC(), HeldUntil: h.HeldUntil.UTC(),
		HeldEndpoints: h.HeldEndpoints, EndpointsHeldUntil: h.EndpointsHeldUntil.UTC(), LimitedEndpoints: h.LimitedEndpoints,
	}
}

// hostOrders are the values of the parameter sort.
var hostOrders = map[string]engine.HostOrder{"backlog": engine.ByBacklog, "failures": engine.ByFailures}

// listHosts answers the hosts in the order in which the engine has them, of tenant, address and scheme, or those with the
// most of something. The latter change places all the time, so there are no pages of them.
func (s *Server) listHosts(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	tenant := q.text("tenant")
	breaker := q.oneOf("breaker", engine.BreakerClosed.String(), engine.BreakerOpen.String(), engine.BreakerHalfOpen.String())
	order := hostOrders[q.oneOf("sort", slices.Sorted(maps.Keys(hostOrders))...)]
	p := q.page("hosts")
	if order != nil && p.after != "" {
		q.wrong("The parameter cursor is there beside sort; a sorted list has no further pages, use limit")
	}
	if q.refused() {
		return
	}
	asked := func(h *engine.HostState) bool {
		return (tenant == "" || h.Host.Tenant == tenant) && (breaker == "" || h.Breaker.String() == breaker)
	}
	var views []hostView
	if order != nil {
		for _, h := range s.options.Engine.TopHosts(order, p.limit, asked) {
			views = append(views, viewHost(h))
		}
		answerList(ctx, views, "")
		return
	}
	last, next := "", ""
	s.options.Engine.Hosts(func(h engine.HostState) bool {
		mark := markOf(h.Host)
		switch {
		case !asked(&h), !beyond(mark, p.after):
			return true
		case len(views) == p.limit:
			next = last
			return false
		}
		views, last = append(views, viewHost(h)), mark
		return true
	})
	answerList(ctx, views, p.cursor(next))
}

// markOf is a host's place in the list, as text. No part of a host has a space.
func markOf(h engine.Host) string { return h.Tenant + " " + h.Address + " " + h.Scheme }

// beyond says whether a place comes after another, part by part.
func beyond(mark, after string) bool {
	return after == "" || slices.CompareFunc(strings.Fields(mark), strings.Fields(after), cmp.Compare[string]) > 0
}

// resetHost closes the breaker of a host, and ends what it asked for.
func (s *Server) resetHost(ctx *fasthttp.RequestCtx) {
	var body struct {
		Tenant string `json:"tenant"`
		Host   string `json:"host"`
	}
	if !decode(ctx, &body) {
		return
	}
	if _, ok := s.options.Engine.Registry().Tenant(body.Tenant); !ok {
		problem(ctx, 404, "unknown_tenant", "There is no tenant %q.", body.Tenant)
		return
	}
	u, err := webhook.ParseURL(body.Host, true)
	if err != nil || strings.TrimSuffix(u.RequestURI(), "/") != "" {
		problem(ctx, 400, "invalid", "host is %q; send it as it is listed: scheme, name and port, such as https://hooks.example:443.", body.Host)
		return
	}
	host := engine.Host{Tenant: body.Tenant}
	host.Scheme, host.Address = webhook.HostOf(u)
	answer(ctx, 200, map[string]bool{"reset": s.options.Engine.ResetHost(host)})
}
