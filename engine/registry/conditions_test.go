package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
)

const stampSize = 16

// TestKeptConditions: what the store keeps of conditions is used where it is right, and only there.
func TestKeptConditions(t *testing.T) {
	r, m := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", updated), item("project = OTHER", updated))
	ex, other := rowKey("acme", ids[0]), rowKey("acme", ids[1])
	if len(m.filters) != 2 {
		t.Fatalf("kept are %v", slices.Collect(maps.Keys(m.filters)))
	}
	kept := maps.Clone(m.filters)
	swapped := func(stampOf, filterOf string) []byte {
		return append(bytes.Clone(kept[stampOf][:stampSize]), kept[filterOf][stampSize:]...)
	}
	tests := map[string]struct {
		kept map[string][]byte
		want []int64
	}{
		"as it was written":                {kept, ids[:1]},
		"nothing":                          {nil, ids[:1]},
		"of one alone":                     {map[string][]byte{other: kept[other]}, ids[:1]},
		"of no webhook":                    {map[string][]byte{rowKey("acme", 1): kept[ex], rowKey("acme", 5000): kept[ex]}, ids[:1]},
		"the other's, stamp and all":       {map[string][]byte{ex: kept[other], other: kept[ex]}, ids[:1]},
		"cut short":                        {map[string][]byte{ex: kept[ex][:len(kept[ex])-1], other: kept[other][:10]}, ids[:1]},
		"the other's under its own stamps": {map[string][]byte{ex: swapped(ex, other), other: swapped(other, ex)}, ids[1:]}, // so it is used
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m.filters = maps.Clone(tt.kept)
			if got := match(t, open(t, m), string(inEX)); !slices.Equal(got, tt.want) {
				t.Errorf("matched %v, want %v", got, tt.want)
			}
		})
	}

	t.Run("on another site", func(t *testing.T) {
		m.filters = map[string][]byte{ex: swapped(ex, other), other: swapped(other, ex)}
		r := open(t, m)
		if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme", Site: webhook.Site{EpicLink: 10008}}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := match(t, r, string(inEX)); !slices.Equal(got, ids[:1]) {
				t.Errorf("matched %v", got)
			}
			r = open(t, m)
		}
	})

	t.Run("changed and deleted", func(t *testing.T) {
		m.filters = maps.Clone(kept)
		r := open(t, m)
		_, result, err := r.Change(ctx, rules, owner, ids[1], func(_ *string, i *registry.Item) error { i.Filter = "project = EX"; return nil })
		if err != nil || len(result.Errors) > 0 {
			t.Fatal(result, err)
		}
		if !bytes.Equal(m.filters[other][stampSize:], kept[ex][stampSize:]) {
			t.Error("what is kept is not that of the new filter")
		}
		if err := r.Delete(ctx, owner, rules.Flavor, ids[:1]); err != nil {
			t.Fatal(err)
		}
		if m.filters[ex] != nil || len(m.filters) != 1 {
			t.Errorf("kept are %v", slices.Collect(maps.Keys(m.filters)))
		}
		if got := match(t, open(t, m), string(inEX)); !slices.Equal(got, ids[1:]) {
			t.Errorf("matched %v", got)
		}
	})
}

// TestSweepKeepsConditions: what had to be compiled is kept from the next sweep on.
func TestSweepKeepsConditions(t *testing.T) {
	r, m := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", updated), item("project = OTHER", updated))
	want := maps.Clone(m.filters)
	sweep := func(r *registry.Registry) {
		t.Helper()
		keep := func(string) time.Duration { return rules.Keep }
		if err := r.Sweep(ctx, time.Now(), keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	m.filters = map[string][]byte{rowKey("acme", ids[0]): want[rowKey("acme", ids[0])]}
	r = open(t, m)
	if sweep(r); len(m.filters) != 1 {
		t.Error("a tenant was read that nobody needed")
	}
	match(t, r, string(inEX))
	before := m.applied
	for range 3 {
		sweep(r)
	}
	if fmt.Sprint(m.filters) != fmt.Sprint(want) || m.applied != before+1 {
		t.Errorf("kept are %x after %d changes, want %x", m.filters, m.applied-before, want)
	}
}

// TestSweepEnds: a store that does not give back what it was to keep is not written for ever, and a write is bounded.
func TestSweepEnds(t *testing.T) {
	const webhooks = 2500
	r, m := opened(t)
	wide := *rules
	wide.Limit = func(*webhook.Tenant, *webhook.App) int { return webhooks }
	must(r.Register(ctx, &wide, owner, "https://r/1", slices.Repeat([]registry.Item{item("project = EX", updated)}, webhooks)))
	m.filters = map[string][]byte{}
	r = open(t, m)
	publish(t, r, "acme", webhooks)
	var written []int
	m.before = func(c *store.Changes) {
		written = append(written, len(c.PutFilters))
		if c.PutFilters = nil; len(written) > 10 {
			m.fail = errors.New("this has no end")
		}
	}
	for range 2 {
		keep := func(string) time.Duration { return rules.Keep }
		if err := r.Sweep(ctx, time.Now(), keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(written, []int{1000, 1000, 500}) {
		t.Errorf("conditions were written: %v", written)
	}
}

// TestMeaning holds what conditions are compiled to. Where this fails because filters are compiled to others, and meant to be, raise
// the version: what stores keep of the ones before must not be used any more.
func TestMeaning(t *testing.T) {
	env := jql.Env{
		Custom:     []jql.CustomField{{ID: 10016, Name: "Points", Kind: jql.KindNumber}, {ID: 10001, Name: "Approver", Kind: jql.KindUser}},
		Priorities: []string{"Low", "High"},
	}
	h := sha256.New()
	for _, filter := range []string{
		"", "project = EX", "project in (EX, \"Other One\", 10000) and status != Done", "not (type = Bug or labels is empty)",
		"assignee = u1 or reporter in (u1, u2)", "assignee is not empty and assignee not in (u3)", "summary ~ \"big fi*\"", "text !~ fire",
		"created > -1d and updated <= startOfWeek(1d)", "due < endOfMonth(-1w)", "created >= '2026-02-11 10:20'", "duedate = 2026-02-11",
		"priority > Low", "Points > 3.5", "cf[10016] in (1, 2e0)", "Approver = u1", "\"Epic Link\" = EX-5", "key > EX-10",
		"issue.property[k].a.b = 5", "issue.property[k].d >= -3h", "fixVersion in (\"1.0\", empty)", "component = api AND (labels = x OR labels = y)",
		"status changed", "status changed from Open to Done", "resolution is empty",
	} {
		_, f, err := registry.Compile(filter, jql.Extended(env))
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		for _, events := range [][]string{{updated}, {"jira:issue_created", "comment_created"}, {"sprint_started", updated}, {"jira:version_merged"}, nil} {
			id := registry.Condition(events, f).Identity()
			h.Write(id[:])
		}
	}
	const version, want = 1, "38dfe39dc89ea6e8"
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want || registry.Meaning != version {
		t.Errorf("version %d is %s, and was %s; this test knows version %d", registry.Meaning, got, want, version)
	}
	if site := new(webhook.Site); registry.StampOf(site, version) == registry.StampOf(site, version+1) {
		t.Error("what another version kept would be used")
	}
}
