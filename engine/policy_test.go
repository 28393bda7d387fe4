package engine_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/webhook"
)

// That the policy of an endpoint is gone is said at the start, before anything is sent, and once.
func TestVanishedPolicyIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, _, _ := stopping(t, fs, nil)
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "steady"); err != nil {
			t.Fatal(err)
		}
		id := only(t, e).ID
		shut(t, e)
		var log bytes.Buffer
		e, a, _ := stopping(t, fs, func(o *engine.Options) {
			o.Policies, o.Logger = nil, slog.New(slog.NewTextHandler(&log, nil))
		})
		lines := func() int { return strings.Count(log.String(), "not known any more") }
		if lines() != 1 || !strings.Contains(log.String(), "policy=steady") {
			t.Errorf("at the start: %s", log.String())
		}
		a.status.Store(200)
		for i := range 5 {
			if _, err := e.Pause(ctx, owner.Tenant, id); err != nil { // so that the target is made anew
				t.Fatal(err)
			}
			if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
				t.Fatal(err)
			}
			publish(t, e, webhook.Event{Body: body("EX", i)})
			time.Sleep(10 * time.Minute)
		}
		if n := a.got.Load(); n != 5 || lines() != 1 {
			t.Errorf("%d deliveries, logged %d times", n, lines())
		}
		shut(t, e)
	})
}
