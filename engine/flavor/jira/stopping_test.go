package jira

import (
	"context"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
)

// Work that a stop cut off did not fail: the client is told to send it again.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		var ctx fasthttp.RequestCtx
		c := call{Call: &flavor.Call{HTTP: &ctx}}
		c.refuse(fmt.Errorf("registering: %w", cause))
		if after := string(ctx.Response.Header.Peek("Retry-After")); ctx.Response.StatusCode() != 503 || after != "1" {
			t.Errorf("%v: %d %s, Retry-After %q", cause, ctx.Response.StatusCode(), ctx.Response.Body(), after)
		}
	}
}
