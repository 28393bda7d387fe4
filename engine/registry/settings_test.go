package registry_test

import (
	"errors"
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// TestChangeSettings: what is set is there at once and after a restart, and everything else of the webhook stays.
func TestChangeSettings(t *testing.T) {
	r, m := opened(t)
	results, err := r.Register(ctx, rules, owner, "https://r/1", []registry.Item{
		{Filter: "project = EX", Events: []string{updated}, Settings: &webhook.Settings{Name: "n"}},
		item("project = EX", updated),
	})
	if err != nil || len(results[0].Errors)+len(results[1].Errors) > 0 {
		t.Fatal(results, err)
	}
	on := true
	for i, res := range results {
		before, _ := r.Webhook(owner.Tenant, res.ID)
		after, err := r.ChangeSettings(ctx, owner.Tenant, res.ID, func(s *webhook.Settings, ep *webhook.Endpoint) error {
			s.AutoExtend, s.Secret, s.Disabled, s.Name = &on, "sealed", true, "other"
			ep.Policy, ep.URL = "steady", "https://other/"
			return nil
		})
		if err != nil || !*after.Settings.AutoExtend || after.Settings.Secret != "sealed" || after.Disabled() {
			t.Fatalf("%+v, %v", after, err)
		}
		if i == 0 && (after.Settings.Name != "n" || before.Settings.Secret != "") {
			t.Errorf("before %+v, after %+v", before.Settings, after.Settings)
		}
		if after.Filter != before.Filter || after.Expires != before.Expires {
			t.Errorf("before %+v, after %+v", before, after)
		}
		for name, r := range map[string]*registry.Registry{"now": r, "after a restart": open(t, m)} {
			if w, err := r.Webhook(owner.Tenant, res.ID); err != nil || w.Settings.Secret != "sealed" || !*w.Settings.AutoExtend {
				t.Errorf("%s: %+v", name, w)
			}
			if ep, ok := r.Endpoint(before.Endpoint); !ok || ep.Policy != "steady" || ep.URL != "https://r/1" {
				t.Errorf("%s: %+v", name, ep)
			}
		}
	}
	refused := errors.New("refused")
	id := results[0].ID
	if _, err := r.ChangeSettings(ctx, owner.Tenant, id, func(*webhook.Settings, *webhook.Endpoint) error { return refused }); err != refused {
		t.Error(err)
	}
	for _, who := range []struct {
		tenant string
		id     int64
	}{{"nobody", id}, {owner.Tenant, id + 1000}} {
		if _, err := r.ChangeSettings(ctx, who.tenant, who.id, func(*webhook.Settings, *webhook.Endpoint) error { return nil }); !errors.Is(err, registry.ErrUnknownWebhook) {
			t.Errorf("%v: %v", who, err)
		}
	}
}
