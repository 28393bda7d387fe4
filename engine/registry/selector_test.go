package registry_test

import (
	"errors"
	"testing"
	"time"

	"hookline/engine/webhook"
	"hookline/jql"
)

// A selector has the rules of webhooks: JQL has no say on types that it does not apply to, and wants an issue on all
// others.
func TestSelector(t *testing.T) {
	r, _ := opened(t)
	const (
		updated = `{"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`
		other   = `{"webhookEvent":"jira:issue_updated","issue":{"key":"B-1","fields":{"project":{"key":"B"}}}}`
		user    = `{"webhookEvent":"user_created"}`
		foreign = `{"eventType":"app-data-uploaded"}`
	)
	for _, tt := range []struct {
		filter string
		events []string
		want   [4]bool
	}{
		{"", nil, [4]bool{true, true, true, false}},
		{"project = A", nil, [4]bool{true, false, false, false}},
		{"", []string{"jira:issue_updated"}, [4]bool{true, true, false, false}},
		{"project = A", []string{"jira:issue_updated", "user_created"}, [4]bool{true, false, true, false}},
		{"project = A", []string{"app-data-uploaded"}, [4]bool{}},
	} {
		s, err := r.Selector("acme", tt.filter, tt.events)
		if err != nil {
			t.Fatal(err)
		}
		var got [4]bool
		for i, body := range []string{updated, other, user, foreign} {
			got[i] = s.Selects([]byte(body), time.Now())
		}
		if got != tt.want {
			t.Errorf("%q of %v: %v, want %v", tt.filter, tt.events, got, tt.want)
		}
	}
	var syntax *jql.SyntaxError
	if _, err := r.Selector("acme", "project =", nil); !errors.As(err, &syntax) {
		t.Errorf("half a filter: %v", err)
	}
	if _, err := r.Selector("nobody", "", nil); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
}
