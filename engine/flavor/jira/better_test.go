package jira_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// A webhook that is changed keeps its number, URL and expiry; members that are left out stay.
func TestPatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Patch: true})
	url, got := receiver(t)
	h.register(tokenCI, url, "project = A", "project = A")
	date := h.list(tokenCI, "").Values[0].Expiration
	row := func(rest string) string {
		return `{"id":1000,"jqlFilter":"project = B",` + rest + `,"expirationDate":"` + date + `","url":"` + url + `"}`
	}
	for _, x := range []struct{ path, body, want string }{
		{v3, `{"jqlFilter":"project = B"}`, row(`"events":["jira:issue_updated"]`)},
		{v2, `{"events":["comment_created","jira:issue_updated","comment_created"],"fieldIdsFilter":["summary"]}`,
			row(`"fieldIdsFilter":["summary"],"events":["comment_created","jira:issue_updated"]`)},
		{v3, `{}`, row(`"fieldIdsFilter":["summary"],"events":["comment_created","jira:issue_updated"]`)},
		{v3, `{"issuePropertyKeysFilter":["k"],"fieldIdsFilter":null,"url":"` + url + `","id":7}`,
			row(`"fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"],"events":["comment_created","jira:issue_updated"]`)},
		{v3, `{"issuePropertyKeysFilter":[],"fieldIdsFilter":[],"events":["jira:issue_updated"]}`, row(`"events":["jira:issue_updated"]`)},
	} {
		h.Want(h.do("PATCH", x.path+"/1000", tokenCI, x.body), 200, x.want)
	}
	h.publish(strings.ReplaceAll(fmt.Sprintf(eventA, 1), `"key":"A"`, `"key":"B"`), nil)
	if r := <-got; !strings.HasSuffix(r.Body, `"matchedWebhookIds":[1000]}`) {
		t.Errorf("the body is %s", r.Body)
	}
	h.publish(fmt.Sprintf(eventA, 2), nil)
	if r := <-got; !strings.HasSuffix(r.Body, `"matchedWebhookIds":[1001]}`) {
		t.Errorf("the body is %s", r.Body)
	}
}

func TestPatchErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{Patch: true})
	h.register(tokenCI, callback, "project = A")
	before := h.do("GET", v3, tokenCI, "").Body
	for _, x := range []struct {
		id, body string
		status   int
		want     []string
	}{
		{"1000", ``, 400, []string{"The request body cannot be read: the JSON is incomplete."}},
		{"1000", `[]`, 400, []string{"The request body cannot be read: a JSON object is expected, not a value of type array."}},
		{"1000", `{"events":"x"}`, 400, []string{"The request body cannot be read: events must not be of type string."}},
		{"1000", `{"jqlFilter":"","events":[]}`, 400, []string{"The JQL query is empty; a query is required.", "At least one event has to be named"}},
		{"1000", `{"jqlFilter":"myClause = 1","events":["user_created"]}`, 400, []string{"The clause myClause is unsupported", "The event user_created is unsupported"}},
		{"1000", `{"fieldIdsFilter":["` + strings.Repeat("f", 256) + `"]}`, 400, []string{"fieldIdsFilter may have at most 100 entries of at most 255 bytes"}},
		{"1000", `{"url":"https://elsewhere.example/"}`, 400, []string{"url: the URL cannot be changed; register another webhook."}},
		{"1001", `{}`, 404, []string{"The app has no such webhook."}},
		{"x", `{}`, 404, []string{`"x" is no number of a webhook.`}},
		{"99999999999999999999", `{}`, 404, []string{`"99999999999999999999" is no number of a webhook.`}},
	} {
		h.Want(h.do("PATCH", v3+"/"+x.id, tokenCI, x.body), x.status, `{"errorMessages":[`+quote(x.want...)+`],"errors":{}}`)
	}
	h.Want(h.do("PATCH", v3+"/1000", tokenChat, `{"jqlFilter":"project = B"}`), 404, "")
	h.Want(h.do("PATCH", "/t/rival/rest/api/3/webhook/1000", tokenRivalCI, `{"jqlFilter":"project = B"}`), 404, "")
	h.Want(h.do("GET", v3+"/1000", tokenCI, ""), 405, "")
	if after := h.do("GET", v3, tokenCI, "").Body; after != before {
		t.Errorf("what was refused changed %s\nto %s", before, after)
	}
	plain := newHouse(t, jira.DynamicOptions{})
	plain.Want(plain.do("PATCH", v3+"/1000", tokenCI, "{}"), 404, `{"errorMessages":["There is nothing at /rest/api/3/webhook/1000."],"errors":{}}`)
}

