package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

var (
	ctx   = context.Background()
	owner = webhook.Owner{Tenant: "acme", App: "ci"}
	rules = &registry.Rules{
		Flavor:  "test",
		Dialect: func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Dynamic(env) },
		Event:   func(name string) bool { _, ok := event.Lookup(name); return ok },
		Limit:   func(*webhook.Tenant, *webhook.App) int { return 100 },
		Life:    time.Hour, Keep: 24 * time.Hour,
	}
)

func open(t *testing.T, m *memory) *registry.Registry {
	t.Helper()
	r, err := registry.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// opened is a registry with tenant acme and its app ci.
func opened(t *testing.T) (*registry.Registry, *memory) {
	t.Helper()
	m := newMemory()
	r := open(t, m)
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme", Hosts: []string{"acme.example"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: webhook.HashToken("secret")}}}); err != nil {
		t.Fatal(err)
	}
	return r, m
}

func register(t *testing.T, r *registry.Registry, url string, items ...registry.Item) []int64 {
	t.Helper()
	results, err := r.Register(ctx, rules, owner, url, items)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for i, res := range results {
		if len(res.Errors) > 0 {
			t.Fatalf("item %d: %v", i, res.Errors)
		}
		ids = append(ids, res.ID)
	}
	return ids
}

func item(filter string, events ...string) registry.Item {
	return registry.Item{Filter: filter, Events: events}
}

const updated = "jira:issue_updated"

func TestNumbersAscendAndAreNeverUsedAgain(t *testing.T) {
	r, m := opened(t)
	if got := register(t, r, "https://r/1", item("project = A", updated), item("project = B", updated)); !slices.Equal(got, []int64{1000, 1001}) {
		t.Fatalf("first numbers %v", got)
	}
	if err := r.Delete(ctx, owner, rules.Flavor, []int64{1001}); err != nil {
		t.Fatal(err)
	}
	r = open(t, m)
	if got := register(t, r, "https://r/1", item("project = A", updated)); !slices.Equal(got, []int64{1002}) {
		t.Fatalf("after a deletion and a restart %v", got)
	}
	if _, err := r.DeleteTenant(ctx, "acme"); err != nil {
		t.Fatal(err)
	}
	r = open(t, m)
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"}); err != nil {
		t.Fatal(err)
	}
	if got := register(t, r, "https://r/1", item("project = A", updated)); !slices.Equal(got, []int64{1003}) {
		t.Fatalf("after the tenant was made anew %v", got)
	}
}

func TestOneEndpointForOneCallback(t *testing.T) {
	r, m := opened(t)
	register(t, r, "https://r/1", item("project = A", updated))
	register(t, r, "https://r/1", item("project = B", updated))
	register(t, r, "https://r/2", item("project = C", updated))
	var ends []uint64
	for _, w := range must(open(t, m).List(owner, rules.Flavor)) {
		ends = append(ends, w.Endpoint)
	}
	if !slices.Equal(ends, []uint64{1, 1, 2}) {
		t.Errorf("endpoints %v", ends)
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	r, m := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", updated))
	body := issueEvent(updated, `"project":{"key":"EX"}`)
	broken := errors.New("disk")
	m.fail = broken
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, broken) {
			t.Errorf("%s returned %v", what, err)
		}
		if got := match(t, r, body); !slices.Equal(got, ids) {
			t.Errorf("after %s: matched %v", what, got)
		}
	}
	_, err := r.Register(ctx, rules, owner, "https://r/9", []registry.Item{item("project = EX", updated)})
	check("Register", err)
	check("Delete", r.Delete(ctx, owner, rules.Flavor, ids))
	_, err = r.DeleteApp(ctx, "acme", "ci")
	check("DeleteApp", err)
	_, err = r.DeleteTenant(ctx, "acme")
	check("DeleteTenant", err)
	check("PutTenant", r.PutTenant(ctx, webhook.Tenant{ID: "new"}))
	if _, ok := r.Tenant("new"); ok {
		t.Error("a tenant that was not written is there")
	}
	m.fail = nil
	if got := register(t, r, "https://r/1", item("project = EX", updated)); got[0] != ids[0]+1 {
		t.Errorf("the next number is %d", got[0])
	}
}

