package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Post-functions are kept with the tenant, and hold its webhooks fast.
func TestPostFunctions(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	own := webhook.Owner{Tenant: "acme"}
	admin := *declaredRules
	admin.Flavor, admin.NoEvents, admin.PostFunctions = "admin", true, true
	results, err := r.Register(ctx, &admin, own, "https://r.example/", []registry.Item{{}, {}, {Settings: &webhook.Settings{Disabled: true}}})
	if err != nil {
		t.Fatal(err)
	}
	a, b, off := results[0].ID, results[1].ID, results[2].ID
	of := register(t, r, "https://r.example/", item("project = A", updated))[0]
	list := []webhook.PostFunction{
		{Workflow: "1", Transition: "close", Webhook: b}, {Workflow: "flow", Transition: "7", Webhook: a},
		{Workflow: "flow", Transition: "close", Webhook: b}, {Workflow: "flow", Transition: "close", Webhook: off},
	}
	var problems *registry.ProblemsError
	if err := r.SetPostFunctions(ctx, &admin, "acme", append(slices.Clone(list), webhook.PostFunction{Workflow: "w", Transition: "t", Webhook: of})); !errors.As(err, &problems) || len(problems.Problems) != 1 {
		t.Errorf("a webhook of another flavour: %v", err)
	}
	if err := r.SetPostFunctions(ctx, &admin, "nobody", nil); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
	if err := r.SetPostFunctions(ctx, &admin, "acme", list); err != nil {
		t.Fatal(err)
	}
	list[0].Webhook = 4711 // which is the caller's own again
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*registry.Registry{"the same": r, "opened anew": open(t, m)} {
		for tr, want := range map[event.Transition][]int64{
			{WorkflowID: "1", WorkflowName: "flow", ID: "7", Name: "close"}: {a, b},
			{WorkflowName: "flow", Name: "close"}:                           {b},
			{WorkflowID: "1", ID: "close"}:                                  {b},
			{WorkflowID: "2", Name: "close"}:                                nil,
			{}:                                                              nil,
		} {
			var got []int64
			for _, m := range must(r.Fired(nil, "acme", tr)) {
				got = append(got, m.Webhook)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %+v fires %v, want %v", name, tr, got, want)
			}
		}
		var used *registry.InUseError
		if err := r.Delete(ctx, own, "admin", []int64{a, b}); !errors.As(err, &used) || len(must(r.List(own, "admin"))) != 3 {
			t.Errorf("%s: deleted: %v", name, err)
		}
	}
	if err := r.SetPostFunctions(ctx, &admin, "acme", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(ctx, own, "admin", []int64{a, b}); err != nil || len(must(r.List(own, "admin"))) != 1 {
		t.Errorf("not deleted: %v", err)
	}
}
