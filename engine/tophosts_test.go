package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"hookline/engine"
	"hookline/engine/dispatch"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// manyHosts registers webhooks for everything in project P0, P1 and so on, each at a host of its own.
func manyHosts(t testing.TB, e *engine.Engine, n int) {
	t.Helper()
	if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		app := webhook.Owner{Tenant: owner.Tenant, App: fmt.Sprint("app", i)}
		if err := e.PutApp(ctx, webhook.App{Tenant: app.Tenant, Key: app.App}); err != nil {
			t.Fatal(err)
		}
		results, err := e.Register(ctx, engine.Registration{
			Owner: app, URL: fmt.Sprintf("http://host%d.example/hook", i),
			Webhooks: []registry.Item{{Filter: fmt.Sprintf("project = P%d", i), Events: []string{"jira:issue_updated"}}},
		})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(err, results)
		}
	}
}

// Backlogs are there for hosts that are down and for paused ones, also after a restart, and go with what was delivered.
func TestTopHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{down: true}
		o := l.options(vfs.NewMem())
		o.Breaker = engine.Breaker{Failures: 3, Open: time.Hour}
		e := open(t, o)
		manyHosts(t, e, 4)
		paused := e.Registry().EndpointsOf(webhook.Owner{Tenant: owner.Tenant, App: "app3"}, jira.DynamicFlavor)[0].ID
		if _, err := e.Pause(ctx, owner.Tenant, paused); err != nil {
			t.Fatal(err)
		}
		send := func(host, n int) {
			for range n {
				if _, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: body(fmt.Sprint("P", host), n)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(1, 40)
		send(2, 50)
		send(3, 45)
		time.Sleep(time.Minute)
		top := func(order engine.HostOrder, n int) (names []string) {
			for _, h := range e.TopHosts(order, n, nil) {
				names = append(names, h.Host.Address)
			}
			return names
		}
		if got := top(engine.ByBacklog, 2); !slices.Equal(got, []string{"host2.example:80", "host3.example:80"}) {
			t.Errorf("by backlog %v", got)
		}
		if got := top(engine.ByFailures, 9); len(got) != 3 || got[2] != "host3.example:80" {
			t.Errorf("by failures %v", got)
		}
		sum := 0
		for h := range e.Hosts {
			sum += h.Backlog
			if h.Host.Address == "host3.example:80" && (h.Backlog != 45 || h.Failures != 0) {
				t.Errorf("the paused host: %+v", h)
			}
		}
		if want := int(e.Queue().Stats().Waiting); sum != want || sum < 100 {
			t.Errorf("backlogs are %d together, %d wait", sum, want)
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
		l.set(false)
		e = open(t, o)
		time.Sleep(time.Hour)
		list := e.TopHosts(engine.ByBacklog, 1, nil)
		if len(list) != 1 || list[0].Host.Address != "host3.example:80" || list[0].Backlog != 45 {
			t.Errorf("after a restart %+v", list)
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// The heap keeps what sorting everything would.
func TestTopOfMany(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, limit := rapid.IntRange(0, 200).Draw(rt, "hosts"), rapid.IntRange(0, 20).Draw(rt, "limit")
		var all []engine.HostState
		for i := range n {
			all = append(all, engine.HostState{
				HostState: dispatch.HostState{Host: dispatch.Host{Address: fmt.Sprintf("%03d", i)}},
				Backlog:   rapid.IntRange(0, 9).Draw(rt, "backlog"),
			})
		}
		got := engine.Top(all, engine.ByBacklog, limit)
		slices.SortStableFunc(all, func(a, b engine.HostState) int { return b.Backlog - a.Backlog })
		want := all[:min(n, limit)]
		if !slices.Equal(got, want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

// BenchmarkTopHosts is what the list costs with 10,000 hosts for which something waits.
func BenchmarkTopHosts(b *testing.B) {
	const hosts = 10_000
	o := options(vfs.NewMem(), &receiver{})
	o.Flavors[0] = jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ConnectLimit: hosts})
	e, err := engine.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(ctx)
	manyHosts(b, e, hosts)
	for _, ep := range e.Registry().Endpoints(owner.Tenant) {
		if _, err := e.Pause(ctx, owner.Tenant, ep.ID); err != nil {
			b.Fatal(err)
		}
	}
	events := make([]webhook.Event, hosts)
	for i := range events {
		events[i] = webhook.Event{Tenant: owner.Tenant, Body: body(fmt.Sprint("P", i), 1)}
	}
	for chunk := range slices.Chunk(events, 100) {
		e.PublishAll(ctx, chunk)
	}
	for b.Loop() {
		if list := e.TopHosts(engine.ByBacklog, 10, nil); len(list) != 10 {
			b.Fatal(list)
		}
	}
}
