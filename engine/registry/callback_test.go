package registry_test

import (
	"errors"
	"reflect"
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// TestChangeEndpoint: what is set is there at once and after a restart, and only that of the tenant's own.
func TestChangeEndpoint(t *testing.T) {
	r, m := opened(t)
	results, err := r.Register(ctx, rules, owner, "https://r/1", []registry.Item{item("project = EX", updated)})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(results, err)
	}
	id := must(r.List(owner, rules.Flavor))[0].Endpoint
	before, _ := r.Endpoint(id)
	signing := []webhook.Signing{{Kind: webhook.Hub, Secrets: []webhook.SealedSecret{{Sealed: "sealed"}}}}
	after, err := r.ChangeEndpoint(ctx, owner.Tenant, id, func(e *webhook.Endpoint) error {
		e.Paused, e.Signing, e.URL = true, signing, "https://elsewhere"
		e.Stopped, e.Policy, e.Rate, e.Order = webhook.StoppedGone, "patient", 2.5, webhook.IssueOrder
		return nil
	})
	if err != nil || !after.Paused || !reflect.DeepEqual(after.Signing, signing) || after.Stopped != webhook.StoppedGone || after.Policy != "patient" || after.Rate != 2.5 || after.Order != webhook.IssueOrder || after.URL != "https://r/1" {
		t.Fatalf("%+v, %v", after, err)
	}
	if before.Paused {
		t.Error("the endpoint that was there was written into")
	}
	for name, r := range map[string]*registry.Registry{"now": r, "after a restart": open(t, m)} {
		if e, ok := r.Endpoint(id); !ok || !reflect.DeepEqual(e, after) {
			t.Errorf("%s: %+v", name, e)
		}
		if list := r.EndpointsOf(owner, rules.Flavor); len(list) != 1 || !reflect.DeepEqual(list[0], after) {
			t.Errorf("%s: the owner's endpoints are %+v", name, list)
		}
	}
	refused := errors.New("refused")
	if _, err := r.ChangeEndpoint(ctx, owner.Tenant, id, func(e *webhook.Endpoint) error { e.Paused = false; return refused }); err != refused {
		t.Error(err)
	}
	if e, _ := r.Endpoint(id); !e.Paused {
		t.Error("a change that was refused was made")
	}
	for _, who := range []struct {
		tenant string
		id     uint64
	}{{"nobody", id}, {owner.Tenant, id + 1000}} {
		if _, err := r.ChangeEndpoint(ctx, who.tenant, who.id, func(*webhook.Endpoint) error { return nil }); !errors.Is(err, registry.ErrUnknownEndpoint) {
			t.Errorf("%v: %v", who, err)
		}
	}
}
