package engine_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
	"hookline/queue"
)

// TestReplayHeader: what is sent again by hand says so, and nothing else does.
func TestReplayHeader(t *testing.T) {
	in := newInbox(t)
	e := prepared(t, options(vfs.NewMem(), in.receiver))
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	if req := <-in.requests; req.Header.Peek("X-Hookline-Replay") != nil {
		t.Error("a first delivery calls itself a replay")
	}
	payload := append([]byte{1, byte(webhook.Primary), 0}, body("EX", 2)...)
	_, err := e.Queue().Accept(ctx, queue.Message{
		Payload: payload, Deliveries: []queue.Target{{Endpoint: queue.EndpointID(w.Endpoint), Lane: queue.Replay}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if req := <-in.requests; string(req.Header.Peek("X-Hookline-Replay")) != "true" {
		t.Errorf("no replay: %s", req.Header.String())
	}
}
