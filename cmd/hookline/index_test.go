package main

import (
	"strings"
	"testing"
)

// TestIndex: a filter that names what there is no more shows, by commands alone.
func TestIndex(t *testing.T) {
	s := newSite(t)
	s.run(`{}`, "tenants put acme")
	s.run(`{"kind":"oauth"}`, "tenants put-app acme ci")
	token := strings.TrimSpace(s.run("", "tenants token acme --app ci --user anna"))
	register := &curl{
		url: s.server + "/t/acme/rest/api/3/webhook", headers: map[string][]string{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}},
		body: `{"url":"` + s.receiver.URL + `/hook","webhooks":[{"jqlFilter":"status = Closed","events":["jira:issue_updated"]},{"jqlFilter":"status != Open","events":["jira:issue_updated"]}]}`,
	}
	register.want(t, 200, `{"webhookRegistrationResult":[{"createdWebhookId":1000},{"createdWebhookId":1001}]}`)
	s.run(`{"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"status":{"name":"Done"}}}}`, "events publish -t acme")

	got := s.run("", "index acme --before 2100-01-01T00:00:00Z --limit 1")
	for _, part := range []string{
		"webhooks             2\n", "filters              2 (by term 2, pair 0, presence 0, always 0, nowhere 0)\n", "residual             1 (50.0 %)\n",
		"per event            1.0 filters looked at, 2.0 tests, 1.0 webhooks matched\n",
		"\n2 webhooks without a match since 2100-01-01T00:00:00Z\nWEBHOOK  LAST MATCH", "\n2 values that no event had since 2100-01-01T00:00:00Z\n",
		"  status != Open\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("there is no %q in\n%s", part, got)
		}
	}
	if got := s.run("", "index acme"); !strings.Contains(got, "\n0 webhooks without") || !strings.Contains(got, "\n0 values") || strings.Contains(got, "LAST") {
		t.Errorf("nothing is old:\n%s", got)
	}
	for _, v := range items[indexView](s, "index acme --before 2100-01-01T00:00:00Z") {
		for _, u := range v.Unseen.Items {
			if u.Field != "status" || u.Value != "Closed" && u.Value != "Open" || !u.LastSeen.IsZero() || u.WatchedSince.IsZero() {
				t.Errorf("%+v", u)
			}
		}
		for _, w := range v.Idle.Items {
			if w.LastMatch.IsZero() != (w.Webhook == 1000) {
				t.Errorf("%+v", w)
			}
		}
	}
}
