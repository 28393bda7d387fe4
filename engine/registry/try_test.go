package registry_test

import (
	"errors"
	"slices"
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

const updatedInEX = `{"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"project":{"key":"EX"}}}}`

// Try says what Register says, and leaves no trace.
func TestTry(t *testing.T) {
	r, m := opened(t)
	few := *rules
	few.Limit = func(*webhook.Tenant, *webhook.App) int { return 1 }
	items := []registry.Item{item("nonsense = 1", updated), item("project = EX", updated), item("project = EX", updated)}
	tried, err := r.Try(&few, owner, "https://h.example/", items)
	if err != nil || len(m.webhooks) != 0 || len(m.endpoints) != 0 || len(match(t, r, updatedInEX)) != 0 {
		t.Fatalf("%v; %d webhooks, %d endpoints", err, len(m.webhooks), len(m.endpoints))
	}
	done, err := r.Register(ctx, &few, owner, "https://h.example/", items)
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if tried[i].ID != 0 || len(tried[i].Errors) != len(done[i].Errors) || (done[i].ID == 0) != (len(done[i].Errors) > 0) {
			t.Errorf("item %d: tried %+v, registered %+v", i, tried[i], done[i])
		}
	}
	if done[1].ID != 1000 {
		t.Errorf("the number is %d; a trial used some up", done[1].ID)
	}
	if _, err := r.Try(&few, owner, "ftp://h.example/", items); err == nil {
		t.Error("a bad URL is tried without an error")
	}
	if _, err := r.Try(&few, webhook.Owner{Tenant: "acme", App: "nobody"}, "https://h.example/", items); !errors.Is(err, webhook.ErrUnknownApp) {
		t.Errorf("an unknown app: %v", err)
	}
}

// Replacement is one change: it is there after a restart, and what could not be written replaced nothing.
func TestReplaceOnConflict(t *testing.T) {
	r, m := opened(t)
	strict := *rules
	strict.OneURL, strict.Replace = true, true
	add := func(url string, filters ...string) []registry.Result {
		t.Helper()
		var items []registry.Item
		for _, f := range filters {
			items = append(items, item(f, updated))
		}
		results, err := r.Register(ctx, &strict, owner, url, items)
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	add("https://old.example/", "project = EX", "project = EX")
	if results := add("https://new.example/", "nonsense = 1"); len(results[0].Errors) != 1 {
		t.Errorf("results %+v", results)
	}
	if got := match(t, r, updatedInEX); !slices.Equal(got, []int64{1000, 1001}) {
		t.Errorf("a refused registration replaced: %v match", got)
	}
	m.fail = errors.New("disk full")
	if _, err := r.Register(ctx, &strict, owner, "https://new.example/", []registry.Item{item("project = EX", updated)}); err == nil {
		t.Error("a write that failed is no error")
	}
	m.fail = nil
	if got := match(t, r, updatedInEX); !slices.Equal(got, []int64{1000, 1001}) {
		t.Errorf("a write that failed replaced: %v match", got)
	}
	add("https://new.example/", "project = EX")
	add("https://new.example/", "project = EX")
	for range 2 {
		if got := match(t, r, updatedInEX); !slices.Equal(got, []int64{1002, 1003}) {
			t.Errorf("%v match; want those that replaced", got)
		}
		if n := len(must(r.List(owner, rules.Flavor))); n != 2 {
			t.Errorf("%d webhooks are listed", n)
		}
		r = open(t, m)
	}
}
