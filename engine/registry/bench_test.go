package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// BenchmarkColdMatch is the first event of a tenant with a hundred webhooks, whose blocks are in the cache of the store.
func BenchmarkColdMatch(b *testing.B) {
	s := must(store.Open("data", store.Options{FS: vfs.NewMem()}))
	defer s.Close()
	r := must(registry.Open(s))
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
		b.Fatal(err)
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"}); err != nil {
		b.Fatal(err)
	}
	var items []registry.Item
	for i := range 100 {
		items = append(items, item(fmt.Sprintf("project = EX AND status in (S%d, Done) AND assignee != u%d AND (priority = High OR issuetype = T%d)", i%12, i, i%30), updated))
	}
	if results, err := r.Register(ctx, rules, owner, "https://r/1", items); err != nil || len(results[99].Errors) > 0 {
		b.Fatal(results, err)
	}
	var scratch registry.Scratch
	b.ReportAllocs()
	for b.Loop() {
		r.Evict("acme")
		if _, _, err := r.Match("acme", inEX, time.Now(), &scratch); err != nil {
			b.Fatal(err)
		}
	}
}
