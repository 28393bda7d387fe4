package server_test

import (
	"strings"
	"testing"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/webhook"
)

const tokenMover = "token of app mover in acme"

// While the disk has no room, whatever would add something is answered 503 in the form of its system, with a time to come
// back; the rest is answered as ever.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	house := func(t *testing.T, below int64) *flavortest.House {
		return flavortest.Open(t, flavortest.Options{
			Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{}), jira.NewAdmin(jira.AdminOptions{}), migration.New(migration.Options{}), arcxp.New(arcxp.Options{})},
			Engine:  func(o *engine.Options) { o.Dir, o.Disk = dir, engine.Disk{ReadOnlyBelow: below, ScarceBelow: below} },
		})
	}
	const dynamic = `{"url":"https://a.example/","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`
	more := []request{
		{Method: "POST", Path: eventsPath, Token: tokenAcme, Body: event},
		{Method: "POST", Path: eventsPath, Token: tokenAcme, Body: "[" + event + "]"},
		{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: strings.ReplaceAll(dynamic, "project = A", "project = B")},
		{Method: "POST", Path: "/t/acme/rest/webhooks/1.0/webhook", Token: tokenAcme, Body: `{"name":"n","url":"https://a.example/","events":["comment_created"]}`},
		{Method: "PUT", Path: "/t/acme/rest/atlassian-connect/1/migration/webhook", Token: tokenMover, Body: `{"endpoints":["https://a.example/"]}`},
		{Method: "POST", Path: "/t/acme/migrations/v3/webhook", Token: tokenAcme, Body: `{"endpoint":"https://a.example/","authToken":"t","subscriber":"s"}`},
		{Method: "PUT", Path: "/v1/tenants/new", Token: tokenAdmin, Body: `{}`},
		{Method: "POST", Path: "/t/acme/v1/replays", Token: tokenAcme, Body: `{"status":"dead"}`},
	}
	ready := func(h *flavortest.House) answer {
		return h.Send(request{Method: "GET", Path: "http://" + h.Server.Operations() + "/readyz?verbose"})
	}
	t.Run("ample", func(t *testing.T) {
		h := house(t, -1)
		h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{flavortest.Token(tokenCI, "")}})
		h.PutApp(webhook.App{Tenant: "acme", Key: "mover", Issuer: "acme", Tokens: []webhook.AppToken{flavortest.Token(tokenMover, "")}}, "secret of mover")
		h.Want(h.Send(request{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: dynamic}), 200, "")
		a := ready(h)
		if a.Status != 200 || !strings.Contains(a.Body, `"ready":true`) || !strings.Contains(a.Body, `"level":"ample"`) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	t.Run("full", func(t *testing.T) {
		h := house(t, 1<<62)
		for _, r := range more {
			a := h.Send(r)
			if a.Status != 503 || a.Header.Get("Retry-After") != "30" || !strings.Contains(a.Body, flavor.ReadOnly) {
				t.Errorf("%s %s: %d %s, Retry-After %q", r.Method, r.Path, a.Status, a.Body, a.Header.Get("Retry-After"))
			}
		}
		for _, r := range []request{
			{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI},
			{Method: "POST", Path: eventsPath, Token: tokenAcme, Body: strings.ReplaceAll(event, `"A"`, `"NOBODYS"`)},
			{Method: "POST", Path: "/t/acme/v1/webhooks/1000/pause", Token: tokenAcme},
			{Method: "GET", Path: "/v1/status", Token: tokenAdmin},
			{Method: "DELETE", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: `{"webhookIds":[1000]}`},
		} {
			if a := h.Send(r); a.Status >= 300 {
				t.Errorf("%s %s: %d %s", r.Method, r.Path, a.Status, a.Body)
			}
		}
		a := ready(h)
		if a.Status != 503 || !strings.Contains(a.Body, `"ready":false`) || !strings.Contains(a.Body, `"level":"scarce"`) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}
