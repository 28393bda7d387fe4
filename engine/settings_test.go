package engine_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// A change of several settings is made as a whole, or where one of them is wrong not at all.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _, _ := stopping(t, vfs.NewMem(), nil)
		defer shut(t, e)
		install(t, e)
		id := sole(t, e)
		before, _ := e.Registry().Webhook(owner.Tenant, id)
		ep := *only(t, e)
		good := func() engine.Change {
			secret, on, policy, rate, order := firstSecret, true, "steady", 2.5, webhook.IssueOrder
			return engine.Change{Secret: &secret, AutoExtend: &on, Policy: &policy, Rate: &rate, Order: &order}
		}
		wrong := map[string]func(*engine.Change){
			"secret": func(c *engine.Change) { *c.Secret = "short" },
			"policy": func(c *engine.Change) { *c.Policy = "unknown" },
			"rate":   func(c *engine.Change) { *c.Rate = -1 },
			"order":  func(c *engine.Change) { *c.Order = "key" },
		}
		for name, spoil := range wrong {
			c := good()
			spoil(&c)
			var invalid *webhook.InvalidError
			if err := e.Change(ctx, owner.Tenant, id, c); !errors.As(err, &invalid) {
				t.Errorf("%s: %v", name, err)
			}
			after, _ := e.Registry().Webhook(owner.Tenant, id)
			if diff := cmp.Diff(before, after) + cmp.Diff(&ep, only(t, e)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if err := e.Change(ctx, "nobody", id, good()); !errors.Is(err, registry.ErrUnknownWebhook) {
			t.Error(err)
		}
		if err := e.Change(ctx, owner.Tenant, id, good()); err != nil {
			t.Fatal(err)
		}
		after, _ := e.Registry().Webhook(owner.Tenant, id)
		if now := only(t, e); now.Policy != "steady" || now.Rate != 2.5 || now.Order != webhook.IssueOrder || !e.Signed(after) || !e.AutoExtends(after) {
			t.Errorf("%+v, %+v", after, now)
		}
	})
}
