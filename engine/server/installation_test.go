package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated")
	a := h.admin("GET", "/v1/status", "")
	for _, part := range []string{`"version":"v1.2.3"`, `"tenants":2`, `"apps":2`, `"webhooks":1`, `"expired":0`, `"draining":false`, `"waiting":0`} {
		if a.Status != 200 || !strings.Contains(a.Body, part) {
			t.Errorf("the status is %d %s; want %s", a.Status, a.Body, part)
		}
	}
}

// Hosts are listed with their breakers, page by page, and reset by what they are listed as.
func TestHosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Want(h.admin("GET", "/v1/hosts", ""), 200, `{"items":[]}`)
	arrived := make(chan struct{}, 10)
	for range 3 {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
		t.Cleanup(s.Close)
		h.register(s.URL, "jira:issue_updated")
	}
	h.publish(event, nil)
	for range 3 {
		<-arrived
	}
	for _, query := range []string{"", "limit=1", "limit=2", "tenant=acme&limit=1", "breaker=closed"} {
		hosts := h.pages("/v1/hosts?"+query, tokenAdmin, "host")
		if len(hosts) != 3 || hosts[0] >= hosts[1] || hosts[1] >= hosts[2] || !strings.HasPrefix(hosts[0], "http://127.0.0.1:") {
			t.Errorf("%s: %q", query, hosts)
		}
	}
	for _, query := range []string{"tenant=rival", "tenant=nobody", "breaker=open", "breaker=half_open"} {
		if hosts := h.pages("/v1/hosts?"+query, tokenAdmin, "host"); hosts != nil {
			t.Errorf("%s: %q", query, hosts)
		}
	}
	h.sortedHosts()
	host := h.pages("/v1/hosts", tokenAdmin, "host")[0]
	h.Want(h.admin("POST", "/v1/hosts/reset", `{"tenant":"acme","host":"`+host+`"}`), 200, `{"reset":false}`)
	h.Want(h.admin("POST", "/v1/hosts/reset", `{"tenant":"acme","host":"https://nobody.example/"}`), 200, `{"reset":false}`)
	h.wantProblem(h.admin("POST", "/v1/hosts/reset", `{"tenant":"nobody","host":"`+host+`"}`), 404, "unknown_tenant", `"nobody"`)
	for body, part := range map[string]string{
		`{"tenant":"acme"}`: `""`, `{"tenant":"acme","host":"a.example"}`: "scheme", `{"tenant":"acme","host":"https://a.example/x"}`: "scheme",
		`{"tenant":"acme","host":"https://a.example/?x"}`: "scheme", `{"tenant":"acme","host":"ftp://a.example"}`: "scheme",
	} {
		h.wantProblem(h.admin("POST", "/v1/hosts/reset", body), 400, "invalid", part)
	}
	for query, part := range map[string]string{"breaker=shut": "closed, open, half_open", "tenant=": "empty", "limit=0": "positive", "cursor=nonsense": "none of this list's"} {
		h.wantProblem(h.admin("GET", "/v1/hosts?"+query, ""), 400, "invalid_parameter", part)
	}
}

// sortedHosts has deliveries wait for two paused endpoints, and lists the hosts.
func (h *house) sortedHosts() {
	h.T.Helper()
	h.register("http://127.0.0.1:1/", "jira:issue_deleted")
	h.register("http://127.0.0.1:2/", "jira:issue_created")
	for _, id := range []string{"1003", "1004"} { // after the three of the test
		if a := h.admin("POST", "/t/acme/v1/webhooks/"+id+"/pause", ""); a.Status != 200 {
			h.T.Fatalf("pausing is answered %d %s", a.Status, a.Body)
		}
	}
	for n, kind := range []string{"jira:issue_deleted", "jira:issue_created", "jira:issue_created"} {
		h.publish(strings.Replace(event, "jira:issue_updated", kind, 1), map[string]string{"Idempotency-Key": fmt.Sprint("sorted", n)})
	}
	var list struct {
		Items []struct {
			Host    string
			Backlog int
		}
		Next *string
	}
	err := json.Unmarshal([]byte(h.admin("GET", "/v1/hosts?sort=backlog&limit=2", "").Body), &list)
	if err != nil || len(list.Items) != 2 || list.Items[0].Host != "http://127.0.0.1:2" || list.Items[0].Backlog != 2 ||
		list.Items[1].Host != "http://127.0.0.1:1" || list.Items[1].Backlog != 1 || list.Next != nil {
		h.T.Errorf("by backlog: %+v", list)
	}
	for query, hosts := range map[string]int{"sort=failures": 5, "sort=failures&limit=1": 1, "sort=backlog&tenant=rival": 0, "sort=failures&breaker=open": 0} {
		if got := h.pages("/v1/hosts?"+query, tokenAdmin, "host"); len(got) != hosts {
			h.T.Errorf("%s: %q, want %d hosts", query, got, hosts)
		}
	}
	h.wantProblem(h.admin("GET", "/v1/hosts?sort=name", ""), 400, "invalid_parameter", "backlog, failures")
	var page struct{ Next string }
	if err := json.Unmarshal([]byte(h.admin("GET", "/v1/hosts?limit=1", "").Body), &page); err != nil {
		h.T.Fatal(err)
	}
	h.wantProblem(h.admin("GET", "/v1/hosts?sort=backlog&cursor="+page.Next, ""), 400, "invalid_parameter", "cursor")
}