func TestListsAreBounded(t *testing.T) {
	r, _ := opened(t)
	many := make([]string, 0, 102)
	for i := range 101 {
		many = append(many, fmt.Sprint("field", i))
	}
	repeated := slices.Repeat([]string{updated}, 10_000)
	tests := []struct {
		name string
		item registry.Item
		want string // "" for fine
	}{
		{"as many as allowed", registry.Item{Filter: "project = A", Events: []string{updated}, FieldIDs: many[:100]}, ""},
		{"repeats do not count", registry.Item{Filter: "project = A", Events: repeated, FieldIDs: repeated}, ""},
		{"too many", registry.Item{Filter: "project = A", Events: []string{updated}, FieldIDs: many}, "fieldIDs may have at most 100 entries of at most 255 bytes"},
		{"too long", registry.Item{Filter: "project = A", Events: []string{updated}, PropertyKeys: []string{strings.Repeat("k", 256)}}, "propertyKeys may have at most 100 entries of at most 255 bytes"},
		{"events", registry.Item{Filter: "project = A", Events: many}, "events may have at most 100 entries of at most 255 bytes"},
		{"an unknown event is named once", registry.Item{Filter: "project = A", Events: []string{"x", "x"}}, `the event "x" is not supported`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results, err := r.Register(ctx, rules, owner, "https://r/1", []registry.Item{tt.item})
			if err != nil {
				t.Fatal(err)
			}
			if got := errors.Join(results[0].Errors...); tt.want == "" && got != nil || tt.want != "" && (got == nil || got.Error() != tt.want) {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
	for _, w := range must(r.List(owner, rules.Flavor)) {
		if len(w.Events) != 1 {
			t.Errorf("webhook %d keeps %d events", w.ID, len(w.Events))
		}
	}
}

func TestUpdateNeedsSomethingThere(t *testing.T) {
	r, _ := opened(t)
	if _, err := r.UpdateTenant(ctx, "nobody", func(*webhook.Tenant) {}); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("tenant: %v", err)
	}
	if _, err := r.UpdateApp(ctx, "acme", "nothing", func(*webhook.App) {}); !errors.Is(err, webhook.ErrUnknownApp) {
		t.Errorf("app: %v", err)
	}
	got, err := r.UpdateTenant(ctx, "acme", func(t *webhook.Tenant) { t.EpicLink = 5 })
	if err != nil || got.EpicLink != 5 || len(got.Hosts) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A tenant that is made anew under an old id is another one, also after a restart.
func TestGenerations(t *testing.T) {
	r, m := opened(t)
	generation := func() uint64 {
		t.Helper()
		info, ok := r.Tenant("acme")
		if !ok {
			t.Fatal("no tenant")
		}
		return info.Generation
	}
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	first := generation()
	if first != 1 {
		t.Errorf("a change made generation %d", first)
	}
	if _, err := r.DeleteTenant(ctx, "acme"); err != nil {
		t.Fatal(err)
	}
	r = open(t, m)
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	if generation() != 2 {
		t.Errorf("made anew it has generation %d", generation())
	}
	if r = open(t, m); generation() != 2 {
		t.Errorf("after a restart it has generation %d", generation())
	}
}

func TestAuthenticate(t *testing.T) {
	r, _ := opened(t)
	if c, ok := r.Authenticate("acme", "secret"); !ok || c.Owner != owner {
		t.Errorf("got %v, %v", c, ok)
	}
	for _, c := range [][2]string{{"acme", "wrong"}, {"acme", ""}, {"other", "secret"}} {
		if _, ok := r.Authenticate(c[0], c[1]); ok {
			t.Errorf("%v is admitted", c)
		}
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: webhook.HashToken("fresh")}}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Authenticate("acme", "secret"); ok {
		t.Error("a token that was replaced is admitted")
	}
	var taken *registry.TokenTakenError
	err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "two", Tokens: []webhook.AppToken{{Hash: webhook.HashToken("fresh")}}})
	if !errors.As(err, &taken) {
		t.Errorf("a token of two apps: %v", err)
	}
	if info, ok := r.TenantOfHost("acme.example"); !ok || info.ID != "acme" {
		t.Errorf("host: %v %v", info, ok)
	}
}