// A dry run says what the registration would, item by item, and leaves nothing behind.
func TestDryRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{ConnectLimit: 2})
	body := registration(callback, "project = A", "myClause = 1", "project = B", "project = C")
	const want = `{"webhookRegistrationResult":[{%s},{"errors":["The clause myClause is unsupported"]},{%s},{"errors":["Maximum of 2 webhooks is allowed per app"]}]}`
	for range 2 {
		h.Want(h.do("POST", v3+"?dryRun=true", tokenCI, body), 200, fmt.Sprintf(want, `"valid":true`, `"valid":true`))
		if l := h.list(tokenCI, ""); l.Total != 0 {
			t.Fatalf("%d webhooks were registered", l.Total)
		}
	}
	h.Want(h.do("POST", v3+"?dryRun=true", tokenCI, registration("http://h.example", "project = A")), 400, "")
	h.Want(h.do("POST", v3+"?dryRun=yes", tokenCI, body), 400, `{"errorMessages":["dryRun is \"yes\"; true or false is expected."],"errors":{}}`)
	h.Want(h.do("POST", v3+"?dryRun=false", tokenCI, body), 200, fmt.Sprintf(want, `"createdWebhookId":1000`, `"createdWebhookId":1001`))
	h.Want(h.do("POST", v3+"?dryRun=true", tokenCI, registration(callback+"/2", "project = A")), 200,
		`{"webhookRegistrationResult":[{"errors":["Only a single URL per app is allowed to be registered via REST API. The currently used URL: `+callback+`","Maximum of 2 webhooks is allowed per app"]}]}`)
}

// With replacement on conflict another URL takes the place of the owner's webhooks, if anything comes of the registration.
func TestReplaceOnConflict(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, ReplaceOnConflict: true, ConnectLimit: 2})
	old, gotOld := receiver(t)
	fresh, got := receiver(t)
	h.register(tokenCI, old, "project = A", "project = A")
	h.register(tokenChat, old, "project = A")
	if _, errs := h.register(tokenCI, fresh, "myClause = 1"); len(errs) != 1 {
		t.Errorf("errors %q", errs)
	}
	h.Want(h.do("POST", v3+"?dryRun=true", tokenCI, registration(fresh, "project = A")), 200, `{"webhookRegistrationResult":[{"valid":true}]}`)
	if l := h.list(tokenCI, ""); !slices.Equal(l.ids(), []int64{1000, 1001}) {
		t.Fatalf("what was refused, or not meant, replaced: %v", l.ids())
	}
	ids, errs := h.register(tokenCI, fresh, "project = A", "project = A", "project = A")
	if !slices.Equal(ids, []int64{1003, 1004}) || !slices.Equal(errs, []string{"Maximum of 2 webhooks is allowed per app"}) {
		t.Errorf("registered %v, errors %q", ids, errs)
	}
	if l := h.list(tokenCI, ""); !slices.Equal(l.ids(), ids) {
		t.Errorf("listed are %v", l.ids())
	}
	h.publish(fmt.Sprintf(eventA, 1), nil)
	if r := <-got; !strings.HasSuffix(r.Body, `[1003,1004]}`) {
		t.Errorf("the body is %s", r.Body)
	}
	if r := <-gotOld; !strings.HasSuffix(r.Body, `[1002]}`) {
		t.Errorf("the other app's body is %s", r.Body)
	}
	if _, errs := h.register(tokenCI, fresh, "project = A"); len(errs) != 1 {
		t.Errorf("the same URL replaces: %q", errs)
	}
}

// A tenant may have limits of its own, for more or for fewer webhooks, at any time.
func TestLimitsOfTheTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{ConnectLimit: 2, OAuthLimit: 2})
	for _, x := range []struct {
		limits         webhook.Limits
		connect, oauth int
	}{{webhook.Limits{ConnectLimit: 3, OAuthLimit: 1}, 3, 1}, {webhook.Limits{}, 2, 2}, {webhook.Limits{OAuthLimit: 3}, 2, 3}} {
		if _, err := h.Engine.Registry().ChangeTenant(t.Context(), "acme", func(t *webhook.Tenant) { t.Limits = x.limits }); err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]int{tokenCI: x.connect, tokenAnna: x.oauth} {
			ids, errs := h.register(token, callback, "project = A", "project = A", "project = A", "project = A")
			if len(ids) != want || !strings.HasPrefix(errs[0], fmt.Sprintf("Maximum of %d webhooks is allowed per app", want)) {
				t.Errorf("%+v: %d webhooks, %q; want %d", x.limits, len(ids), errs, want)
			}
			list, _ := json.Marshal(map[string][]int64{"webhookIds": ids})
			h.Want(h.do("DELETE", v3, token, string(list)), 202, "")
		}
		if ids, _ := h.register(tokenCI, callback, "project = A"); len(ids) != 1 {
			t.Error("deleting made no room")
		}
		l := h.list(tokenCI, "")
		h.Want(h.do("DELETE", v3, tokenCI, fmt.Sprintf(`{"webhookIds":[%d]}`, l.Values[0].ID)), 202, "")
	}
}

