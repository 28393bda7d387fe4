package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// FuzzAccepted: whatever filter a registration accepts is compiled, filed and matched without a panic, and matches an
// event as the definition of the language says.
func FuzzAccepted(f *testing.F) {
	bodies := []string{
		issueEvent(updated, `"project":{"id":"1","key":"EX","name":"Example"},"status":{"name":"Done","id":"3"},"labels":["a","b"],"summary":"The disk is full","customfield_7":5.5,"created":"2026-02-10T12:00:00.000+0000","priority":{"name":"High"}`),
		`{"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","properties":{"k":{"a":[1,true,"x"]}},"fields":{}},"changelog":{"items":[{"fieldId":"status","fromString":"Open","from":"1","toString":"Done","to":"3"}]},"user":{"accountId":"u1"}}`,
		`{"webhookEvent":"jira:issue_updated"}`, `{"webhookEvent":"jira:issue_deleted","issue":{}}`, `{"issue":{}}`,
	}
	for i, filter := range []string{
		"", "project = EX AND status IN (Done, Open)", "NOT (labels = a OR Points < 6) AND summary ~ '\"disk is\" f*'",
		"created > -2d AND priority >= High", "status CHANGED FROM (Open, EMPTY) TO Done BY u1", "NOT status CHANGED BY currentUser()",
		"issue.property[k].a = 1 OR issue.property[k].a = true AND issuekey > EX-0", "event = 'jira:issue_updated' AND actor != u2",
		"assignee IS EMPTY OR cf[7] IS NOT EMPTY", strings.Repeat("NOT (", 20) + "id = 7" + strings.Repeat(")", 20),
		"id IN (" + strings.Repeat("7,", 999) + "7)", strings.Repeat("(id=7 OR (id=8 AND ", 16) + "id=7" + strings.Repeat("))", 16),
		"status CHANGED FROM (a,b,c) TO (d,e,f) OR NOT labels CHANGED", "due IN (now(), 1d, endOfDay())", "project = EX ORDER BY created",
	} {
		f.Add(filter, []byte(bodies[i%len(bodies)]))
	}
	m := newMemory()
	base, err := registry.Open(m)
	if err != nil {
		f.Fatal(err)
	}
	site := webhook.Site{
		CustomFields: []webhook.CustomField{{ID: 7, Name: "Points", Type: "number"}}, Priorities: []string{"Low", "High"}, DisplayNames: true,
	}
	if err := errors.Join(base.PutTenant(ctx, webhook.Tenant{ID: "acme", Site: site}), base.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"})); err != nil {
		f.Fatal(err)
	}
	extended := *rules
	extended.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Extended(env) }
	env, _ := base.Env("acme")
	now := time.Date(2026, 2, 11, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, filter string, body []byte) {
		r, err := registry.Open(newMemoryOf(m))
		if err != nil {
			t.Fatal(err)
		}
		results, err := r.Register(ctx, &extended, owner, "https://r/1", []registry.Item{item(filter, updated)})
		if err != nil {
			t.Fatal(err)
		}
		var s registry.Scratch
		header, matched, err := r.Match("acme", body, now, &s)
		if len(results[0].Errors) > 0 {
			if len(matched) > 0 {
				t.Fatal("what was refused matches")
			}
			return
		}
		if refused, ok := errors.AsType[*event.Error](err); err != nil && !ok {
			t.Fatal(err)
		} else if ok {
			_ = refused.Error()
			return
		}
		q, err := jql.Parse(filter)
		if err != nil {
			t.Fatalf("accepted, and does not parse: %v", err)
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var doc any
		if err := d.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		if want := header.Type == updated && jql.Evaluate(q, env, doc, now); len(matched) == 1 != want {
			t.Fatalf("%s\nmatches %v; want %v of %s", filter, !want, want, body)
		}
	})
}

// newMemoryOf is a store with the tenants and apps of another.
func newMemoryOf(m *memory) *memory {
	fresh := newMemory()
	for id, tenant := range m.tenants {
		fresh.tenants[id] = tenant
	}
	for id, app := range m.apps {
		fresh.apps[id] = app
	}
	return fresh
}

// BenchmarkRegisterLargest is the registration of a filter that is as large as is allowed.
func BenchmarkRegisterLargest(b *testing.B) {
	var text strings.Builder
	for i := range 4 {
		fmt.Fprintf(&text, "%slabels NOT IN (%d", strings.Repeat(" AND ", min(i, 1)), i*1000)
		for j := range 999 {
			fmt.Fprintf(&text, ",%d", i*1000+j+1)
		}
		text.WriteString(")")
	}
	r, err := registry.Open(newMemory())
	if err == nil {
		err = r.PutTenant(ctx, webhook.Tenant{ID: "acme"})
	}
	if err != nil {
		b.Fatal(err)
	}
	full := *rules
	full.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }
	for b.Loop() {
		results, err := r.Try(&full, webhook.Owner{Tenant: "acme"}, "https://r/1", []registry.Item{item(text.String(), updated)})
		if err != nil || len(results[0].Errors) > 0 {
			b.Fatal(results, err)
		}
	}
}
