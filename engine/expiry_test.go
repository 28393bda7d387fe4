package engine_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

const day = 24 * time.Hour

func expiring(fs vfs.FS, in *inbox, d jira.DynamicOptions) engine.Options {
	o := options(fs, in.receiver)
	d.PlainHTTP = true
	o.Flavors = []flavor.Flavor{jira.NewDynamic(d), jira.NewAdmin(jira.AdminOptions{PlainHTTP: true})}
	return o
}

// TestAutoExtend: a webhook to which a delivery succeeded is extended in the second half of its life, also after a
// restart; one that says no, and one that nothing was delivered to, are not.
func TestAutoExtend(t *testing.T) {
	fs, in := vfs.NewMem(), newInbox(t)
	o := expiring(fs, in, jira.DynamicOptions{AutoExtend: true})
	e := prepared(t, o)
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	no := register(t, e, jira.DynamicFlavor, owner, nil)
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: "other"}); err != nil {
		t.Fatal(err)
	}
	silent := register(t, e, jira.DynamicFlavor, webhook.Owner{Tenant: owner.Tenant, App: "other"}, nil)
	if err := e.Registry().Delete(ctx, silent.Owner, silent.Flavor, []int64{silent.ID}); err != nil {
		t.Fatal(err)
	}
	silent = registerFor(t, e, silent.Owner, "project = NEVER")
	if err := e.SetAutoExtend(ctx, owner.Tenant, no.ID, false); err != nil {
		t.Fatal(err)
	}
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	<-in.requests
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	e = open(t, o)
	for id, want := range map[int64]bool{w.ID: true, no.ID: false, silent.ID: true} {
		if w, _ := e.Registry().Webhook(owner.Tenant, id); e.AutoExtends(w) != want {
			t.Errorf("webhook %d is extended: %v", id, !want)
		}
	}
	expires := func(id int64) time.Duration {
		now, _ := e.Registry().Webhook(owner.Tenant, id)
		return now.Expires.Sub(w.Expires).Round(day)
	}
	e.Sweep(time.Time{}, w.Created.Add(14*day))
	if expires(w.ID) != 0 {
		t.Errorf("extended by %v in the first half of its life", expires(w.ID))
	}
	e.Sweep(time.Time{}, w.Created.Add(16*day))
	for id, want := range map[int64]time.Duration{w.ID: 16 * day, no.ID: 0, silent.ID: 0} {
		if expires(id) != want {
			t.Errorf("webhook %d was extended by %v, want %v", id, expires(id), want)
		}
	}
}

func registerFor(t *testing.T, e *engine.Engine, owner webhook.Owner, filter string) *webhook.Webhook {
	t.Helper()
	results, err := e.Register(ctx, engine.Registration{
		Flavor: jira.DynamicFlavor, Owner: owner, URL: "http://receiver.example/hook",
		Webhooks: []registry.Item{{Filter: filter, Events: []string{"jira:issue_updated"}}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
	w, _ := e.Registry().Webhook(owner.Tenant, results[0].ID)
	return w
}

func TestSetAutoExtend(t *testing.T) {
	in := newInbox(t)
	e := prepared(t, expiring(vfs.NewMem(), in, jira.DynamicOptions{}))
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	for _, on := range []bool{true, false, true} {
		if err := e.SetAutoExtend(ctx, owner.Tenant, w.ID, on); err != nil {
			t.Fatal(err)
		}
		if w, _ := e.Registry().Webhook(owner.Tenant, w.ID); e.AutoExtends(w) != on {
			t.Errorf("not %v", on)
		}
	}
	var invalid *webhook.InvalidError
	admin := register(t, e, jira.AdminFlavor, webhook.Owner{Tenant: owner.Tenant}, &webhook.Settings{Name: "n"})
	if err := e.SetAutoExtend(ctx, owner.Tenant, admin.ID, true); !errors.As(err, &invalid) {
		t.Errorf("a webhook that does not expire: %v", err)
	}
	if err := e.SetAutoExtend(ctx, owner.Tenant, 1, true); !errors.Is(err, registry.ErrUnknownWebhook) {
		t.Errorf("an unknown webhook: %v", err)
	}
}

// TestExpiryWarning: the header is on requests for a webhook that is going to expire, and on no others.
func TestExpiryWarning(t *testing.T) {
	for name, c := range map[string]struct {
		life, warning time.Duration
		warned        bool
	}{
		"off":             {time.Hour, 0, false},
		"not yet":         {30 * day, 3 * day, false},
		"half of a life":  {time.Hour, 72 * time.Hour, false},
		"in the lead now": {time.Hour, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			e := prepared(t, expiring(vfs.NewMem(), in, jira.DynamicOptions{Life: c.life, ExpiryWarning: c.warning}))
			w := register(t, e, jira.DynamicFlavor, owner, nil)
			if c.warned { // half of its life is over
				past(t, e, w, c.life/2+time.Minute)
			}
			w, _ = e.Registry().Webhook(owner.Tenant, w.ID)
			publish(t, e, webhook.Event{Body: body("EX", 1)})
			want := ""
			if c.warned {
				want = w.Expires.UTC().Format(time.RFC3339)
			}
			if req := <-in.requests; string(req.Header.Peek("X-Hookline-Webhook-Expires")) != want {
				t.Errorf("%q, want %q", req.Header.Peek("X-Hookline-Webhook-Expires"), want)
			}
		})
	}
}

// past makes a webhook expire earlier, as if so much of its life were over.
func past(t *testing.T, e *engine.Engine, w *webhook.Webhook, by time.Duration) {
	t.Helper()
	of := *jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true}).Rules()
	of.Life = time.Until(w.Expires) - by
	if _, err := e.Registry().Refresh(ctx, &of, w.Owner, []int64{w.ID}); err != nil {
		t.Fatal(err)
	}
}

// TestExpiryLog: a webhook is logged once when it comes into the lead, again by a process that has just started, and
// counted by the metric.
func TestExpiryLog(t *testing.T) {
	in := newInbox(t)
	o := expiring(vfs.NewMem(), in, jira.DynamicOptions{ExpiryWarning: 3 * day, ConnectLimit: 1000})
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Metrics = prometheus.NewRegistry()
	e := prepared(t, o)
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	lines := func(last, now time.Time) int {
		log.Reset()
		e.Sweep(last, now)
		return strings.Count(log.String(), "going to expire")
	}
	soon := w.Expires.Add(-2 * day)
	for name, c := range map[string]struct {
		last, now time.Time
		want      int
	}{
		"before":        {w.Created, w.Created.Add(time.Minute), 0},
		"on the way in": {w.Expires.Add(-4 * day), soon, 1},
		"in it":         {soon, soon.Add(time.Minute), 0},
		"a start":       {time.Time{}, soon, 1},
		"too late":      {time.Time{}, w.Expires, 0},
	} {
		if got := lines(c.last, c.now); got != c.want {
			t.Errorf("%s: %d lines, want %d: %s", name, got, c.want, log.String())
		}
	}
	for range 150 {
		register(t, e, jira.DynamicFlavor, owner, nil)
	}
	if got := lines(time.Time{}, soon.Add(time.Hour)); got != 101 || !strings.Contains(log.String(), "webhooks=51") {
		t.Errorf("%d lines about 151 webhooks", got)
	}
}