// dynamicEvents are the twenty of the reference; the first six are those of 2019.
var dynamicEvents = []string{
	"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted",
	"issue_property_set", "issue_property_deleted",
	"sprint_created", "sprint_deleted", "sprint_updated", "sprint_started", "sprint_closed",
	"jira:version_released", "jira:version_unreleased", "jira:version_created", "jira:version_moved", "jira:version_updated", "jira:version_deleted", "jira:version_merged",
}

func TestDynamicEvents(t *testing.T) {
	t.Parallel()
	for _, seed := range []bool{false, true} {
		h := newHouse(t, jira.DynamicOptions{SeedEvents: seed})
		for i, name := range append(slices.Clone(dynamicEvents), "worklog_created", "board_created", "jira:worklog_updated", "JIRA:issue_created") {
			body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = A","events":[%q]}]}`, callback, name)
			want := `{"webhookRegistrationResult":[{"errors":["The event ` + name + ` is unsupported"]}]}`
			if i < 6 || !seed && i < len(dynamicEvents) {
				want = ""
			}
			a := h.do("POST", v3, tokenCI, body)
			h.Want(a, 200, want)
			if want == "" && !strings.Contains(a.Body, "createdWebhookId") {
				t.Errorf("%s: %s", name, a.Body)
			}
		}
	}
}

// A merge of versions is sent as the deletion of one, and found by those who asked for either.
func TestVersionMerged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	url, got := receiver(t)
	for _, name := range []string{"jira:version_merged", "jira:version_deleted", "jira:version_created"} {
		body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = NONE","events":[%q]}]}`, url, name)
		h.Want(h.do("POST", v3, tokenCI, body), 200, "")
	}
	h.publish(`{"timestamp":1,"webhookEvent":"jira:version_deleted","version":{"id":"7"},"mergedTo":{"id":"8"}}`, nil)
	h.publish(`{"timestamp":2,"webhookEvent":"jira:version_deleted","version":{"id":"7"}}`, nil)
	want := map[string]bool{
		`{"timestamp":1,"webhookEvent":"jira:version_deleted","version":{"id":"7"},"mergedTo":{"id":"8"},"matchedWebhookIds":[1000,1001]}`: true,
		`{"timestamp":2,"webhookEvent":"jira:version_deleted","version":{"id":"7"},"matchedWebhookIds":[1001]}`:                            true,
	}
	for range 2 {
		if r := <-got; !want[r.Body] {
			t.Errorf("the body is %s", r.Body)
		}
	}
}

// An empty list narrows nothing, and one with entries is consulted for its own events only.
func TestNarrowing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Life: time.Hour})
	url, got := receiver(t)
	h.do("POST", v3, tokenCI, `{"url":"`+url+`","webhooks":[
		{"jqlFilter":"project = A","events":["jira:issue_updated","comment_created"],"fieldIdsFilter":[],"issuePropertyKeysFilter":[]},
		{"jqlFilter":"project = A","events":["jira:issue_updated","comment_created"],"fieldIdsFilter":["summary"],"issuePropertyKeysFilter":["k"]},
		{"jqlFilter":"project = A","events":["issue_property_set"],"issuePropertyKeysFilter":["k"],"fieldIdsFilter":["summary"]}]}`)
	issue := `"issue":{"key":"A-1","fields":{"project":{"key":"A"}}}`
	for _, x := range []struct{ body, want string }{
		{`{"timestamp":1,"webhookEvent":"jira:issue_updated",` + issue + `}`, `[1000]`},
		{`{"timestamp":1,"webhookEvent":"jira:issue_updated",` + issue + `,"changelog":{"items":[{"field":"status","fieldId":"status"}]}}`, `[1000]`},
		{`{"timestamp":1,"webhookEvent":"jira:issue_updated",` + issue + `,"changelog":{"items":[{"field":"Summary","fieldId":"summary"}]}}`, `[1000,1001]`},
		{`{"timestamp":1,"webhookEvent":"comment_created",` + issue + `}`, `[1000,1001]`},
		{`{"timestamp":1,"webhookEvent":"issue_property_set",` + issue + `,"property":{"key":"k"}}`, `[1002]`},
	} {
		h.publish(x.body, nil)
		if r := <-got; !strings.HasSuffix(r.Body, `"matchedWebhookIds":`+x.want+`}`) {
			t.Errorf("%s: the body is %s", x.want, r.Body)
		}
	}
}

// The guide of 2019 prints the results of a registration without an object round them.
func TestBareArray(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{BareArray: true})
	body := registration(callback, "project = A", "myClause = something")
	h.Want(h.do("POST", v3+"?dryRun=true", tokenCI, body), 200, `[{"valid":true},{"errors":["The clause myClause is unsupported"]}]`)
	h.Want(h.do("POST", v3, tokenCI, body), 200, `[{"createdWebhookId":1000},{"errors":["The clause myClause is unsupported"]}]`)
	h.Want(h.do("POST", v3, tokenCI, `{}`), 400, `{"errorMessages":["url is missing."],"errors":{}}`)
}
