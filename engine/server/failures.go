package server

import (
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/inspect"
)

// failure is the native API's error form.
type failure struct {
	Error failureBody `json:"error"`

	// Errors are those of a filter, each with its place in the text; Error has the first.
	Errors []inspect.Problem `json:"errors,omitempty"`
}

type failureBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Offset  *int64 `json:"offset,omitempty"`  // byte in the body where the problem is
	Pointer string `json:"pointer,omitempty"` // JSON Pointer (RFC 6901) to it, where there is one

	// Problems are all that is wrong, where that may be several things; Message has the first.
	Problems []string `json:"problems,omitempty"`
}

// problem answers with the native API's error form.
func problem(ctx *fasthttp.RequestCtx, status int, code, format string, args ...any) {
	answer(ctx, status, failure{Error: failureBody{Code: code, Message: fmt.Sprintf(format, args...)}})
}

// badFilter answers a request whose filter is none.
func badFilter(ctx *fasthttp.RequestCtx, problems []inspect.Problem) {
	answer(ctx, 400, failure{Error: failureBody{Code: "invalid_filter", Message: problems[0].Message}, Errors: problems})
}

func answer(ctx *fasthttp.RequestCtx, status int, v any) {
	flavor.Answer(ctx, status, "application/json", v)
}

// fail answers a request that came to no handler: in the form of the flavour whose paths it asked for, which is all
// that a client of that system can read, or else in the native one. Where the paths of flavours overlap, the one that
// is the most particular about them answers.
func (s *Server) fail(ctx *fasthttp.RequestCtx, status int, code, format string, args ...any) {
	path := string(ctx.Path())
	var nearest flavor.Flavor
	for _, f := range s.options.Engine.Options().Flavors {
		if strings.HasPrefix(path, f.Base()) && (nearest == nil || len(f.Base()) > len(nearest.Base())) {
			nearest = f
		}
	}
	if nearest != nil {
		nearest.Fail(ctx, status, fmt.Sprintf(format, args...))
		return
	}
	problem(ctx, status, code, format, args...)
}

// stopping is what a client is told when the server does not carry out its request any more.
const stopping = "The server is stopping; send the request again."

// badRequest answers what fasthttp could not read as a request.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	a := s.enter(ctx)
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.tooLarge(ctx, a)
	case errors.As(err, &small):
		s.fail(ctx, 431, "headers_too_large", "The request's headers are too large.")
	case isTimeout(err):
		s.fail(ctx, 408, "timeout", "The request did not arrive in time.")
	default:
		s.fail(ctx, 400, "bad_request", "The request cannot be read as HTTP.")
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
