package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// query reads the parameters of a request one by one. The first that is wrong is kept until refused is asked; what is
// read after it has no meaning.
type query struct {
	ctx     *fasthttp.RequestCtx
	problem string
}

func queryOf(ctx *fasthttp.RequestCtx) *query { return &query{ctx: ctx} }

// refused answers the request if something is wrong with a parameter that was read.
func (q *query) refused() bool {
	if q.problem == "" {
		return false
	}
	problem(q.ctx, 400, "invalid_parameter", "%s.", q.problem)
	return true
}

func (q *query) wrong(format string, args ...any) {
	if q.problem == "" {
		q.problem = fmt.Sprintf(format, args...)
	}
}

// text returns a parameter, "" where it is not there.
func (q *query) text(name string) string {
	args := q.ctx.QueryArgs()
	v := string(args.Peek(name))
	if v == "" && args.Has(name) {
		q.wrong("The parameter %s is empty; leave it out, or give it a value", name)
	}
	return v
}

// oneOf returns a parameter that has one of some values, "" where it is not there.
func (q *query) oneOf(name string, values ...string) string {
	v := q.text(name)
	if v != "" && !slices.Contains(values, v) {
		q.wrong("The parameter %s is %q; use one of %s", name, v, strings.Join(values, ", "))
	}
	return v
}

// flag returns a parameter that is true or false, false where it is not there.
func (q *query) flag(name string) bool { return q.oneOf(name, "true", "false") == "true" }

// number returns a parameter that is a number from 1 on, 0 where it is not there.
func (q *query) number(name string) int64 {
	v := q.text(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		q.wrong("The parameter %s is %q; use a positive number", name, v)
	}
	return n
}

// time returns a parameter that is a time, the zero time where it is not there.
func (q *query) time(name string) time.Time {
	v := q.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		q.wrong("The parameter %s is %q; use a time as RFC 3339 has it, such as 2026-03-01T09:00:00Z, with + written as %%2B", name, v)
	}
	return t
}

// knowing refuses requests with a parameter that is not among the names, so that a misspelt filter is not taken for
// none, or that is there twice.
func knowing(names string, h fasthttp.RequestHandler) fasthttp.RequestHandler {
	known := strings.Fields(names)
	return func(ctx *fasthttp.RequestCtx) {
		q, seen := queryOf(ctx), map[string]bool{}
		for key := range ctx.QueryArgs().All() {
			name := string(key)
			switch {
			case len(known) == 0:
				q.wrong("There is a parameter %q; none is known here", name)
			case !slices.Contains(known, name):
				q.wrong("There is no parameter %q; known here: %s", name, strings.Join(known, ", "))
			case seen[name]:
				q.wrong("The parameter %s is there twice", name)
			}
			seen[name] = true
		}
		if !q.refused() {
			h(ctx)
		}
	}
}
