package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// A 410 that answers an attempt from before the endpoint was led elsewhere or enabled disables nothing, and what failed
// before is not held against it after that.
func TestLateAnswers(t *testing.T) {
	const before, after = "http://receiver.example/before", "http://receiver.example/after"
	rules := jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}).Rules()
	for name, renew := range map[string]func(t *testing.T, e *engine.Engine, ep *webhook.Endpoint, id int64){
		"moved": func(t *testing.T, e *engine.Engine, _ *webhook.Endpoint, id int64) {
			_, r, err := e.Registry().Change(ctx, rules, webhook.Owner{Tenant: owner.Tenant}, id, func(url *string, _ *registry.Item) error {
				*url = after
				return nil
			})
			if err != nil || len(r.Errors) > 0 {
				t.Fatal(r, err)
			}
		},
		"enabled": func(t *testing.T, e *engine.Engine, ep *webhook.Endpoint, _ int64) {
			if _, err := e.Enable(ctx, owner.Tenant, ep.ID); err != nil {
				t.Fatal(err)
			}
		},
		"paused": func(t *testing.T, e *engine.Engine, ep *webhook.Endpoint, _ int64) {
			if _, err := e.Pause(ctx, owner.Tenant, ep.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, a, _ := stopping(t, vfs.NewMem(), func(o *engine.Options) {
					o.Flavors = append(o.Flavors, jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}))
					o.Policies["gone"].Timeout = time.Hour
					o.DisableAfter = 3 * time.Hour
				})
				if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
					t.Fatal(err)
				}
				results, err := e.Register(ctx, engine.Registration{
					Flavor: jira.AdminFlavor, Owner: webhook.Owner{Tenant: owner.Tenant}, URL: before,
					Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}}},
				})
				if err != nil || len(results[0].Errors) > 0 {
					t.Fatal(results, err)
				}
				id := results[0].ID
				endpoint := func() *webhook.Endpoint {
					w, _ := e.Registry().Webhook(owner.Tenant, id)
					ep, _ := e.Registry().Endpoint(w.Endpoint)
					return ep
				}
				if err := e.SetPolicy(ctx, owner.Tenant, id, "gone"); err != nil {
					t.Fatal(err)
				}
				publish(t, e, webhook.Event{Body: body("EX", 1)}) // answered with 500
				time.Sleep(time.Minute)
				if f, ok := e.Failing(endpoint().ID); !ok || f.Attempts != 1 {
					t.Fatalf("%+v, %v", f, ok)
				}
				a.status.Store(410)
				a.takes.Store(int64(30 * time.Minute))
				publish(t, e, webhook.Event{Body: body("EX", 2)})
				time.Sleep(time.Minute)
				renew(t, e, endpoint(), id)
				time.Sleep(time.Hour)
				ep := endpoint()
				if got, same := a.got.Load(), name == "paused"; got != 2 || (ep.Stopped != "") != same {
					t.Fatalf("%d attempts, then %+v", got, ep)
				}
				if name == "paused" {
					shut(t, e)
					return
				}
				a.takes.Store(0)
				publish(t, e, webhook.Event{Body: body("EX", 3)})
				time.Sleep(time.Minute)
				if endpoint().Stopped == "" {
					t.Error("410 in the present epoch does not disable")
				}
				shut(t, e)
			})
		})
	}
}

// The time until an endpoint is disabled begins anew where it was led elsewhere.
func TestFailingBeginsAnewWithTheURL(t *testing.T) {
	rules := jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}).Rules()
	synctest.Test(t, func(t *testing.T) {
		e, _, _ := stopping(t, vfs.NewMem(), func(o *engine.Options) {
			o.Flavors = append(o.Flavors, jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}))
			o.DisableAfter = time.Hour
		})
		if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
			t.Fatal(err)
		}
		site := webhook.Owner{Tenant: owner.Tenant}
		results, err := e.Register(ctx, engine.Registration{
			Flavor: jira.AdminFlavor, Owner: site, URL: "http://receiver.example/before",
			Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}}},
		})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
		id := results[0].ID
		w, _ := e.Registry().Webhook(owner.Tenant, id)
		if err := e.SetPolicy(ctx, owner.Tenant, id, "steady"); err != nil {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(50 * time.Minute)
		_, r, err := e.Registry().Change(ctx, rules, site, id, func(url *string, _ *registry.Item) error {
			*url = "http://receiver.example/after"
			return nil
		})
		if err != nil || len(r.Errors) > 0 {
			t.Fatal(r, err)
		}
		time.Sleep(50*time.Minute + time.Second)
		synctest.Wait()
		if f, ok := e.Failing(w.Endpoint); !ok || f.Attempts < 49 || f.Attempts > 51 || f.Warned != 70 {
			t.Errorf("%+v, %v", f, ok)
		}
		time.Sleep(12 * time.Minute)
		if ep, _ := e.Registry().Endpoint(w.Endpoint); ep.Stopped != webhook.StoppedFailing {
			t.Errorf("%+v", ep)
		}
		shut(t, e)
	})
}

// What comes of an attempt that began before the endpoint was led elsewhere is not held against the endpoint as it is now, nor for it.
func TestLateAttemptsSayNothing(t *testing.T) {
	rules := jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}).Rules()
	synctest.Test(t, func(t *testing.T) {
		e, a, _ := stopping(t, vfs.NewMem(), func(o *engine.Options) {
			o.Flavors = append(o.Flavors, jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}))
			o.Policies["gone"].Timeout = time.Hour
			o.DisableAfter = 100 * time.Hour
		})
		if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
			t.Fatal(err)
		}
		site := webhook.Owner{Tenant: owner.Tenant}
		results, err := e.Register(ctx, engine.Registration{
			Flavor: jira.AdminFlavor, Owner: site, URL: "http://receiver.example/0",
			Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}}},
		})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
		id := results[0].ID
		w, _ := e.Registry().Webhook(owner.Tenant, id)
		if err := e.SetPolicy(ctx, owner.Tenant, id, "gone"); err != nil { // which retries nothing
			t.Fatal(err)
		}
		publishAt := func(url string, status int, takes time.Duration) {
			t.Helper()
			_, r, err := e.Registry().Change(ctx, rules, site, id, func(to *string, _ *registry.Item) error {
				*to = "http://receiver.example/" + url
				return nil
			})
			if err != nil || len(r.Errors) > 0 {
				t.Fatal(r, err)
			}
			a.status.Store(int64(status))
			a.takes.Store(int64(takes))
			publish(t, e, webhook.Event{Body: body("EX", 1)})
			time.Sleep(time.Minute)
		}
		publishAt("1", 500, 30*time.Minute)
		publishAt("2", 200, 0)
		time.Sleep(time.Hour)
		if f, ok := e.Failing(w.Endpoint); ok || a.got.Load() != 2 {
			t.Errorf("the failure of an earlier URL counts: %+v, %d attempts", f, a.got.Load())
		}
		publishAt("3", 200, 30*time.Minute)
		publishAt("4", 500, 0)
		time.Sleep(time.Hour)
		if f, ok := e.Failing(w.Endpoint); !ok || f.Attempts != 1 || a.got.Load() != 4 {
			t.Errorf("the success of an earlier URL counts: %+v, %v, %d attempts", f, ok, a.got.Load())
		}
		publishAt("5", 200, 0)
		if f, ok := e.Failing(w.Endpoint); ok {
			t.Errorf("fails after a success at another URL: %+v", f)
		}
		shut(t, e)
	})
}
