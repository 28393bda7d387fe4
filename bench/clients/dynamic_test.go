package clients

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	clientID     = "id-of-the-oauth-client"
	clientSecret = "the secret of the oauth client"
	accessToken  = "access-token-of-a-user"

	issueCreated = `{"webhookEvent":"jira:issue_created","timestamp":1761000000000,"issue":{"id":"10001","key":"EX-1",` +
		`"fields":{"summary":"déjà vu","project":{"key":"EX"},"issuetype":{"name":"Bug"},"labels":["urgent"]}}}`
)

// newOAuthSite returns a site with an OAuth app.
func newOAuthSite(t *testing.T) *site {
	s := newSite(t)
	s.putApp("oauth-app", app{
		Kind: "oauth", Issuer: clientID, Secrets: []string{clientSecret}, Tokens: []appToken{{Token: accessToken, User: "5b10a2844c20165700ede21g"}},
	})
	return s
}

// jiraJS is jira.js, told nothing but the host and credentials.
type jiraJS struct{ *script }

func newJiraJS(t *testing.T, version int, host string, authentication map[string]any) jiraJS {
	return jiraJS{start(t, "jirajs.cjs", map[string]any{"version": version, "host": host, "authentication": authentication})}
}

// bearer are the credentials of a user of an OAuth app.
func bearer(token string) map[string]any {
	return map[string]any{"oauth2": map[string]any{"accessToken": token}}
}

func (j jiraJS) call(method string, parameters, into any) {
	j.t.Helper()
	j.ask(call{method, parameters}, into)
}

// webhook is an item of a registration.
type webhook struct {
	JQLFilter string   `json:"jqlFilter"`
	Events    []string `json:"events"`
}

// register registers webhooks and returns the results as JSON says them.
func (j jiraJS) register(url string, webhooks ...webhook) []registered {
	j.t.Helper()
	var answer struct {
		Results []registered `json:"webhookRegistrationResult"`
	}
	j.call("registerDynamicWebhooks", map[string]any{"url": url, "webhooks": webhooks}, &answer)
	return answer.Results
}

type registered struct {
	ID     int64    `json:"createdWebhookId"`
	Errors []string `json:"errors"`
}

type listPage struct {
	MaxResults, StartAt, Total int
	IsLast                     bool
	Values                     []struct {
		ID             int64
		JQLFilter      string `json:"jqlFilter"`
		Events         []string
		ExpirationDate json.RawMessage
	}
}

type failedPage struct {
	Values []struct {
		ID, Body, URL string
		FailureTime   int64
	}
	MaxResults int
	Next       string
}

// TestJiraJS takes the dynamic webhooks of both API versions through their life, below the site's own address and
// below that of the API gateway, where OAuth apps are.
func TestJiraJS(t *testing.T) {
	for _, version := range []int{2, 3} {
		for _, gateway := range []bool{false, true} {
			t.Run(fmt.Sprintf("version %d gateway %t", version, gateway), func(t *testing.T) {
				s := newOAuthSite(t)
				host := s.url
				if gateway {
					host = "http://" + running.API + "/ex/jira/" + s.tenant
				}
				life(newJiraJS(t, version, host, bearer(accessToken)))
			})
		}
	}
}

func life(j jiraJS) {
	t := j.t
	results := j.register("http://127.0.0.1:1/hook",
		webhook{"project = EX", []string{"jira:issue_created"}},
		webhook{"myClause = something", []string{"jira:issue_created"}},
		webhook{"project = EX AND issuetype IN (Bug, Story)", []string{"jira:issue_created", "jira:issue_updated"}})
	if len(results) != 3 || results[0].ID == 0 || results[2].ID <= results[0].ID || results[0].Errors != nil ||
		results[1].ID != 0 || !reflect.DeepEqual(results[1].Errors, []string{"The clause myClause is unsupported"}) {
		t.Fatalf("registering was answered with %+v", results)
	}
	ids := []int64{results[0].ID, results[2].ID}

	for i, id := range ids {
		var page listPage
		j.call("getDynamicWebhooksForApp", map[string]any{"startAt": i, "maxResults": 1}, &page)
		if page.Total != 2 || page.StartAt != i || page.MaxResults != 1 || page.IsLast != (i == 1) ||
			len(page.Values) != 1 || page.Values[0].ID != id {
			t.Errorf("page %d is %+v", i, page)
		}
	}
	var all listPage
	j.call("getDynamicWebhooksForApp", map[string]any{}, &all)
	if len(all.Values) != 2 || !all.IsLast || all.Values[1].JQLFilter != "project = EX AND issuetype IN (Bug, Story)" ||
		!slices.Equal(all.Values[1].Events, []string{"jira:issue_created", "jira:issue_updated"}) {
		t.Errorf("the list is %+v", all)
	}

	var refreshed struct{ ExpirationDate json.RawMessage }
	j.call("refreshWebhooks", map[string]any{"webhookIds": ids}, &refreshed)
	if d := time.Until(date(t, refreshed.ExpirationDate)); d < 29*24*time.Hour || d > 30*24*time.Hour {
		t.Errorf("refreshed until %s", refreshed.ExpirationDate)
	}

	var failed failedPage
	j.call("getFailedWebhooks", map[string]any{}, &failed)
	if len(failed.Values) != 0 || failed.MaxResults != 100 || failed.Next != "" {
		t.Errorf("what failed, when nothing was sent: %+v", failed)
	}

	j.call("deleteWebhookById", map[string]any{"webhookIds": ids}, nil)
	j.call("getDynamicWebhooksForApp", map[string]any{}, &all)
	if all.Total != 0 || len(all.Values) != 0 {
		t.Errorf("after the deletion the list is %+v", all)
	}
}

