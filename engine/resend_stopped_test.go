package engine_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Nothing is sent again to an endpoint that is disabled, and what was given up stays as it is: of one delivery, of a replay
// of its webhook, of a replay of everything, and of one that was running when the endpoint was disabled.
func TestNothingIsSentAgainToWhatIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a, _ := stopping(t, vfs.NewMem(), nil)
		install(t, e)
		stopped := sole(t, e)
		if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: "other"}); err != nil {
			t.Fatal(err)
		}
		results, err := e.Register(ctx, engine.Registration{
			Owner: webhook.Owner{Tenant: owner.Tenant, App: "other"}, URL: "http://receiver.example/other",
			Webhooks: []registry.Item{{Filter: "project = OTHER", Events: []string{"jira:issue_updated"}}},
		})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
		if err := e.SetPolicy(ctx, owner.Tenant, stopped, "gone"); err != nil {
			t.Fatal(err)
		}
		a.status.Store(404)
		for i := range 20 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		publish(t, e, webhook.Event{Body: body("OTHER", 1)})
		time.Sleep(time.Minute)
		running := start(t, e, webhook.Selection{Status: webhook.StatusDead, Webhook: stopped}, 1)
		time.Sleep(2500 * time.Millisecond)
		a.status.Store(410)
		publish(t, e, webhook.Event{Body: body("EX", 99)})
		time.Sleep(time.Minute)
		if ep := only(t, e); ep.Stopped != webhook.StoppedGone {
			t.Fatalf("%+v", ep)
		}
		a.status.Store(200)
		letters := dead(t, e)
		if r, err := e.Replay(owner.Tenant, running.ID); err != nil || r.State != webhook.ReplayDone || r.Sent > 4 || r.Sent+r.Skipped != 20 {
			t.Errorf("%+v, %v", r, err)
		}
		attempts := a.got.Load()
		for _, d := range deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead, Webhook: stopped, Limit: 100}) {
			if _, err := e.Resend(ctx, owner.Tenant, d.ID); !errors.Is(err, engine.ErrStopped) {
				t.Fatalf("resend: %v", err)
			}
		}
		of := webhook.Selection{Status: webhook.StatusDead, Webhook: stopped}
		if _, err := e.StartReplay(ctx, owner.Tenant, of, 0); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("replay: %v", err)
		}
		if _, err := e.CountReplay(ctx, owner.Tenant, of); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("count: %v", err)
		}
		if n, err := e.CountReplay(ctx, owner.Tenant, anyDead); n != 1 || err != nil {
			t.Errorf("%d selected of all, %v", n, err)
		}
		everything := start(t, e, anyDead, 100)
		time.Sleep(time.Minute)
		if r, err := e.Replay(owner.Tenant, everything.ID); err != nil || r.State != webhook.ReplayDone || r.Sent != 1 || r.Skipped != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if n := a.got.Load() - attempts; n != 1 || dead(t, e) != letters-1 {
			t.Errorf("%d attempts, %d of %d dead letters are left", n, dead(t, e), letters)
		}
		if _, err := e.Enable(ctx, owner.Tenant, only(t, e).ID); err != nil {
			t.Fatal(err)
		}
		again := start(t, e, of, 100)
		time.Sleep(time.Minute)
		if r, err := e.Replay(owner.Tenant, again.ID); err != nil || r.State != webhook.ReplayDone || r.Sent != letters-1 || dead(t, e) != 0 {
			t.Errorf("%+v, %v, %d dead", r, err, dead(t, e))
		}
		shut(t, e)
	})
}

// A replay that goes on after a restart and finds its webhook disabled fails, and says why.
func TestReplayOfWhatIsStoppedFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, a, _ := stopping(t, fs, nil)
		install(t, e)
		a.status.Store(404)
		for i := range 20 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(time.Minute)
		r := start(t, e, webhook.Selection{Status: webhook.StatusDead, Webhook: sole(t, e)}, 1)
		time.Sleep(1500 * time.Millisecond)
		ep := only(t, e)
		shut(t, e)
		e, a, _ = stopping(t, fs, func(o *engine.Options) { o.Dial = a.dial })
		a.status.Store(200)
		time.Sleep(700 * time.Millisecond) // between two of what it sends: it is not to find out itself that its webhook is disabled
		if _, err := e.Registry().ChangeEndpoint(ctx, owner.Tenant, ep.ID, func(ep *webhook.Endpoint) error {
			ep.Stopped = webhook.StoppedGone
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		shut(t, e)
		e, _, _ = stopping(t, fs, nil)
		time.Sleep(time.Second)
		if ended, err := e.Replay(owner.Tenant, r.ID); err != nil || ended.State != webhook.ReplayFailed || !strings.Contains(ended.Problem, "disabled") {
			t.Errorf("%+v, %v", ended, err)
		}
		shut(t, e)
	})
}
