package engine_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/webhook"
)

// The time until an endpoint is disabled goes on after a restart and after a crash, without the time in between, and
// does not where a delivery has succeeded or it was switched off meanwhile.
func TestFailingSurvivesARestart(t *testing.T) {
	for _, crash := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			disable := func(after time.Duration) func(*engine.Options) {
				return func(o *engine.Options) { o.DisableAfter = after }
			}
			e, a, _ := stopping(t, fs, disable(100*time.Minute))
			again := func(after time.Duration) {
				t.Helper()
				old := e
				if crash {
					fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
					defer shut(t, old)
				} else {
					shut(t, old)
				}
				status := a.status.Load()
				e, a, _ = stopping(t, fs, disable(after))
				a.status.Store(status)
			}
			install(t, e)
			if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "steady"); err != nil {
				t.Fatal(err)
			}
			id := only(t, e).ID
			publish(t, e, webhook.Event{Body: body("EX", 1)})
			time.Sleep(55*time.Minute + 30*time.Second)
			before, ok := e.Failing(id)
			if !ok || before.Warned != 50 {
				t.Fatalf("%+v, %v", before, ok)
			}
			if !crash {
				shut(t, e)
				time.Sleep(24 * time.Hour)
				e, a, _ = stopping(t, fs, disable(100*time.Minute))
			} else {
				again(100 * time.Minute)
			}
			f, ok := e.Failing(id)
			passed := time.Since(f.Since)
			if !ok || f.Warned != 50 || passed < 54*time.Minute || passed > 56*time.Minute || !crash && f.Attempts < before.Attempts {
				t.Errorf("crash %v: %+v, %v, for %v", crash, f, ok, passed)
			}
			a.status.Store(200)
			time.Sleep(90 * time.Second)
			if _, ok := e.Failing(id); ok {
				t.Error("fails after a success")
			}
			again(100 * time.Minute)
			if f, ok := e.Failing(id); ok {
				t.Errorf("crash %v: a success is forgotten: %+v", crash, f)
			}
			a.status.Store(500)
			publish(t, e, webhook.Event{Body: body("EX", 2)})
			time.Sleep(10 * time.Minute)
			again(0)
			again(100 * time.Minute)
			if f, ok := e.Failing(id); ok && time.Since(f.Since) > time.Minute {
				t.Errorf("crash %v: counts from before it was switched off: %+v", crash, f)
			}
			time.Sleep(60 * time.Minute)
			again(100 * time.Minute)
			time.Sleep(45 * time.Minute)
			if ep := only(t, e); ep.Stopped != webhook.StoppedFailing {
				f, _ := e.Failing(id)
				t.Errorf("crash %v: %+v, %+v", crash, ep, f)
			}
			again(100 * time.Minute)
			if _, err := e.Enable(ctx, owner.Tenant, id); err != nil {
				t.Fatal(err)
			}
			if f, ok := e.Failing(id); ok {
				t.Errorf("crash %v: enabled: %+v", crash, f)
			}
			shut(t, e)
		})
	}
}
