package registry_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
)

// withCorrupt returns a registry of four webhooks that all match, two to each of two URLs, of which the row of the second cannot be read.
func withCorrupt(t *testing.T) (*registry.Registry, *memory, []int64) {
	t.Helper()
	r, m := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", updated), item("project = EX", updated))
	ids = append(ids, register(t, r, "https://r/2", item("project = EX", updated), item("project = EX", updated))...)
	m.corrupt = map[string]bool{rowKey("acme", ids[1]): true}
	return open(t, m), m, ids
}

// sameAgain fails where groups are not as they are made of the webhooks that are there.
func sameAgain(t *testing.T, m *memory) {
	t.Helper()
	want := map[uint64]store.Groups{}
	for key := range m.webhooks {
		w := m.row(key)
		want[w.Endpoint] = want[w.Endpoint].Add(w, 1)
	}
	sorted := func(g store.Groups) store.Groups {
		return slices.SortedFunc(slices.Values(g), func(a, b store.Group) int { return cmp.Compare(a.Expires, b.Expires) })
	}
	if !maps.EqualFunc(want, m.groups, func(a, b store.Groups) bool { return slices.Equal(sorted(a), sorted(b)) }) {
		t.Errorf("groups are %v, want %v", m.groups, want)
	}
}

// TestUnreadableWebhook: one that cannot be read is missing where webhooks are read, and no other is; it can be deleted by its number.
func TestUnreadableWebhook(t *testing.T) {
	r, m, ids := withCorrupt(t)
	others := []int64{ids[0], ids[2], ids[3]}
	listed := func(want []int64) {
		t.Helper()
		var got []int64
		for _, w := range must(r.List(owner, rules.Flavor)) {
			got = append(got, w.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v are listed, want %v", got, want)
		}
	}
	matches := func(want []int64) {
		t.Helper()
		if got := match(t, r, string(inEX)); !slices.Equal(got, want) {
			t.Errorf("%v match, want %v", got, want)
		}
	}
	matches(ids) // by what is kept for that
	listed(others)
	matches(ids)
	r.Evict("acme")
	listed(others)
	r.DropIndex("acme")
	matches(ids)
	if _, err := r.Webhook("acme", ids[1]); !errors.Is(err, store.ErrUnreadable) {
		t.Errorf("it is read with %v", err)
	}
	if _, err := r.Refresh(ctx, rules, owner, ids); err != nil {
		t.Error(err)
	}
	delete(m.filters, rowKey("acme", ids[1]))
	r.DropIndex("acme")
	matches(others)
	if n := r.Counts(time.Now()); n.Broken != 1 || n.Webhooks != 4 {
		t.Errorf("%+v", n)
	}
	others = append(others, register(t, r, "https://r/2", item("project = EX", updated))...)
	matches(others)
	if err := r.Delete(ctx, owner, rules.Flavor, ids[1:3]); err != nil {
		t.Fatal(err)
	}
	others = slices.Delete(others, 1, 2)
	listed(others)
	matches(others)
	if m.webhooks[rowKey("acme", ids[1])] != nil {
		t.Error("it is still there")
	}
	if _, err := r.Webhook("acme", ids[1]); err != registry.ErrUnknownWebhook {
		t.Errorf("it is read with %v after it was deleted", err)
	}
	sameAgain(t, m)
}

// TestUnreadableConditionsAreKept: those of the others are, where one webhook cannot be read.
func TestUnreadableConditionsAreKept(t *testing.T) {
	r, m, ids := withCorrupt(t)
	clear(m.filters)
	if got := match(t, r, string(inEX)); len(got) != 3 {
		t.Errorf("%v match", got)
	}
	sweep(t, r, time.Now())
	if len(m.filters) != 3 || m.filters[rowKey("acme", ids[1])] != nil {
		t.Errorf("%d conditions are kept", len(m.filters))
	}
}

func sweep(t *testing.T, r *registry.Registry, now time.Time) {
	t.Helper()
	keep := func(string) time.Duration { return rules.Keep }
	if err := r.Sweep(ctx, now, keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
		t.Error(err)
	}
}

// TestUnreadableWebhookGoes: what removes all of something removes those that cannot be read, too.
func TestUnreadableWebhookGoes(t *testing.T) {
	for name, tt := range map[string]struct {
		remove func(*registry.Registry, int64) error
		left   int
	}{
		"tenant": {func(r *registry.Registry, _ int64) error { _, err := r.DeleteTenant(ctx, "acme"); return err }, 0},
		"app":    {func(r *registry.Registry, _ int64) error { _, err := r.DeleteApp(ctx, "acme", "ci"); return err }, 0},
		"number": {func(r *registry.Registry, id int64) error { _, err := r.DeleteAny(ctx, "acme", id); return err }, 3},
		"expiry": {func(r *registry.Registry, _ int64) error {
			return r.Sweep(ctx, time.Now().Add(rules.Life+rules.Keep+time.Minute), func(string) time.Duration { return rules.Keep }, func(uint64) {}, func(uint64) bool { return true })
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, m, ids := withCorrupt(t)
			if err := tt.remove(r, ids[1]); err != nil {
				t.Fatal(err)
			}
			if len(m.webhooks) != tt.left || m.webhooks[rowKey("acme", ids[1])] != nil {
				t.Errorf("%d webhooks are left", len(m.webhooks))
			}
			sameAgain(t, m)
			if is := r.Memory(); tt.left == 0 && name == "tenant" && (is.Bytes != 0 || is.Tenants != 0) {
				t.Errorf("%+v", is)
			}
		})
	}
}

// TestDeleteAny: it is of any owner and flavour, and not one that is in use or that there is not.
func TestDeleteAny(t *testing.T) {
	r, _, ids := withCorrupt(t)
	w := must(r.Webhook("acme", ids[3]))
	if ep, err := r.DeleteAny(ctx, "acme", ids[3]); err != nil || ep != w.Endpoint {
		t.Errorf("%d, %v", ep, err)
	}
	for tenant, id := range map[string]int64{"acme": ids[3], "nobody": ids[0]} {
		if _, err := r.DeleteAny(ctx, tenant, id); err != registry.ErrUnknownWebhook {
			t.Errorf("%s: %v", tenant, err)
		}
	}
}

// TestUnreadableWebhooksAreReplaced: what makes the webhooks of an owner others does away with those that cannot be read.
func TestUnreadableWebhooksAreReplaced(t *testing.T) {
	r, m := opened(t)
	app := *base
	if _, err := r.Install(ctx, "acme", "ci", &app, sets("https://app.example/base/p", "auX", "buX")); err != nil {
		t.Fatal(err)
	}
	first := must(r.List(owner, declaredRules.Flavor))[0]
	m.corrupt = map[string]bool{rowKey("acme", first.ID): true}
	r = open(t, m)
	if _, err := r.Install(ctx, "acme", "ci", &app, sets("https://app.example/base/p", "auX", "buX")); err != nil {
		t.Fatal(err)
	}
	if len(m.webhooks) != 3 || m.webhooks[rowKey("acme", first.ID)] != nil || m.endpoints[first.Endpoint] != nil {
		t.Errorf("%v", slices.Collect(maps.Keys(m.webhooks)))
	}
	if list := must(r.List(owner, declaredRules.Flavor)); len(list) != 2 {
		t.Errorf("%d are listed", len(list))
	}
	sameAgain(t, m)
}
