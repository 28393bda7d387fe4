package registry_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// separate is the rules of webhooks that have an endpoint each.
func separate() *registry.Rules {
	r := *rules
	r.Flavor, r.Separate, r.Life = "separate", true, 0
	r.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }
	return &r
}

// TestChange: a webhook that is changed matches by what it is now, before and after a restart, and keeps its number
// and endpoint.
func TestChange(t *testing.T) {
	r, m := opened(t)
	rules := separate()
	results, err := r.Register(ctx, rules, owner, "https://r/1", []registry.Item{item("project = EX", updated)})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(results, err)
	}
	id := results[0].ID
	body := issueEvent(updated, `"project":{"key":"EX"}`)
	steps := []struct {
		name   string
		change func(url *string, i *registry.Item)
		want   int
	}{
		{"nothing", func(*string, *registry.Item) {}, 1},
		{"filter", func(_ *string, i *registry.Item) { i.Filter = "project = OTHER" }, 0},
		{"filter back, other URL", func(url *string, i *registry.Item) { *url, i.Filter = "https://r/2", "project = EX" }, 1},
		{"disabled", func(_ *string, i *registry.Item) { i.Settings = &webhook.Settings{Disabled: true} }, 0},
		{"enabled", func(_ *string, i *registry.Item) { i.Settings = nil }, 1},
		{"other events", func(_ *string, i *registry.Item) { i.Events = []string{"jira:issue_deleted"} }, 0},
	}
	for _, step := range steps {
		w, result, err := r.Change(ctx, rules, owner, id, func(url *string, i *registry.Item) error {
			step.change(url, i)
			return nil
		})
		if err != nil || len(result.Errors) > 0 || w.ID != id {
			t.Fatalf("%s: %+v, %+v, %v", step.name, w, result, err)
		}
		if e, ok := r.Endpoint(w.Endpoint); !ok || e.URL != w.URL || e.Webhook != id {
			t.Errorf("%s: endpoint %+v of %+v", step.name, e, w)
		}
		if got := match(t, r, body); len(got) != step.want {
			t.Errorf("%s: matched %v", step.name, got)
		}
		if got := match(t, open(t, m), body); len(got) != step.want {
			t.Errorf("%s: after a restart matched %v", step.name, got)
		}
	}
	if _, _, err := r.Change(ctx, rules, owner, id+1, func(*string, *registry.Item) error { return nil }); err != registry.ErrUnknownWebhook {
		t.Errorf("an unknown number: %v", err)
	}
}

// TestChangeWhileRead: readers of endpoints see whole ones while these move.
func TestChangeWhileRead(t *testing.T) {
	r, _ := opened(t)
	rules := separate()
	results, err := r.Register(ctx, rules, owner, "https://r/0", []registry.Item{item("", updated)})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(results, err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := range 200 {
			_, _, err := r.Change(ctx, rules, owner, results[0].ID, func(url *string, _ *registry.Item) error {
				*url = fmt.Sprint("https://r/", i)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			for {
				for _, e := range r.EndpointsOf(owner, rules.Flavor) {
					if e.Webhook != results[0].ID {
						t.Errorf("endpoint %+v", e)
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	if err := r.Sweep(ctx, time.Now().Add(48*time.Hour), func(string) time.Duration { return 0 }, func(uint64) {}, func(uint64) bool { return true }); err != nil {
		t.Error(err)
	}
	if len(r.EndpointsOf(owner, rules.Flavor)) != 1 {
		t.Error("the endpoint of a webhook that is registered was swept")
	}
}
