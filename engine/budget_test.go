package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// TestMemoryBudget: more tenants than there is memory for get their events, before and after a restart.
func TestMemoryBudget(t *testing.T) {
	const tenants, webhooks = 40, 30
	fs := vfs.NewMem()
	o := options(fs, newReceiver(t, always(200)))
	o.CacheSize, o.MemoryBudget = 1<<20, 3<<20
	start := func() (*engine.Engine, *prometheus.Registry) {
		o.Metrics = prometheus.NewRegistry()
		return open(t, o), o.Metrics.(*prometheus.Registry)
	}
	e, _ := start()
	id := func(n int) string { return fmt.Sprint("t", n) }
	for n := range tenants {
		if err := errors.Join(e.PutTenant(ctx, webhook.Tenant{ID: id(n)}), e.PutApp(ctx, webhook.App{Tenant: id(n), Key: "ci"})); err != nil {
			t.Fatal(err)
		}
		var items []registry.Item
		for i := range webhooks {
			items = append(items, registry.Item{Filter: fmt.Sprintf("project = EX AND status != S%d", i), Events: []string{"jira:issue_updated"}})
		}
		results, err := e.Register(ctx, engine.Registration{Owner: webhook.Owner{Tenant: id(n), App: "ci"}, URL: "http://receiver.example/hook", Webhooks: items})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(err, results)
		}
	}
	about := []byte(`{"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"EX"},"status":{"name":"S0"}}}}`)
	publish := func() {
		t.Helper()
		for n := range 2 * tenants {
			r, err := e.Publish(ctx, webhook.Event{Tenant: id(n * 7 % tenants), Body: about})
			if err != nil || r.Matched != webhooks-1 {
				t.Fatalf("%+v, %v", r, err)
			}
		}
	}
	publish()
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	e, metrics := start()
	if m := e.Registry().Memory(); m.Loads != 0 {
		t.Errorf("webhooks were read by opening: %+v", m)
	}
	publish()
	figures := map[string]float64{}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		figures[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
	}
	if m := e.Registry().Memory(); m.Evictions == 0 || m.Bytes > o.MemoryBudget/5*2-o.CacheSize {
		t.Errorf("%+v", m)
	}
	if figures["hookline_tenant_loads_total"] < tenants || figures["hookline_tenant_evictions_total"] == 0 || figures["hookline_tenant_load_seconds_total"] <= 0 ||
		figures["hookline_loaded_tenants"] < 1 || figures["hookline_loaded_tenants"] >= tenants || figures["hookline_loaded_bytes"] <= 0 {
		t.Errorf("%v", figures)
	}
}

// TestColdPublishAfterClose: the webhooks of a tenant cannot be read then, which is no other error than that nothing is taken in.
func TestColdPublishAfterClose(t *testing.T) {
	fs := vfs.NewMem()
	o := options(fs, newReceiver(t, always(200)))
	e := open(t, o)
	install(t, e)
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	e = open(t, o)
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: body("EX", 1)}); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("published: %v", err)
	}
	if _, err := e.Registry().All(owner.Tenant); !errors.Is(err, registry.ErrClosed) {
		t.Errorf("listed: %v", err)
	}
}

func TestMemoryBudgetHoldsTheCache(t *testing.T) {
	o := options(vfs.NewMem(), newReceiver(t, always(200)))
	for budget, want := range map[int64]string{-1: "MemoryBudget is negative", 20 << 20: "two fifths of it must be more than CacheSize, which is 8388608"} {
		o.MemoryBudget = budget
		if _, err := engine.Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", budget, err)
		}
	}
}
