package registry_test

import (
	"errors"
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Where the rules want names to differ they do: within a call, between calls, after a change; and they are free again
// when their webhook is gone.
func TestUniqueNames(t *testing.T) {
	r, _ := opened(t)
	rules := &registry.Rules{
		Flavor: "named", System: webhook.ArcXP, Limit: func(*webhook.Tenant, *webhook.App) int { return 10 }, Separate: true, UniqueNames: true,
	}
	org := webhook.Owner{Tenant: "acme"}
	named := func(name string) registry.Item { return registry.Item{Settings: &webhook.Settings{Name: name}} }
	taken := func(res registry.Result, by int64) {
		t.Helper()
		var e *registry.NameTakenError
		if len(res.Errors) != 1 || !errors.As(res.Errors[0], &e) || e.Webhook != by {
			t.Errorf("the result is %+v; want the name to be that of %d", res, by)
		}
	}
	add := func(names ...string) []registry.Result {
		t.Helper()
		var items []registry.Item
		for _, n := range names {
			items = append(items, named(n))
		}
		results, err := r.Register(ctx, rules, org, "https://a.example/", items)
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	rename := func(id int64, name string) registry.Result {
		t.Helper()
		_, res, err := r.Change(ctx, rules, org, id, func(_ *string, item *registry.Item) error {
			*item = named(name)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := add("a", "b", "a")
	taken(first[2], first[0].ID)
	taken(add("b")[0], first[1].ID)
	taken(rename(first[0].ID, "b"), first[1].ID)
	for _, name := range []string{"a", "c"} { // its own name, and one that is free
		if res := rename(first[0].ID, name); len(res.Errors) > 0 {
			t.Errorf("%s: %+v", name, res)
		}
	}
	if res := add("a")[0]; len(res.Errors) > 0 {
		t.Errorf("a name that was given up: %+v", res)
	}
	if err := r.Delete(ctx, org, "named", []int64{first[1].ID}); err != nil {
		t.Fatal(err)
	}
	if res := add("b")[0]; len(res.Errors) > 0 {
		t.Errorf("the name of a webhook that is gone: %+v", res)
	}
	other := webhook.Owner{Tenant: "acme", App: "ci"}
	if results, err := r.Register(ctx, rules, other, "https://a.example/", []registry.Item{named("a")}); err != nil || len(results[0].Errors) > 0 {
		t.Errorf("another owner's name: %+v, %v", results, err)
	}
}
