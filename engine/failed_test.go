package engine_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// failed asks until there are failures to see.
func failed(t *testing.T, e *engine.Engine, q flavor.FailureQuery) []flavor.Failure {
	t.Helper()
	for {
		list, err := e.Failed(ctx, owner, jira.DynamicFlavor, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			return list
		}
	}
}

// Failures are found by reason and time, survive a restart, and keep their endpoint from being removed.
func TestFailed(t *testing.T) {
	r := newReceiver(t, func(n int) int { return []int{404, 503, 503, 503}[n-1] })
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	r.wait(t, 1)
	publish(t, e, webhook.Event{Body: body("EX", 2)})
	got := r.wait(t, 3)
	for range 2 {
		exhausted := failed(t, e, flavor.FailureQuery{Reason: "exhausted", Size: 9})
		if len(exhausted) != 1 || exhausted[0].Identifier != got[1].identifier || exhausted[0].Attempts != 3 || exhausted[0].LastStatus != 503 ||
			!bytes.Equal(exhausted[0].Body, body("EX", 2)) || len(exhausted[0].Webhooks) != 1 {
			t.Errorf("exhausted: %+v", exhausted)
		}
		all := failed(t, e, flavor.FailureQuery{Size: 9})
		if len(all) != 2 || all[0].Reason != "rejected" || all[0].Identifier != got[0].identifier {
			t.Errorf("all: %+v", all)
		}
		if after := failed(t, e, flavor.FailureQuery{From: all[1].Time, Size: 9}); len(after) != 1 || after[0].Identifier != all[1].Identifier {
			t.Errorf("from the time of the second on: %+v", after)
		}
		if e.Idle(all[0].Endpoint.ID) {
			t.Error("the endpoint may be removed, and its failures with it")
		}
		for _, other := range []struct {
			owner webhook.Owner
			name  string
		}{{webhook.Owner{Tenant: "acme", App: "other"}, jira.DynamicFlavor}, {owner, "other"}, {webhook.Owner{Tenant: "rival", App: "ci"}, jira.DynamicFlavor}} {
			if list, err := e.Failed(ctx, other.owner, other.name, flavor.FailureQuery{Size: 9}); err != nil || len(list) > 0 {
				t.Errorf("%+v sees %+v, %v", other, list, err)
			}
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
		e = open(t, e.Options())
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := e.Failed(ended, owner, jira.DynamicFlavor, flavor.FailureQuery{}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller's context ended: %v", err)
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Failed(ctx, owner, jira.DynamicFlavor, flavor.FailureQuery{}); !errors.Is(err, registry.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A list ends early where bodies are large, and goes on from there.
func TestFailedLargeBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine at a time has a body, and takes long under the race detector")
	}
	r := newReceiver(t, always(404))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	pad := bytes.Repeat([]byte("x"), 17<<20)
	for n := range 3 {
		text := append(bytes.TrimSuffix(body("EX", n), []byte("}")), `,"pad":"`...)
		publish(t, e, webhook.Event{Body: append(append(text, pad...), `"}`...)})
		r.wait(t, 1)
		for int(e.Queue().Stats().Dead) <= n { // so that they fail at different times
			if err := e.Queue().Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for start := time.Now().UnixMilli(); time.Now().UnixMilli() == start; {
		}
	}
	first := failed(t, e, flavor.FailureQuery{Size: 100})
	if len(first) != 2 {
		t.Fatalf("%d failures with bodies of 17 MiB in one list", len(first))
	}
	rest := failed(t, e, flavor.FailureQuery{From: first[1].Time.Truncate(time.Millisecond).Add(time.Millisecond), Size: 100})
	if len(rest) != 1 || rest[0].Identifier == first[1].Identifier {
		t.Errorf("%d failures in the rest", len(rest))
	}
}
