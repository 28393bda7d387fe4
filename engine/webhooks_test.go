package engine_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// TestUnreadableWebhook: to one whose row is corrupt events are delivered all the same, and it can be deleted; it is counted.
func TestUnreadableWebhook(t *testing.T) {
	fs := vfs.NewMem()
	receiver := newReceiver(t, always(200))
	o := options(fs, receiver)
	e := open(t, o)
	install(t, e)
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(o.Dir, store.Options{FS: fs, CacheSize: 1 << 20, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	key := append([]byte("r"+owner.Tenant+"\x00"), 0, 0, 0, 0, 0, 0, 3, 232) // 1000
	row, closer, err := s.DB().Get(key)
	if err != nil {
		t.Fatal(err)
	}
	short := bytes.Clone(row[:len(row)-1])
	if err := errors.Join(closer.Close(), s.DB().Set(key, short, pebble.Sync), s.Close()); err != nil {
		t.Fatal(err)
	}
	metrics := prometheus.NewRegistry()
	o.Metrics = metrics
	e = open(t, o)
	if r := publish(t, e, webhook.Event{Body: body("EX", 1)}); r.Matched != 1 {
		t.Errorf("%+v", r)
	}
	receiver.wait(t, 1)
	if list, err := e.Registry().List(owner, jira.DynamicFlavor); err != nil || len(list) != 0 {
		t.Errorf("%d are listed, %v", len(list), err)
	}
	if n := gathered(t, metrics)["hookline_store_unreadable_webhooks"]; n != 1 {
		t.Errorf("%g are counted", n)
	}
	for _, want := range []error{nil, registry.ErrUnknownWebhook} {
		if err := e.DeleteWebhook(ctx, owner.Tenant, 1000); err != want {
			t.Errorf("it is deleted with %v, want %v", err, want)
		}
	}
	if r := publish(t, e, webhook.Event{Body: body("EX", 2)}); r.Matched != 0 {
		t.Errorf("%+v after it was deleted", r)
	}
}
