package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

func match(t *testing.T, r *registry.Registry, body string) []int64 {
	t.Helper()
	var s registry.Scratch
	_, matched, err := r.Match("acme", []byte(body), time.Now(), &s)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	ids := []int64{}
	for _, m := range matched {
		ids = append(ids, m.Webhook)
	}
	slices.Sort(ids)
	return ids
}

func issueEvent(typ, fields string) string {
	return fmt.Sprintf(`{"webhookEvent":%q,"issue":{"id":"7","key":"EX-1","fields":{%s}}}`, typ, fields)
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

// TestMatchByTheClock: a filter that speaks of now means the time of the event.
func TestMatchByTheClock(t *testing.T) {
	r, _ := opened(t)
	full := *rules
	full.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }
	full.Life = 0
	items := []registry.Item{item("created > -1d", updated)}
	if results, err := r.Register(ctx, &full, owner, "https://r/1", items); err != nil || len(results[0].Errors) > 0 {
		t.Fatal(results, err)
	}
	body := []byte(issueEvent(updated, `"created":"2026-11-20T12:00:00.000+0000"`))
	var s registry.Scratch
	for now, want := range map[string]int{"2026-11-21T11:00:00Z": 1, "2026-11-21T13:00:00Z": 0} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, matched, err := r.Match("acme", body, at, &s); err != nil || len(matched) != want {
			t.Errorf("at %s: %v, %v; want %d", now, matched, err, want)
		}
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
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme", Site: webhook.Site{EpicLink: 10008}}); err != nil {
		t.Fatal(err)
	}
	if got := match(t, r, body); !slices.Equal(got, ids[1:]) {
		t.Errorf("after the tenant's field changed: %v", got)
	}
}

// A change of what a site means by its words shows in the next event, also for webhooks that were there before.
func TestSiteOfTheTenant(t *testing.T) {
	r, _ := opened(t)
	full := *rules
	full.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }
	site := func(s webhook.Site) {
		t.Helper()
		if err := r.PutTenant(ctx, webhook.Tenant{ID: "acme", Site: s}); err != nil {
			t.Fatal(err)
		}
	}
	points := webhook.CustomField{ID: 10016, Name: "Points", Type: "number"}
	site(webhook.Site{CustomFields: []webhook.CustomField{points}, Priorities: []string{"Low", "High"}})
	var ids []int64
	for _, filter := range []string{"Points > 3", "priority > Low", "created < 2026-09-14", "assignee = \"Inês\""} {
		results, err := r.Register(ctx, &full, owner, "https://r/1", []registry.Item{item(filter, updated)})
		if err != nil || len(results[0].Errors) > 0 {
			t.Fatalf("%s: %v, %v", filter, results, err)
		}
		ids = append(ids, results[0].ID)
	}
	body := issueEvent(updated, `"customfield_10016":5,"customfield_10017":1,"priority":{"name":"High"},"created":"2026-09-13T23:30:00Z",`+
		`"assignee":{"accountId":"1","displayName":"Inês"}`)
	if got := match(t, r, body); !slices.Equal(got, ids[:3]) {
		t.Errorf("as registered: %v of %v", got, ids)
	}
	points.ID = 10017
	site(webhook.Site{
		CustomFields: []webhook.CustomField{points}, Priorities: []string{"High", "Low"}, TimeZone: "Europe/Berlin", DisplayNames: true,
	})
	if got := match(t, r, body); !slices.Equal(got, ids[3:]) {
		t.Errorf("after the change: %v of %v", got, ids)
	}
	site(webhook.Site{Priorities: []string{"Low", "High"}})
	if c := r.Counts(time.Now()); c.Indexed != 0 {
		t.Errorf("the index is still there: %+v", c)
	}
	if got := match(t, r, body); !slices.Equal(got, ids[1:3]) {
		t.Errorf("without the custom field: %v of %v", got, ids)
	}
	if c := r.Counts(time.Now()); c.Broken != 1 {
		t.Errorf("%d filters are broken; want the one that names the custom field", c.Broken)
	}
}

// A tenant whose settings are not understood here is not served by other rules than its own.
func TestOpenRefusesAnUnknownSite(t *testing.T) {
	_, m := opened(t)
	m.tenants["acme"].TimeZone = "Mars/Olympus"
	if _, err := registry.Open(m); err == nil || !strings.Contains(err.Error(), `tenant acme: timeZone "Mars/Olympus"`) {
		t.Errorf("error %v", err)
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
				if !slices.ContainsFunc(matched, func(m registry.Matched) bool { return m.Webhook == steady }) {
					t.Error("the steady webhook was missed")
					return
				}
				for _, m := range matched {
					if m.Webhook > steady && (m.Webhook-steady)%3 == 2 {
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
