package server

import (
	"context"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"
)

// Work that a stop cut off did not fail: the client is told to send it again.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		err := fmt.Errorf("accepting: %w", cause)
		var event, change fasthttp.RequestCtx
		status, body := refusal(&event, err)
		refuse(&change, err)
		if status != 503 || body.Code != "stopping" || change.Response.StatusCode() != 503 {
			t.Errorf("%v: an event is answered %d %+v, a change %d", cause, status, body, change.Response.StatusCode())
		}
		for _, ctx := range []*fasthttp.RequestCtx{&event, &change} {
			if after := string(ctx.Response.Header.Peek("Retry-After")); after != "1" {
				t.Errorf("%v: Retry-After is %q", cause, after)
			}
		}
	}
}
