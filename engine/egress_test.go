package engine_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// TestGuardIsOn registers webhooks with an engine that was told nothing of where deliveries may go.
func TestGuardIsOn(t *testing.T) {
	t.Parallel()
	e := open(t, options(vfs.NewMem(), newReceiver(t, always(200))))
	install(t, e)
	for url, want := range map[string]string{
		"http://127.0.0.1:9000/":             "127.0.0.1 is not a public address",
		"http://127.0.0.1.:9000/":            "127.0.0.1 is not a public address",
		"https://[::ffff:169.254.169.254]/x": "is not a public address",
		"https://[fe80::1%25eth0]/":          "fe80::1%eth0 is not a public address",
		"http://2130706433/":                 "is a number",
		"http://LocalHost/":                  "localhost is a name of internal networks",
		"http://me:pw@127.0.0.1/":            "user information",
	} {
		_, err := e.Register(ctx, engine.Registration{
			Owner: owner, URL: url, Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}}},
		})
		var invalid *webhook.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestEgressOptionsAreChecked(t *testing.T) {
	t.Parallel()
	o := options(vfs.NewMem(), newReceiver(t, always(200)))
	o.Egress.Proxy, o.HostLimit = "nowhere", -1
	if _, err := engine.Open(o); err == nil || !strings.Contains(err.Error(), "egress.proxy") || !strings.Contains(err.Error(), "HostLimit") {
		t.Error(err)
	}
}

// inside is a resolver by which every name leads to this machine.
type inside struct{}

func (inside) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.IPv4(127, 0, 0, 1)}}, nil
}

// TestBlockedDelivery has the name of a webhook that could be registered lead to this machine.
func TestBlockedDelivery(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	o := optionsWith(vfs.NewMem(), newReceiver(t, always(200)), time.Millisecond)
	o.Dial, o.Egress.Resolver, o.Metrics = nil, inside{}, reg
	e := open(t, o)
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	for e.Queue().Stats().Dead == 0 {
		runtime.Gosched()
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "hookline_delivery_attempts_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			blocked := m.GetLabel()[0].GetValue() == string(webhook.ClassBlocked)
			if n := m.GetCounter().GetValue(); blocked != (n == 2) || !blocked && n != 0 {
				t.Errorf("%v: %v", m.GetLabel(), n)
			}
		}
	}
}

// TestAllowedDelivery is the same where this machine is allowed.
func TestAllowedDelivery(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.Host }))
	defer receiver.Close()
	o := optionsWith(vfs.NewMem(), newReceiver(t, always(200)), time.Millisecond)
	o.Dial, o.Egress = nil, egress.Options{Allow: egress.Loopback(), Resolver: inside{}}
	e := open(t, o)
	install(t, e)
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: "other"}); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(receiver.Listener.Addr().String())
	results, err := e.Register(ctx, engine.Registration{
		Owner: webhook.Owner{Tenant: owner.Tenant, App: "other"}, URL: "http://receiver.example:" + port + "/",
		Webhooks: []registry.Item{{Filter: "project = OTHER", Events: []string{"jira:issue_updated"}}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
	publish(t, e, webhook.Event{Body: body("OTHER", 1)})
	if host := <-arrived; host != "receiver.example:"+port {
		t.Errorf("the request was for %s", host)
	}
}
