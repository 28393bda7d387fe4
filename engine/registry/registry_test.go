package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
)

// memory is a Store that keeps everything in maps, and can be told to fail.
type memory struct {
	mu        sync.Mutex
	tenants   map[string]*webhook.Tenant
	apps      map[string]*webhook.App
	endpoints map[uint64]*webhook.Endpoint
	webhooks  map[string]*webhook.Webhook
	last      map[string]int64
	ages      map[string]uint64
	lastEnd   uint64
	fail      error
}

func newMemory() *memory {
	return &memory{
		tenants: map[string]*webhook.Tenant{}, apps: map[string]*webhook.App{}, endpoints: map[uint64]*webhook.Endpoint{},
		webhooks: map[string]*webhook.Webhook{}, last: map[string]int64{}, ages: map[string]uint64{},
	}
}

func (m *memory) Load(rows store.Rows) error {
	for _, t := range m.tenants {
		rows.Tenant(t)
	}
	for _, a := range m.apps {
		rows.App(a)
	}
	for _, e := range m.endpoints {
		rows.Endpoint(e)
	}
	for _, w := range m.webhooks {
		rows.Webhook(w)
	}
	for t, n := range m.last {
		rows.LastWebhookID(t, n)
	}
	for t, n := range m.ages {
		rows.Generation(t, n)
	}
	rows.LastEndpointID(m.lastEnd)
	return nil
}

func webhookKey(w *webhook.Webhook) string { return fmt.Sprint(w.Owner.Tenant, "/", w.ID) }

func (m *memory) Apply(_ context.Context, c *store.Changes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, t := range c.PutTenants {
		m.tenants[t.ID] = t
	}
	for _, a := range c.PutApps {
		m.apps[a.Tenant+"/"+a.Key] = a
	}
	for _, e := range c.PutEndpoints {
		m.endpoints[e.ID] = e
	}
	for _, w := range c.PutWebhooks {
		m.webhooks[webhookKey(w)] = w
	}
	for t, n := range c.LastWebhookID {
		m.last[t] = n
	}
	for t, n := range c.Generations {
		m.ages[t] = n
	}
	m.lastEnd = max(m.lastEnd, c.LastEndpointID)
	for _, t := range c.DeleteTenants {
		delete(m.tenants, t)
	}
	for _, a := range c.DeleteApps {
		delete(m.apps, a.Tenant+"/"+a.Key)
	}
	for _, e := range c.DeleteEndpoints {
		delete(m.endpoints, e)
	}
	for _, w := range c.DeleteWebhooks {
		delete(m.webhooks, webhookKey(w))
	}
	return nil
}

