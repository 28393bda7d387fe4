package server

import (
	"encoding/json"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/inspect"
	"hookline/engine/webhook"
	"hookline/jql"
)

// checkFilter answers whether a text is a filter, and within the limits of what may be registered here.
func (s *Server) checkFilter(ctx *fasthttp.RequestCtx) {
	body := struct {
		JQL     *string `json:"jql"`
		Dialect string  `json:"dialect"`
	}{Dialect: "full"}
	if !decode(ctx, &body) {
		return
	}
	if dialect, ok := s.dialect(ctx, body.JQL, body.Dialect); ok {
		dialect.Limits = s.options.Engine.Options().Limits.Filter
		answer(ctx, 200, inspect.Check(dialect, *body.JQL))
	}
}

// explainFilter answers whether a filter selects an event, and why. Its errors about the event have the offset and
// pointer in the event.
func (s *Server) explainFilter(ctx *fasthttp.RequestCtx) {
	body := struct {
		JQL     *string         `json:"jql"`
		Event   json.RawMessage `json:"event"`
		Dialect string          `json:"dialect"`
		Now     *time.Time      `json:"now"`
	}{Dialect: "extended"}
	// What is wrong within the event is for its own reader to tell.
	if !decode(ctx, &body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return
	}
	dialect, ok := s.dialect(ctx, body.JQL, body.Dialect)
	if !ok {
		return
	}
	if body.Event == nil {
		problem(ctx, 400, "invalid", "event is missing; send the body of an event.")
		return
	}
	if limit := s.options.Engine.Options().MaxBody; len(body.Event) > limit {
		s.refuseEvent(ctx, &engine.TooLargeError{Size: len(body.Event), Limit: limit})
		return
	}
	now := time.Now()
	if body.Now != nil {
		now = *body.Now
	}
	explained, err := inspect.Explain(dialect, *body.JQL, body.Event, now)
	problems := inspect.Problems(err)
	switch {
	case len(problems) > 0:
		badFilter(ctx, problems)
	case err != nil:
		s.refuseEvent(ctx, err)
	default:
		answer(ctx, 200, explained)
	}
}

func (s *Server) refuseEvent(ctx *fasthttp.RequestCtx, err error) {
	status, body := refusal(ctx, err)
	answer(ctx, status, failure{Error: body})
}

// dialect returns the dialect that a request names, on the site that it is addressed to; the installation has none,
// and gets the settings of a tenant that is told nothing. Where the name is wrong, or there is no filter, the request
// is answered.
func (s *Server) dialect(ctx *fasthttp.RequestCtx, filter *string, name string) (*jql.Dialect, bool) {
	if filter == nil {
		problem(ctx, 400, "invalid", `jql is missing; send the filter, or "" for the empty one.`)
		return nil, false
	}
	var env jql.Env
	if t, ok := ctx.UserValue(tenantKey).(*webhook.Tenant); ok {
		if env, ok = s.options.Engine.Registry().Env(t.ID); !ok {
			problem(ctx, 404, "unknown_tenant", "The tenant is gone.")
			return nil, false
		}
	}
	d, err := webhook.Dialect(name, env)
	if err != nil {
		refuse(ctx, err)
		return nil, false
	}
	return d, true
}
