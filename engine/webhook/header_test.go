package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Accept-Language", "X-Team", "User-Agent", "Content-Type", "content_type", "X-Api-Key", "Cookie", "Webhooks", "X-Hub", "Contents", "CFO", "!#$%&'*+-.^_`|~09azAZ",
	} {
		if err := webhook.CheckHeader(name, "a value, with \t all ~"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{
		"Host", "connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "HTTP2-Settings", "Content-Length", "CONTENT-ENCODING", "content-digest",
		"Cache-Control", "Forwarded", "Via", "X-Forwarded-For", "X_Forwarded_Host", "X-Real-IP", "webhook-id", "Webhook-Signature",
		"WEBHOOK-TIMESTAMP", "X-Hub-Signature", "X-Hub-Signature-256", "X-Hookline-Delivery", "X-Atlassian-Webhook-Identifier",
		"X-Amz-Date", "x-amzn-trace-id", "X-aws-ec2-metadata-token", "X-Google-Anything", "X-Goog-Signature", "X-GFE-x", "X-Azure-Ref",
		"X-FD-HealthProbe", "CF-Connecting-IP", "Metadata", "Metadata-Flavor",
	} {
		var invalid *webhook.InvalidError
		if err := webhook.CheckHeader(name, "v"); !errors.As(err, &invalid) || !strings.Contains(err.Error(), name+" may not be set: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", " ", "A B", "A:", "A\r\nB", "Ä", "A\x00", "(a)"} {
		if err := webhook.CheckHeader(name, "v"); err == nil || !strings.Contains(err.Error(), "a name that no header may have") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, value := range []string{"a\r\nHost: evil", "a\nb", "a\rb", "\x00", "\x1b[31m", "a\x7f", "ü", "\xff"} {
		if err := webhook.CheckHeader("X-A", value); err == nil || strings.Contains(err.Error(), value) || !strings.Contains(err.Error(), "X-A") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// FuzzCheckHeader: a header that is accepted is one header of one line in the request, and comes to the receiver as it was
// given.
func FuzzCheckHeader(f *testing.F) {
	for _, name := range []string{"X-Team", "Host", "X_Forwarded_For", "A\r\nB", "Content-Type", "Cookie", "Authorization"} {
		f.Add(name, "a value")
		f.Add(name, "a\r\nHost: evil")
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if webhook.CheckHeader(name, value) != nil || strings.EqualFold(name, "cookie") { // which fasthttp takes apart
			return
		}
		var h fasthttp.RequestHeader
		h.SetHost("receiver.example")
		h.SetContentType("application/json")
		h.SetUserAgent("x")
		before := strings.Count(h.String(), "\r\n")
		h.Set(name, value)
		if got := string(h.Peek(name)); got != value {
			t.Errorf("%q comes as %q instead of %q", name, got, value)
		}
		if n := strings.Count(h.String(), "\r\n"); n > before+1 || string(h.Host()) != "receiver.example" {
			t.Errorf("%q with %q makes a request of\n%s", name, value, h.String())
		}
	})
}