var (
	ctx   = context.Background()
	owner = webhook.Owner{Tenant: "acme", App: "ci"}
	rules = &registry.Rules{
		Flavor:  "test",
		Dialect: func(t *webhook.Tenant) *jql.Dialect { return jql.DynamicDialect(t.EpicLink) },
		Event:   func(name string) bool { _, ok := event.Lookup(name); return ok },
		Limit:   func(*webhook.App) int { return 100 },
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

func match(t *testing.T, r *registry.Registry, body string) []int64 {
	t.Helper()
	var s registry.Scratch
	_, matched, err := r.Match("acme", []byte(body), time.Now(), &s)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	ids := []int64{}
	for _, w := range matched {
		ids = append(ids, w.ID)
	}
	slices.Sort(ids)
	return ids
}

const updated = "jira:issue_updated"

func issueEvent(typ, fields string) string {
	return fmt.Sprintf(`{"webhookEvent":%q,"issue":{"id":"7","key":"EX-1","fields":{%s}}}`, typ, fields)
}

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
	for _, w := range open(t, m).List(owner, rules.Flavor) {
		ends = append(ends, w.Endpoint)
	}
	if !slices.Equal(ends, []uint64{1, 1, 2}) {
		t.Errorf("endpoints %v", ends)
	}
}

func TestMatch(t *testing.T) {
	r, _ := opened(t)
	ids := register(t, r, "https://r/1",
		item("project = EX", updated),
		item("project = EX", "jira:issue_created"),
		item("assignee != u1", updated),
		item("assignee = EMPTY", updated, "worklog_created"),
		item("project = NOPE", "sprint_started"),
		registry.Item{Filter: "project = EX", Events: []string{updated}, FieldIDs: []string{"summary"}},
		registry.Item{Filter: "project != X", Events: []string{"issue_property_set", updated}, PropertyKeys: []string{"k"}},
		item("project = NOPE", "jira:version_merged"),
	)
	of := func(i ...int) []int64 {
		out := []int64{}
		for _, n := range i {
			out = append(out, ids[n])
		}
		return out
	}
	ex := `"project":{"id":"1","key":"EX","name":"Example"}`
	tests := []struct {
		name, body string
		want       []int64
	}{
		{"by event", issueEvent("jira:issue_created", ex), of(1)},
		{"empty assignee is unequal to nobody", issueEvent(updated, ex+`,"assignee":null`), of(0, 3, 6)},
		{"assigned", issueEvent(updated, ex+`,"assignee":{"accountId":"u2"}`), of(0, 2, 6)},
		{"excluded", issueEvent(updated, ex+`,"assignee":{"accountId":"u1"}`), of(0, 6)},
		{"changed field", `{"webhookEvent":"jira:issue_updated","changelog":{"items":[{"fieldId":"summary"}]},"issue":{"fields":{` + ex + `,"assignee":{"accountId":"u1"}}}}`, of(0, 5, 6)},
		{"property key", `{"webhookEvent":"issue_property_set","property":{"key":"k","value":1},"issue":{"fields":{` + ex + `}}}`, of(6)},
		{"other property key", `{"webhookEvent":"issue_property_set","property":{"key":"l","value":1},"issue":{"fields":{` + ex + `}}}`, of()},
		{"no issue, filter ignored", `{"webhookEvent":"sprint_started","sprint":{"id":1}}`, of(4)},
		{"no issue where the filter applies", `{"webhookEvent":"worklog_created","worklog":{"id":"1"}}`, of()},
		{"merge", `{"webhookEvent":"jira:version_deleted","version":{},"mergedTo":{}}`, of(7)},
		{"deletion without merge", `{"webhookEvent":"jira:version_deleted","version":{}}`, of()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := match(t, r, tt.body); !slices.Equal(got, tt.want) {
				t.Errorf("matched %v, want %v", got, tt.want)
			}
		})
	}
}

// What was registered, refreshed and deleted matches the same before and after a restart, whether the index was
// built before the change or after it.
func TestIndexFollowsChanges(t *testing.T) {
	body := issueEvent(updated, `"project":{"key":"EX"}`)
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprint("index built early: ", early), func(t *testing.T) {
			r, m := opened(t)
			if early {
				match(t, r, body)
			}
			ids := register(t, r, "https://r/1", item("project = EX", updated), item("project = ex", updated), item("project = B", updated))
			if got := match(t, r, body); !slices.Equal(got, ids[:2]) {
				t.Errorf("registered: %v", got)
			}
			if err := r.Delete(ctx, owner, rules.Flavor, ids[:1]); err != nil {
				t.Fatal(err)
			}
			if got := match(t, r, body); !slices.Equal(got, ids[1:2]) {
				t.Errorf("deleted: %v", got)
			}
			if got := match(t, open(t, m), body); !slices.Equal(got, ids[1:2]) {
				t.Errorf("reopened: %v", got)
			}
			if _, err := r.DeleteApp(ctx, "acme", "ci"); err != nil {
				t.Fatal(err)
			}
			if got := match(t, r, body); len(got) != 0 {
				t.Errorf("app deleted: %v", got)
			}
		})
	}
}

