package flavor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
)

func TestSetURL(t *testing.T) {
	for url, want := range map[string][2]string{
		"https://h.example":                {"h.example", "/"},
		"https://h.example/":               {"h.example", "/"},
		"https://h.example?q=1":            {"h.example", "/?q=1"},
		"http://H.example:8080/a//b/../c?": {"H.example:8080", "/a//b/../c?"},
		"https://[2001:db8::1]:1/%2e/?a/b": {"[2001:db8::1]:1", "/%2e/?a/b"},
		"https://h.example/?u=http://x/y":  {"h.example", "/?u=http://x/y"},
	} {
		var req fasthttp.Request
		flavor.SetURL(&req, url)
		if got := [2]string{string(req.Header.Host()), string(req.Header.RequestURI())}; got != want {
			t.Errorf("%s: host and target %q, want %q", url, got, want)
		}
	}
}

func TestStopped(t *testing.T) {
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, registry.ErrClosed, fmt.Errorf("changing a tenant: %w", registry.ErrClosed)} {
		if !flavor.Stopped(err) {
			t.Errorf("%v: not taken for the end of the server", err)
		}
	}
	if flavor.Stopped(errors.New("disk")) || flavor.Stopped(nil) {
		t.Error("another error is taken for the end of the server")
	}
}
