package registry_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// TestMatchReadsNoWebhook: events are matched without webhooks being read whole, and these are read once when somebody asks for them.
func TestMatchReadsNoWebhook(t *testing.T) {
	m := manyTenants(t, 1, 20)
	r := open(t, m)
	m.wholes = 0
	o := webhook.Owner{Tenant: "t0", App: "ci"}
	publish(t, r, "t0", 20)
	if first, err := r.FirstExpiry("t0", []int64{1000, 1001}); err != nil || first.IsZero() {
		t.Errorf("they expire at %v, %v", first, err)
	}
	if m.wholes != 0 {
		t.Fatalf("webhooks were read %d times", m.wholes)
	}
	before := r.Memory().Bytes
	for range 3 {
		for id, there := range map[int64]bool{1000: true, 1001: true, 999: false, 1020: false} {
			if w, err := r.Webhook("t0", id); (err == nil) != there || there && w.ID != id {
				t.Errorf("%d: %+v, %v", id, w, err)
			}
		}
	}
	one := r.Memory().Bytes - before
	if m.wholes != 2 || one < 2*200 || one > 2*1000 {
		t.Errorf("two were read %d times, and take %d bytes", m.wholes, one)
	}
	for range 3 {
		if list, err := r.List(o, rules.Flavor); len(list) != 20 || err != nil {
			t.Errorf("%d are listed, %v", len(list), err)
		}
		must(r.Webhook("t0", 1007))
	}
	if all := r.Memory().Bytes - before; m.wholes != 3 || all != 10*one || r.Memory().Loads != 1 {
		t.Errorf("all were read %d times, and take %d bytes, two of them %d; %+v", m.wholes-2, all, one, r.Memory())
	}
	register := func(want int) {
		t.Helper()
		if results, err := r.Register(ctx, rules, o, "https://r/1", []registry.Item{item("project = EX", updated)}); err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
		publish(t, r, "t0", want)
	}
	register(21)
	r.Evict("t0")
	register(22)
	if m.wholes != 4 {
		t.Errorf("for a change of what was let go they were read %d times", m.wholes-3)
	}
}

// TestOneIsChangedWhileOthersAreNotRead: what was read by itself is not what stays after a change.
func TestOneIsChangedWhileOthersAreNotRead(t *testing.T) {
	m := manyTenants(t, 1, 3)
	r := open(t, m)
	publish(t, r, "t0", 3)
	o := webhook.Owner{Tenant: "t0", App: "ci"}
	old := must(r.Webhook("t0", 1001))
	until := must(r.Refresh(ctx, rules, o, []int64{1001}))
	if w := must(r.Webhook("t0", 1001)); !w.Expires.Equal(until) || w.Expires.Equal(old.Expires) {
		t.Errorf("it expires at %v, want %v", w.Expires, until)
	}
	if err := r.Delete(ctx, o, rules.Flavor, []int64{1001}); err != nil {
		t.Fatal(err)
	}
	if w, err := r.Webhook("t0", 1001); err != registry.ErrUnknownWebhook {
		t.Errorf("%+v, %v", w, err)
	}
	publish(t, r, "t0", 2)
}

// TestUnreadableSubscribers: where what is kept to match events is corrupt, it is made of the webhooks.
func TestUnreadableSubscribers(t *testing.T) {
	r, m := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", updated), item("project = OTHER", updated), item("project != OTHER", updated))
	must(r.Register(ctx, &twinAdmin, webhook.Owner{Tenant: "acme"}, "https://r/2", []registry.Item{{Filter: "", Events: []string{updated}, Settings: &webhook.Settings{Name: "n", Disabled: true}}}))
	m.unreadableSubscribers = true
	r = open(t, m)
	for range 2 {
		if got := match(t, r, string(inEX)); !slices.Equal(got, []int64{ids[0], ids[2]}) {
			t.Errorf("matched %v of %v", got, ids)
		}
		r.DropIndex("acme")
	}
	if err := r.Delete(ctx, owner, rules.Flavor, ids[:1]); err != nil {
		t.Fatal(err)
	}
	if got := match(t, r, string(inEX)); !slices.Equal(got, ids[2:]) {
		t.Errorf("matched %v", got)
	}
}

// TestReadOnce: events that come at once for a tenant that is not in memory have it read once.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	m := manyTenants(t, 2, 50)
	r := open(t, m)
	for range 20 {
		before := r.Memory().Loads
		var running sync.WaitGroup
		for n := range 8 {
			running.Go(func() {
				var s registry.Scratch
				if _, matched, err := r.Match(fmt.Sprint("t", n%2), inEX, time.Now(), &s); err != nil || len(matched) != 50 {
					t.Errorf("%d match, %v", len(matched), err)
				}
			})
		}
		running.Wait()
		if n := r.Memory().Loads - before; n != 2 {
			t.Fatalf("two tenants were read %d times", n)
		}
		r.Evict("t0")
		r.Evict("t1")
	}
}

// TestSecondChances: one that is read does not wait until all that were used have another place.
func TestSecondChances(t *testing.T) {
	const tenants = 200
	m := manyTenants(t, tenants+1, 1)
	r := open(t, m)
	for range 2 { // the second time all have been used since they were read
		for n := range tenants {
			publish(t, r, fmt.Sprint("t", n), 1)
		}
	}
	if n := registry.Behind(r); n < tenants-1 {
		t.Fatalf("%d were used since they were read", n)
	}
	r.Budget(registry.Resident(r) + r.Memory().Bytes)
	publish(t, r, fmt.Sprint("t", tenants), 1)
	if n := registry.Behind(r); n < tenants-70 || n > tenants-60 {
		t.Errorf("%d are where they were", n)
	}
	if is := r.Memory(); is.Evictions != 1 || is.Tenants != tenants {
		t.Errorf("%+v", is)
	}
}

// TestIndexHasWhatMayMatch: webhooks that have expired or are switched off leave the index, and are in none that is built anew.
func TestIndexHasWhatMayMatch(t *testing.T) {
	r, m := opened(t)
	own := webhook.Owner{Tenant: "acme"}
	watched := func(r *registry.Registry) int {
		t.Helper()
		h, err := r.Health("acme", time.Now(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return h.Webhooks
	}
	register(t, r, "https://r/1", item("project = EX", updated))
	results := must(r.Register(ctx, &twinAdmin, own, "https://r/2", []registry.Item{item("project = EX", updated)}))
	if n := watched(r); n != 2 {
		t.Fatalf("%d are in the index", n)
	}
	_, result, err := r.Change(ctx, &twinAdmin, own, results[0].ID, func(_ *string, i *registry.Item) error {
		i.Settings = &webhook.Settings{Disabled: true}
		return nil
	})
	if err != nil || len(result.Errors) > 0 {
		t.Fatal(result, err)
	}
	if watched(r) != 1 || watched(open(t, m)) != 1 {
		t.Errorf("with one that is switched off %d are in the index, and %d built anew", watched(r), watched(open(t, m)))
	}
	m.wholes = 0
	later := time.Now().Add(rules.Life + time.Minute)
	if err := r.Sweep(ctx, later, func(string) time.Duration { return rules.Keep }, func(uint64) {}, func(uint64) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if m.wholes != 0 {
		t.Errorf("webhooks were read %d times to find those that have expired", m.wholes)
	}
	if n := watched(r); n != 0 {
		t.Errorf("with one that has expired %d are in the index", n)
	}
}
