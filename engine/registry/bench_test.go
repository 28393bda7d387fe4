package registry_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// BenchmarkColdMatch is the first event of a tenant with a hundred webhooks, whose blocks are in the cache of the store: of one tenant after
// another, and of as many at once as there are processors.
func BenchmarkColdMatch(b *testing.B) {
	const tenants = 64
	s := must(store.Open("data", store.Options{FS: vfs.NewMem()}))
	defer s.Close()
	r := must(registry.Open(s))
	for n := range tenants {
		fillTenant(b, r, coldTenant(n))
	}
	cold := func(b *testing.B, n int, scratch *registry.Scratch) {
		tenant := coldTenant(n % tenants)
		r.Evict(tenant)
		if _, _, err := r.Match(tenant, inEX, time.Now(), scratch); err != nil {
			b.Error(err)
		}
	}
	b.Run("one", func(b *testing.B) {
		var scratch registry.Scratch
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			cold(b, n, &scratch)
		}
	})
	b.Run("at once", func(b *testing.B) {
		var last atomic.Int64
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var scratch registry.Scratch
			for pb.Next() {
				cold(b, int(last.Add(1)), &scratch)
			}
		})
	})
}

func coldTenant(n int) string { return fmt.Sprint("tenant", n) }

// fillTenant adds a tenant with a hundred webhooks.
func fillTenant(b *testing.B, r *registry.Registry, id string) {
	if err := r.PutTenant(ctx, webhook.Tenant{ID: id}); err != nil {
		b.Fatal(err)
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: id, Key: "ci"}); err != nil {
		b.Fatal(err)
	}
	var items []registry.Item
	for i := range 100 {
		items = append(items, item(fmt.Sprintf("project = EX AND status in (S%d, Done) AND assignee != u%d AND (priority = High OR issuetype = T%d)", i%12, i, i%30), updated))
	}
	results, err := r.Register(ctx, rules, webhook.Owner{Tenant: id, App: "ci"}, "https://r/1", items)
	if err != nil || len(results[99].Errors) > 0 {
		b.Fatal(results, err)
	}
}
