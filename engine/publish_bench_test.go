package engine_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// BenchmarkTry is what happens to an event before it is written: reading, matching and fan-out, among the webhooks of a
// hundred projects.
func BenchmarkTry(b *testing.B) {
	r := newReceiver(b, always(200))
	e := open(b, options(vfs.NewMem(), r))
	install(b, e)
	var items []registry.Item
	for i := range 99 {
		items = append(items, registry.Item{
			Filter: fmt.Sprintf("project = P%d AND status IN (Open, Done)", i), Events: []string{"jira:issue_updated"},
		})
	}
	results, err := e.Register(ctx, engine.Registration{Owner: owner, URL: "http://receiver.example/hook", Webhooks: items})
	if err != nil || len(results[0].Errors) > 0 {
		b.Fatal(err, results)
	}
	for _, size := range []int{1, 2, 9, 60} {
		filler := bytes.Repeat([]byte(`,{"self":"https://tracker.example.test/field","id":"10001","name":"Größe","value":null}`), size*1024/90)
		about := body("EX", 1)
		about = append(append(append(about[:len(about)-1], `,"more":[{}`...), filler...), "]}"...)
		b.Run(fmt.Sprint(size, "KiB"), func(b *testing.B) {
			b.SetBytes(int64(len(about)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Try(webhook.Event{Tenant: owner.Tenant, Body: about}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
