package engine_test

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/webhook"
)

// A trial says what Publish would, and leaves nothing behind: the same key is new to Publish after it.
func TestTry(t *testing.T) {
	r := newReceiver(t, always(200))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	for project, want := range map[string][]int64{"EX": {1000}, "other": nil} {
		ev := webhook.Event{Tenant: owner.Tenant, Body: body(project, 1), Key: "k" + project}
		trial, err := e.Try(ev)
		if err != nil || trial.Type != "jira:issue_updated" || trial.Matched != len(want) || trial.Deliveries != len(want) || !slices.Equal(trial.Webhooks, want) {
			t.Errorf("%s: %+v, %v", project, trial, err)
		}
		if got := publish(t, e, ev); got.Repeated || got.Matched != trial.Matched || got.Deliveries != trial.Deliveries || got.Type != trial.Type {
			t.Errorf("%s: tried %+v, published %+v", project, trial, got)
		}
	}
	r.wait(t, 1)
	for _, ev := range []webhook.Event{
		{Tenant: "nobody", Body: body("EX", 1)}, {Tenant: owner.Tenant, Body: []byte("{}")}, {Tenant: owner.Tenant, Body: body("EX", 1), Trace: "\t"},
		{Tenant: owner.Tenant, Body: make([]byte, 25_000_001)}, {Tenant: owner.Tenant, Body: body("EX", 1), System: webhook.ArcXP},
	} {
		_, tried := e.Try(ev)
		_, published := e.Publish(ctx, ev)
		if tried == nil || published == nil || tried.Error() != published.Error() {
			t.Errorf("Try: %v, Publish: %v", tried, published)
		}
	}
	if _, err := e.Try(webhook.Event{Tenant: "nobody", Body: body("EX", 1)}); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Error(err)
	}
	for e.Queue().Stats().Done == 0 { // the receiver has its request before the delivery is settled
		runtime.Gosched()
	}
	if b, err := e.Backlog(ctx, owner.Tenant); err != nil || b != (engine.Backlog{}) {
		t.Errorf("the backlog is %+v, %v", b, err)
	}
	if _, err := e.Backlog(ctx, "nobody"); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Error(err)
	}
}
