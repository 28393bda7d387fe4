package registry_test

import (
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// An endpoint that was disabled is not any more when its owner registers there again, changes a webhook there, or names it
// in a list that replaces another; the other endpoints stay as they are.
func TestOwnerEnables(t *testing.T) {
	const here, there = "https://r/1", "https://r/2"
	register := func(t *testing.T, r *registry.Registry, url string) {
		t.Helper()
		results, err := r.Register(ctx, rules, owner, url, []registry.Item{item("project = EX", updated)})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
	}
	for name, enable := range map[string]func(*testing.T, *registry.Registry){
		"register": func(t *testing.T, r *registry.Registry) { register(t, r, here) },
		"change": func(t *testing.T, r *registry.Registry) {
			id := must(r.List(owner, rules.Flavor))[0].ID
			if _, _, err := r.Change(ctx, rules, owner, id, func(*string, *registry.Item) error { return nil }); err != nil {
				t.Fatal(err)
			}
		},
		"replace": func(t *testing.T, r *registry.Registry) {
			if _, err := r.Replace(ctx, rules, owner, []string{here, there}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, m := opened(t)
			register(t, r, here)
			register(t, r, there)
			before := r.EndpointsOf(owner, rules.Flavor)
			for _, ep := range before {
				_, err := r.ChangeEndpoint(ctx, owner.Tenant, ep.ID, func(e *webhook.Endpoint) error {
					e.Stopped, e.Policy = webhook.StoppedGone, "patient"
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			enable(t, r)
			for when, r := range map[string]*registry.Registry{"now": r, "after a restart": open(t, m)} {
				list := r.EndpointsOf(owner, rules.Flavor)
				if len(list) != 2 || list[0].ID != before[0].ID || list[0].Policy != "patient" || list[0].Stopped != "" ||
					(list[1].Stopped == "") != (name == "replace") {
					t.Errorf("%s: %+v and %+v", when, list[0], list[1])
				}
			}
			fresh := "https://r/3" // whose endpoint must have a number of its own
			register(t, r, fresh)
			if list := r.EndpointsOf(owner, rules.Flavor); len(list) != 3 || list[2].URL != fresh || list[2].ID <= before[1].ID {
				t.Errorf("another endpoint: %+v", list[len(list)-1])
			}
		})
	}
}