func TestEpicLinkOfTheTenant(t *testing.T) {
	r, _ := opened(t)
	body := issueEvent(updated, `"customfield_10014":"EX-5","customfield_10008":"EX-6"`)
	ids := register(t, r, "https://r/1", item(`"Epic Link" = EX-5`, updated), item(`"Epic Link" = EX-6`, updated))
	if got := match(t, r, body); !slices.Equal(got, ids[:1]) {
		t.Errorf("default field: %v", got)
	}
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme", EpicLink: 10008}); err != nil {
		t.Fatal(err)
	}
	if got := match(t, r, body); !slices.Equal(got, ids[1:]) {
		t.Errorf("after the tenant's field changed: %v", got)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := opened(t)
		body := issueEvent(updated, `"project":{"key":"EX"}`)
		ids := register(t, r, "https://r/1", item("project = EX", updated), item("project != B", updated))
		keep := func(string) time.Duration { return rules.Keep }
		idle := func(uint64) bool { return true }
		sweep := func() {
			t.Helper()
			if err := r.Sweep(ctx, time.Now(), keep, idle); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if got := match(t, r, body); !slices.Equal(got, ids) {
			t.Errorf("just before its end: %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := match(t, r, body); len(got) != 0 {
			t.Errorf("at its end: %v", got)
		}
		sweep()
		if n := len(r.List(owner, rules.Flavor)); n != 2 {
			t.Errorf("%d expired webhooks are listed", n)
		}
		until, err := r.Refresh(ctx, rules, owner, []int64{ids[1], 99999})
		if err != nil || !until.Equal(time.Now().Add(time.Hour).Truncate(time.Millisecond)) {
			t.Errorf("refreshed until %v, %v", until, err)
		}
		if got := match(t, r, body); !slices.Equal(got, ids[1:]) {
			t.Errorf("refreshed: %v", got)
		}
		time.Sleep(26 * time.Hour)
		sweep()
		sweep()
		if len(m.webhooks) != 0 {
			t.Errorf("%d webhooks are kept after they were listed long enough", len(m.webhooks))
		}
		if len(m.endpoints) != 1 {
			t.Errorf("the endpoint went at once; an event may have been matched just before")
		}
		time.Sleep(2 * time.Hour)
		sweep()
		if len(m.endpoints) != 0 {
			t.Error("the endpoint stays though nothing leads to it")
		}
	})
}

// What has expired does not count towards the limit, and so cannot come back past it.
func TestRefreshKeepsToTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := opened(t)
		strict := *rules
		strict.OneURL, strict.Limit = true, func(*webhook.App) int { return 2 }
		add := func(url string) int64 {
			t.Helper()
			results, err := r.Register(ctx, &strict, owner, url, []registry.Item{item("project = EX", updated)})
			if err != nil || len(results[0].Errors) > 0 {
				t.Fatal(err, results)
			}
			return results[0].ID
		}
		a1, a2 := add("https://r/a"), add("https://r/a")
		time.Sleep(time.Hour)
		b := add("https://r/b")
		refresh := func(ids ...int64) []int64 {
			t.Helper()
			if _, err := r.Refresh(ctx, &strict, owner, ids); err != nil {
				t.Fatal(err)
			}
			return match(t, r, issueEvent(updated, `"project":{"key":"EX"}`))
		}
		if got := refresh(a1, a2, b); !slices.Equal(got, []int64{b}) {
			t.Errorf("beside another URL in use: %v", got)
		}
		time.Sleep(time.Hour)
		if got := refresh(a2, a1, b); !slices.Equal(got, []int64{a1, a2}) {
			t.Errorf("up to the limit: %v", got)
		}
	})
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
	for _, w := range r.List(owner, rules.Flavor) {
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

// While webhooks come and go, every match sees a state that was: one that is registered throughout always matches,
// one that never was never does.
func TestMatchWhileChanging(t *testing.T) {
	r, _ := opened(t)
	steady := register(t, r, "https://r/1", item("project = EX", updated))[0]
	body := []byte(issueEvent(updated, `"project":{"key":"EX"},"status":{"name":"Open"}`))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var s registry.Scratch
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, matched, err := r.Match("acme", body, time.Now(), &s)
				if err != nil {
					t.Error(err)
					return
				}
				if !slices.ContainsFunc(matched, func(w *webhook.Webhook) bool { return w.ID == steady }) {
					t.Error("the steady webhook was missed")
					return
				}
				for _, w := range matched {
					if w.Filter == "project = OTHER" {
						t.Error("matched a webhook of another project")
						return
					}
				}
			}
		})
	}
	for range 100 {
		ids := register(t, r, "https://r/1", item("status = Open", updated), item("project = OTHER", updated), item("project != OTHER", updated))
		if err := r.Delete(ctx, owner, rules.Flavor, ids); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}
