package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// A backup has what was accepted and not delivered when it was made, whatever becomes of that later; and what was delivered
// since is delivered again.
func TestBackup(t *testing.T) {
	disk := vfs.NewMem()
	r := newReceiver(t, always(200))
	o := options(disk, r)
	e := open(t, o)
	install(t, e)
	id := only(t, e).ID
	publish(t, e, webhook.Event{Body: body("EX", 0)})
	r.wait(t, 1)
	if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		publish(t, e, webhook.Event{Body: body("EX", n)})
	}
	large := strings.Replace(string(body("EX", 4)), "{", `{"padding":"`+strings.Repeat("x", 2<<20)+`",`, 1)
	publish(t, e, webhook.Event{Body: []byte(large)})
	b, err := e.Backup(ctx, "backups/one")
	if err != nil {
		t.Fatal(err)
	}
	if b.Size() < 2<<20 {
		t.Errorf("the backup has %d bytes", b.Size())
	}
	if _, err := e.Backup(ctx, "backups/one"); !errors.Is(err, engine.ErrBackupExists) {
		t.Errorf("the same again: %v", err)
	}
	publish(t, e, webhook.Event{Body: body("EX", 5)})
	if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	first := map[string]string{}
	for _, got := range r.wait(t, 5) {
		first[got.identifier] = got.body
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Backup(ctx, "backups/two"); !errors.Is(err, registry.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := store.Restore(ctx, disk, "backups/one", "restored"); err != nil {
		t.Fatal(err)
	}
	o.Dir = "restored"
	e = open(t, o)
	if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	again := map[string]string{}
	for _, got := range r.wait(t, 4)[6:] {
		again[got.identifier] = got.body
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if extra := r.wait(t, 0)[10:]; len(extra) > 0 || len(again) != 4 {
		t.Errorf("%d deliveries after the restore, and %d more", len(again), len(extra))
	}
	for identifier, body := range again {
		if body != first[identifier] {
			t.Errorf("delivery %s was not made before, or has another body", identifier)
		}
	}
}

func TestStorage(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := options(vfs.NewMem(), newReceiver(t, always(200)))
	o.Metrics = reg
	e := open(t, o)
	install(t, e)
	if _, err := e.Pause(ctx, owner.Tenant, only(t, e).ID); err != nil {
		t.Fatal(err)
	}
	large := strings.Replace(string(body("EX", 4)), "{", `{"padding":"`+strings.Repeat("x", 2<<20)+`",`, 1)
	publish(t, e, webhook.Event{Body: []byte(large)})
	if err := e.FlushTables(); err != nil {
		t.Fatal(err)
	}
	s, err := e.Storage()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]uint64{}
	for _, k := range s.Tables {
		sizes[k.Kind.Name] = k.Bytes
	}
	if sizes["webhooks"] == 0 || sizes["tenants"] == 0 || len(s.Levels) == 0 || s.WAL == 0 || s.Size < s.WAL || s.PayloadFiles != 1 || s.PayloadFileBytes < 2<<20 {
		t.Errorf("%+v", s)
	}
	wantMetrics(t, "a large event waits", reg, map[string]float64{
		"hookline_store_payload_files": 1, "hookline_store_payload_file_bytes": float64(s.PayloadFileBytes), "hookline_queue_expanding": 0,
	})
}