// date reads a date of the dynamic API, in whichever form the client hands it on.
func date(t *testing.T, text json.RawMessage) time.Time {
	t.Helper()
	var milliseconds int64
	if json.Unmarshal(text, &milliseconds) == nil {
		return time.UnixMilli(milliseconds)
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000-0700"} {
		if d, err := time.Parse(layout, s); err == nil {
			return d
		}
	}
	t.Fatalf("%s is no date", text)
	return time.Time{}
}

// TestJiraJSRefused is what users of the client see of an error.
func TestJiraJSRefused(t *testing.T) {
	s := newOAuthSite(t)
	for _, c := range []struct {
		token      string
		parameters map[string]any
		status     int
	}{
		{accessToken, map[string]any{"url": "http://127.0.0.1:1/hook", "webhooks": []webhook{}}, 400},
		{"access-token-of-nobody", map[string]any{"url": "http://127.0.0.1:1/hook", "webhooks": []webhook{{"project = EX", []string{"jira:issue_created"}}}}, 401},
		{s.token, map[string]any{"url": "http://127.0.0.1:1/hook", "webhooks": []webhook{{"project = EX", []string{"jira:issue_created"}}}}, 403},
	} {
		j := newJiraJS(t, 3, s.url, bearer(c.token))
		if answer, refused := j.try(call{"registerDynamicWebhooks", c.parameters}); refused == nil || refused.Status != c.status {
			t.Errorf("%s: %s, %+v; want %d", c.token, answer, refused, c.status)
		}
	}
}

// TestOAuthDelivery: an event that two webhooks match is one request with both their ids, and its token is the
// app's by jsonwebtoken.
func TestOAuthDelivery(t *testing.T) {
	s, r := newOAuthSite(t), newReceiver(t, 200)
	results := newJiraJS(t, 3, s.url, bearer(accessToken)).register(r.url+"/hook",
		webhook{"project = EX", []string{"jira:issue_created"}}, webhook{"issuetype = Bug", []string{"jira:issue_created"}})
	s.publish("", issueCreated)
	got := r.next()
	ids := member[[]int64](t, got.body, "matchedWebhookIds")
	if slices.Sort(ids); !slices.Equal(ids, []int64{results[0].ID, results[1].ID}) {
		t.Errorf("matchedWebhookIds are %v; registered were %+v", ids, results)
	}
	if !strings.HasPrefix(got.body, strings.TrimSuffix(issueCreated, "}")) {
		t.Errorf("the body is %s", got.body)
	}

	token, ok := strings.CutPrefix(got.header.Get("Authorization"), "Bearer ")
	verify := start(t, "verify.mjs", nil)
	question := map[string]any{"verifier": "jsonwebtoken", "token": token, "secret": clientSecret}
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	verify.ask(question, &claims)
	if !ok || claims.Iss != clientID || claims.Exp <= claims.Iat {
		t.Errorf("Authorization is %q with %+v", got.header.Get("Authorization"), claims)
	}
	question["secret"] = "another secret"
	if answer, refused := verify.try(question); refused == nil || refused.Message != "invalid signature" {
		t.Errorf("by another secret the token has %s (%+v)", answer, refused)
	}
}

// TestUnavailable: what a receiver answers with 503 for ever is sent six times, and then in the list of what failed.
func TestUnavailable(t *testing.T) {
	s, r := newOAuthSite(t), newReceiver(t, http.StatusServiceUnavailable)
	j := newJiraJS(t, 3, s.url, bearer(accessToken))
	j.register(r.url+"/hook", webhook{"project = EX", []string{"jira:issue_created"}})
	s.publish("", issueCreated)

	first := r.next()
	identifier := first.header.Get("X-Atlassian-Webhook-Identifier")
	if retry, there := first.header["X-Atlassian-Webhook-Retry"]; identifier == "" || there {
		t.Errorf("the first attempt has the identifier %q and the retry %q", identifier, retry)
	}
	for n := 1; n <= 5; n++ {
		again := r.next()
		if again.header.Get("X-Atlassian-Webhook-Identifier") != identifier ||
			again.header.Get("X-Atlassian-Webhook-Retry") != fmt.Sprint(n) || again.body != first.body {
			t.Errorf("retry %d has %v and the body %s", n, again.header, again.body)
		}
	}
	settled(t)
	if n := len(r.got); n != 0 {
		t.Errorf("%d more requests came", n)
	}

	var failed failedPage
	j.call("getFailedWebhooks", map[string]any{"maxResults": 10}, &failed)
	if len(failed.Values) != 1 || failed.Next == "" {
		t.Fatalf("what failed is %+v", failed)
	}
	f := failed.Values[0]
	if f.ID != identifier || f.Body != first.body || f.URL != r.url+"/hook" || time.Since(time.UnixMilli(f.FailureTime)).Abs() > time.Hour {
		t.Errorf("what failed is %+v; the body was %s", f, first.body)
	}
	j.call("getFailedWebhooks", map[string]any{"after": f.FailureTime}, &failed)
	if len(failed.Values) != 0 {
		t.Errorf("what failed later is %+v", failed)
	}
}

// TestRefusedDelivery: what a receiver answers with 404 is sent once, and did not fail in the API's sense.
func TestRefusedDelivery(t *testing.T) {
	s, r := newOAuthSite(t), newReceiver(t, http.StatusNotFound)
	j := newJiraJS(t, 2, s.url, bearer(accessToken))
	j.register(r.url, webhook{"project = EX", []string{"jira:issue_created"}})
	s.publish("", issueCreated)
	r.next()
	settled(t)
	var failed failedPage
	j.call("getFailedWebhooks", map[string]any{}, &failed)
	if len(r.got) != 0 || len(failed.Values) != 0 {
		t.Errorf("%d more requests came; what failed is %+v", len(r.got), failed)
	}
}
