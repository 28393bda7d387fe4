package registry_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// TestCrash: whatever was changed when the power went is there afterwards, and what is known of webhooks without them, and kept of their
// conditions, fits the webhooks.
func TestCrash(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewCrashableMem()
		options := store.Options{FS: fs, CacheSize: 1 << 20}
		s := must(store.Open("data", options))
		defer func() { _ = s.Close() }()
		r := must(registry.Open(s))
		if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
			rt.Fatal(err)
		}
		if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"}); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			id := rapid.Int64Range(1000, 1010).Draw(rt, "number")
			switch rapid.IntRange(0, 4).Draw(rt, "change") {
			case 0, 1:
				must(r.Register(ctx, rules, owner, "https://r/1", []registry.Item{item("project = EX", updated), item("project != EX", updated)}))
			case 2:
				if err := r.Delete(ctx, owner, rules.Flavor, []int64{id, id + 1}); err != nil {
					rt.Fatal(err)
				}
			case 3:
				must(r.Refresh(ctx, rules, owner, []int64{id, id + 2}))
			case 4:
				must(r.Replace(ctx, plain, owner, []string{"https://r/1", "https://r/2"}[:id%3]))
			}
			if rapid.Bool().Draw(rt, "let go") {
				r.Evict("acme")
			}
			crashed := options
			percent := rapid.SampledFrom([]int{0, 50, 100}).Draw(rt, "unsynced")
			crashed.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(id), 1))})
			checkCrashed(rt, r, crashed)
		}
	})
}

// checkCrashed compares what a crash left with what there was.
func checkCrashed(rt *rapid.T, was *registry.Registry, o store.Options) {
	s := must(store.Open("data", o))
	defer func() { _ = s.Close() }()
	is := must(registry.Open(s))
	now := time.Now()
	all := must(was.All("acme"))
	counts := is.Counts(now)
	if a, b := must(json.Marshal(all)), must(json.Marshal(must(is.All("acme")))); string(a) != string(b) || counts.Webhooks != len(all) || counts.Expired != 0 {
		rt.Fatalf("there was %s\nthere is  %s, %+v", a, b, counts)
	}
	var scratch registry.Scratch
	_, matched, err := is.Match("acme", inEX, now, &scratch)
	want := slices.DeleteFunc(slices.Clone(all), func(w *webhook.Webhook) bool { return w.Filter != "project = EX" })
	if err != nil || len(matched) != len(want) {
		rt.Fatalf("%d webhooks match, want %d; %v", len(matched), len(want), err)
	}
	var kept []int64
	var rows []store.Subscriber
	err = s.Subscribers("acme", func(row *store.Subscriber) {
		if row.Filter != nil {
			kept = append(kept, row.ID)
		}
		row.Filter = nil
		rows = append(rows, *row)
	})
	if err != nil {
		rt.Fatal(err)
	}
	var filtered []int64
	for i, w := range must(was.All("acme")) {
		if len(rows) != len(all) || !reflect.DeepEqual(rows[i], store.SubscriberOf(w)) {
			rt.Fatalf("subscribers are %+v, and %d is %+v", rows, i, w)
		}
		if len(w.Events) > 0 {
			filtered = append(filtered, w.ID)
		}
	}
	if !slices.Equal(kept, filtered) {
		rt.Fatalf("conditions of %v are kept, want those of %v", kept, filtered)
	}
}
