package clients

import (
	"net/url"
	"strings"
	"testing"
)

// admin is a webhook of jira-client.
type admin struct {
	Name         string            `json:"name"`
	URL          string            `json:"url"`
	Events       []string          `json:"events"`
	Filters      map[string]string `json:"filters,omitempty"`
	Secret       string            `json:"secret,omitempty"`
	ExcludeBody  bool              `json:"excludeBody"`
	Self         string            `json:"self,omitempty"`
	Enabled      bool              `json:"enabled,omitempty"`
	IsSigned     bool              `json:"isSigned,omitempty"`
	LastUpdated  int64             `json:"lastUpdated,omitempty"`
	LastUpdateBy string            `json:"lastUpdatedUser,omitempty"`
}

// newJiraClient returns jira-client as it is set up for a site below a path.
func newJiraClient(s *site) *script {
	address, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	return start(s.t, "jira-client.cjs", map[string]any{
		"protocol": "http", "host": address.Hostname(), "port": address.Port(), "base": address.Path,
		"username": "admin", "password": s.token, "apiVersion": "2", "strictSSL": true,
	})
}

const urgent = "project = EX AND labels = urgent"

// TestJiraClient registers, reads and deletes an admin webhook.
func TestJiraClient(t *testing.T) {
	s := newSite(t)
	client := newJiraClient(s)
	var made, read admin
	client.ask(call{"registerWebhook", []any{admin{
		Name: "my first webhook via rest", URL: "http://127.0.0.1:1/hook", Events: []string{"jira:issue_created", "jira:issue_updated"},
		Filters: map[string]string{"issue-related-events-section": urgent},
	}}}, &made)
	base, id, ok := strings.Cut(made.Self, "/rest/webhooks/1.0/webhook/")
	if !ok || base != s.url || id == "" || !made.Enabled || made.Filters["issue-related-events-section"] != urgent {
		t.Fatalf("registering was answered with %+v", made)
	}

	client.ask(call{"getWebhook", []any{id}}, &read)
	if read.Self != made.Self || read.Name != made.Name || len(read.Events) != 2 || read.LastUpdated == 0 || read.LastUpdateBy == "" {
		t.Errorf("the webhook is read as %+v", read)
	}
	var all []admin
	client.ask(call{"listWebhooks", []any{}}, &all)
	if len(all) != 1 || all[0].Self != made.Self {
		t.Errorf("the list is %+v", all)
	}

	client.ask(call{"deleteWebhook", []any{id}}, nil)
	if answer, refused := client.try(call{"getWebhook", []any{id}}); refused == nil || !strings.Contains(refused.Message, "There is no such webhook.") {
		t.Errorf("after its deletion the webhook is %s (%+v)", answer, refused)
	}
}

// TestAdminSignature: @octokit/webhooks-methods takes the signature of an admin delivery for that of its body, and of
// no other.
func TestAdminSignature(t *testing.T) {
	const secret = "a secret that both sides know: ключ"
	s, r := newSite(t), newReceiver(t, 204)
	newJiraClient(s).ask(call{"registerWebhook", []any{admin{
		Name: "signed", URL: r.url + "/hook/${issue.key}", Events: []string{"jira:issue_created"}, Secret: secret,
		Filters: map[string]string{"issue-related-events-section": urgent},
	}}}, nil)
	s.publish("", issueCreated)
	got := r.next()
	if got.body != issueCreated || !strings.HasPrefix(got.target, "/hook/EX-1") {
		t.Errorf("%s came to %s", got.body, got.target)
	}

	verify := start(t, "verify.mjs", nil)
	accepts := func(body, secret string) (ok bool) {
		verify.ask(map[string]any{
			"verifier": "octokit", "secret": secret, "body": body, "signature": got.header.Get("X-Hub-Signature"),
		}, &ok)
		return ok
	}
	if !accepts(got.body, secret) {
		t.Errorf("%q is not accepted for %s", got.header.Get("X-Hub-Signature"), got.body)
	}
	if accepts(got.body, "another secret") {
		t.Error("the signature is accepted by another secret")
	}
	if changed := strings.Replace(got.body, "EX-1", "EX-2", 1); changed == got.body || accepts(changed, secret) {
		t.Error("the signature is accepted for another body")
	}
}