// A rotation adds a first secret, shows what it made once, and is ended by taking the others away.
func TestRotateSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path = "/v1/tenants/acme/apps/ci/secrets"
	var made struct {
		Secret  string `json:"secret"`
		Secrets int    `json:"secrets"`
	}
	for n, body := range []string{"", "{}"} {
		a := h.admin("POST", path, body)
		h.decode(a, &made)
		if a.Status != 201 || len(made.Secret) < 32 || made.Secrets != n+1 {
			t.Errorf("the answer is %d %s", a.Status, a.Body)
		}
	}
	h.Want(h.admin("POST", path, `{"secret":"a secret from outside"}`), 201, `{"secrets":3}`)
	for body, want := range map[string][2]string{
		`{"secret":"short"}`: {"invalid", "5 characters"}, `{"secret":""}`: {"invalid", "0 characters"}, `{"secret":7}`: {"invalid_json", "secret"}, `{"secrets":[]}`: {"invalid_json", `"secrets"`},
	} {
		h.wantProblem(h.admin("POST", path, body), 400, want[0], want[1])
	}
	for range 2 {
		h.Want(h.admin("DELETE", path+"/previous", ""), 204, "")
		if a := h.admin("GET", "/v1/tenants/acme/apps/ci", ""); !strings.Contains(a.Body, `"secrets":1`) {
			t.Errorf("the app is %s", a.Body)
		}
	}
	for _, at := range []struct{ path, code string }{{"nobody/apps/ci", "unknown_tenant"}, {"acme/apps/none", "unknown_app"}} {
		h.wantProblem(h.admin("POST", "/v1/tenants/"+at.path+"/secrets", ""), 404, at.code, "")
		h.wantProblem(h.admin("DELETE", "/v1/tenants/"+at.path+"/secrets/previous", ""), 404, at.code, "")
	}
}

// A dry run says what would become of events, and nothing becomes of them.
func TestDryRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	const path = eventsPath + "?dry_run=true"
	h.Want(h.acme("POST", path, event), 200, `{"type":"jira:issue_updated","matched":1,"deliveries":1,"webhooks":[1000]}`)
	h.Want(h.acme("POST", eventsPath+"/jira?dry_run=true", `{"webhookEvent":"x"}`), 200, `{"type":"x","matched":0,"deliveries":0,"webhooks":[]}`)
	alone := h.acme("POST", path, "{}")
	h.wantProblem(alone, 400, "invalid_event", "no event type")
	h.Want(h.acme("POST", path, "["+event+`,{}]`), 200, `{"line":1,"status":200,"type":"jira:issue_updated","matched":1,"deliveries":1,"webhooks":[1000]}`+"\n"+
		`{"line":2,"status":400,`+alone.Body[1:])
	for _, tt := range []struct {
		path, body   string
		status       int
		code, detail string
	}{
		{path, `{`, 400, "invalid_event", ""}, {path, `{"webhookEvent":"a","webhookEvent":"a"}`, 400, "invalid_event", "duplicate"},
		{path, `{"webhookEvent":"a","x":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too_large", "2000"},
		{eventsPath + "/nonsense?dry_run=true", event, 400, "invalid_header", "nonsense"}, {eventsPath + "?dry_run=yes", event, 400, "invalid_parameter", "true, false"},
		{eventsPath + "?dry_run=", event, 400, "invalid_parameter", "empty"}, {eventsPath + "?dry-run=true", event, 400, "invalid_parameter", "dry_run"},
	} {
		h.wantProblem(h.acme("POST", tt.path, tt.body), tt.status, tt.code, tt.detail)
	}
	if a := h.acme("POST", eventsPath+"?dry_run=false", event); a.Status != 202 {
		t.Errorf("the answer is %d %s", a.Status, a.Body)
	}
	<-got
	if len(got) > 0 || h.Engine.Queue().Stats().Accepted != 1 {
		t.Errorf("%d more deliveries; accepted %d", len(got), h.Engine.Queue().Stats().Accepted)
	}
}
