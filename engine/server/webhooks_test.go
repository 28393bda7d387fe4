package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hookline/engine/sign"
)

const webhooksPath = "/t/acme/v1/webhooks"

// register registers webhooks of app ci, one for each event, and returns nothing: their ids count up from 1000.
func (h *house) register(url string, events ...string) {
	h.T.Helper()
	var items []string
	for _, event := range events {
		items = append(items, fmt.Sprintf(`{"jqlFilter":"project = A","events":[%q]}`, event))
	}
	body := fmt.Sprintf(`{"url":%q,"webhooks":[%s]}`, url, strings.Join(items, ","))
	a := h.Send(request{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: body})
	if a.Status != 200 || strings.Count(a.Body, "createdWebhookId") != len(events) {
		h.T.Fatalf("registering is answered %d %s", a.Status, a.Body)
	}
}

// acme sends a request of acme's publishers.
func (h *house) acme(method, path, body string) answer {
	h.T.Helper()
	return h.Send(request{Method: method, Path: path, Token: tokenAcme, Body: body})
}

func TestListWebhooks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Want(h.acme("GET", webhooksPath, ""), 200, `{"items":[]}`)
	h.register("https://a.example/", "jira:issue_updated", "jira:issue_deleted", "comment_created")
	h.register("https://b.example/", "jira:issue_updated", "jira:issue_created")
	all := []string{"1000", "1001", "1002", "1003", "1004"}
	h.Want(h.acme("POST", webhooksPath+"/1003/pause", ""), 200, h.acme("GET", webhooksPath+"/1003", "").Body)
	for query, want := range map[string][]string{
		"": all, "limit=1": all, "limit=2": all, "limit=5": all, "limit=1000": all, "flavor=jira-dynamic": all, "flavor=probe": nil, "app=ci": all, "app=bot": nil,
		"user=anna": nil, "url=https%3A%2F%2Fa.example%2F": all[:3], "url=https%3A%2F%2Fa.example": nil, "event=jira:issue_updated": {"1000", "1003"},
		"state=active": all[:3], "state=paused": all[3:], "state=expired": nil, "state=disabled": nil, "state=stopped": nil, "state=paused&limit=1&event=jira:issue_created": all[4:],
	} {
		if got := h.pages(webhooksPath+"?"+query, tokenAcme, "id"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if got := h.pages("/t/rival/v1/webhooks", tokenRival, "id"); got != nil {
		t.Errorf("another tenant lists %v", got)
	}
}

func TestListWebhooksRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated", "jira:issue_deleted")
	var page struct {
		Items []any  `json:"items"`
		Next  string `json:"next"`
	}
	h.decode(h.acme("GET", webhooksPath+"?limit=1", ""), &page)
	for query, part := range map[string]string{
		"limit=0": "positive", "limit=-1": "positive", "limit=1001": "at most 1000", "limit=x": `"x"`, "limit=1.5": `"1.5"`, "limit=": "empty",
		"limit=99999999999999999999": "positive", "cursor=": "empty", "cursor=x": "none of this list's", "cursor=MTAwMA": "none of this list's",
		"cursor=" + page.Next[1:]: "none of this list's", "cursor=" + page.Next + "A": "none of this list's", "cursor=" + page.Next + "%3D": "none of this list's",
		"flavor=jira": "jira-dynamic, probe", "flavor=": "empty", "state=ACTIVE": "active, expired", "app=": "empty", "event=": "empty", "url=": "empty", "user=": "empty",
	} {
		h.wantProblem(h.acme("GET", webhooksPath+"?"+query, ""), 400, "invalid_parameter", part)
	}
	// A cursor of one list is none of another's.
	h.wantProblem(h.admin("GET", "/v1/hosts?cursor="+page.Next, ""), 400, "invalid_parameter", "none of this list's")
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated", "jira:issue_deleted")
	var w struct {
		ID       int64    `json:"id"`
		Flavor   string   `json:"flavor"`
		App      string   `json:"app"`
		URL      string   `json:"url"`
		Filter   string   `json:"filter"`
		Events   []string `json:"events"`
		State    string   `json:"state"`
		Created  string   `json:"created"`
		Expires  string   `json:"expires"`
		Extends  bool     `json:"autoExtend"`
		Endpoint struct {
			ID       int64   `json:"id"`
			Paused   bool    `json:"paused"`
			Signed   bool    `json:"signed"`
			Signing  []any   `json:"signing"`
			Webhooks []int64 `json:"webhooks"`
		} `json:"endpoint"`
	}
	get := func() { t.Helper(); h.decode(h.acme("GET", webhooksPath+"/1000", ""), &w) }
	get()
	if w.ID != 1000 || w.Flavor != "jira-dynamic" || w.App != "ci" || w.URL != "https://a.example/" || w.Filter != "project = A" || w.State != "active" ||
		w.Created == "" || w.Expires == "" || w.Endpoint.Signed || w.Endpoint.Paused || !slices.Equal(w.Endpoint.Webhooks, []int64{1000, 1001}) {
		t.Errorf("the webhook is %+v", w)
	}
	const path = webhooksPath + "/1001"
	for _, change := range []string{`{"autoExtend":true}`, `{"secret":"a secret of the receiver's"}`, `{}`} {
		if a := h.acme("PATCH", webhooksPath+"/1000", change); a.Status != 200 || strings.Contains(a.Body, "receiver's") {
			t.Errorf("%s is answered %d %s", change, a.Status, a.Body)
		}
	}
	if get(); !w.Extends || !w.Endpoint.Signed {
		t.Errorf("after the changes: %+v", w)
	}
	if a := h.acme("GET", path, ""); !strings.Contains(a.Body, `"signed":true`) || !strings.Contains(a.Body, `"autoExtend":false`) {
		t.Errorf("the one that shares the endpoint: %s", a.Body)
	}
	h.acme("PATCH", path, `{"secret":null}`)
	if get(); w.Endpoint.Signed {
		t.Error("the secret is still there")
	}
	for _, step := range []struct {
		path, state string
	}{{"/pause", "paused"}, {"/pause", "paused"}, {"/resume", "active"}, {"/resume", "active"}} {
		h.decode(h.acme("POST", path+step.path, ""), &w)
		if get(); w.State != step.state || w.Endpoint.Paused != (step.state == "paused") {
			t.Errorf("after %s: %+v", step.path, w)
		}
	}
	h.Want(h.acme("DELETE", path, ""), 204, "")
	if get(); !slices.Equal(w.Endpoint.Webhooks, []int64{1000}) {
		t.Errorf("after the other is gone: %+v", w)
	}
	h.wantProblem(h.acme("DELETE", path, ""), 404, "unknown_webhook", `"1001"`)
}

func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register("https://a.example/", "jira:issue_updated")
	for _, id := range []string{"999", "1001", "0", "-1", "+1000", "01000", "1000.0", "x", "9223372036854775808", "%31000x"} {
		for _, route := range []string{"GET ", "PATCH ", "DELETE ", "POST /secret", "POST /pause", "POST /resume", "POST /enable", "POST /unpark", "GET /signing", "PUT /signing/hub", "DELETE /signing/hub", "POST /signing/hub/rotate", "POST /signing/hub/end-overlap"} {
			method, more, _ := strings.Cut(route, " ")
			h.wantProblem(h.acme(method, webhooksPath+"/"+id+more, ""), 404, "unknown_webhook", "")
		}
	}
	// Another tenant does not see it.
	for _, route := range []string{"GET ", "PATCH ", "DELETE ", "POST /secret", "POST /pause", "POST /resume", "POST /enable", "POST /unpark", "GET /signing", "PUT /signing/hub", "DELETE /signing/hub", "POST /signing/hub/rotate", "POST /signing/hub/end-overlap"} {
		method, more, _ := strings.Cut(route, " ")
		a := h.Send(request{Method: method, Path: "/t/rival/v1/webhooks/1000" + more, Token: tokenRival, Body: "{}"})
		h.wantProblem(a, 404, "unknown_webhook", "")
	}
	for body, want := range map[string][2]string{
		``: {"invalid_json", "incomplete"}, `{"secret":7}`: {"invalid_json", "secret"}, `{"secret":"short"}`: {"invalid", "5 characters"}, `{"secret":""}`: {"invalid", "0 characters"},
		`{"autoExtend":"yes"}`: {"invalid_json", "autoExtend"}, `{"url":"https://b.example/"}`: {"invalid_json", `"url"`}, `{"Secret":null}`: {"invalid_json", `"Secret"`},
		`{"policy":""}`: {"invalid", "null"}, `{"policy":"unknown"}`: {"invalid", `"unknown"`}, `{"policy":7}`: {"invalid_json", "policy"},
		`{"rate":0}`: {"invalid", "null"}, `{"rate":-1}`: {"invalid", "-1"}, `{"rate":"1"}`: {"invalid_json", "a number"}, `{"rate":1e400}`: {"invalid_json", "rate"},
		`{"order":""}`: {"invalid", "null"}, `{"order":"key"}`: {"invalid", `"key"`}, `{"order":true}`: {"invalid_json", "order"},
		`{"rate":1,"policy":"unknown","autoExtend":true,"secret":"a secret of some length"}`: {"invalid", `"unknown"`}, `{"rate":1,"policy":"steady","secret":""}`: {"invalid", "0 characters"},
		`{"secret":null,"secret":null}`: {"invalid_json", "duplicate"}, `{"autoExtend":true,"secret":"short"}`: {"invalid", "5 characters"},
	} {
		h.wantProblem(h.acme("PATCH", webhooksPath+"/1000", body), 400, want[0], want[1])
	}
	for _, action := range []string{"/secret", "/pause", "/resume", "/enable", "/unpark", "/signing/hub/end-overlap"} {
		h.wantProblem(h.acme("POST", webhooksPath+"/1000"+action, `{"secret":"x"}`), 400, "invalid_json", `"secret"`)
		h.wantProblem(h.acme("POST", webhooksPath+"/1000"+action, `[]`), 400, "invalid_json", "an array")
	}
	if a := h.acme("GET", webhooksPath+"/1000", ""); !strings.Contains(a.Body, `"state":"active"`) || !strings.Contains(a.Body, `"signed":false`) || !strings.Contains(a.Body, `"autoExtend":false`) || strings.Contains(a.Body, `"rate"`) || strings.Contains(a.Body, `"policy"`) || strings.Contains(a.Body, `"order"`) {
		t.Errorf("something was changed: %s", a.Body)
	}
}

// What is paused waits, and what comes after is signed with the secret that was made and shown once.
func TestPauseAndSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := make(chan *http.Request, 10)
	bodies := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		bodies <- readAll(t, r.Body)
		got <- r
	}))
	t.Cleanup(receiver.Close)
	h.register(receiver.URL, "jira:issue_updated")
	var made struct {
		Secret string `json:"secret"`
	}
	a := h.acme("POST", webhooksPath+"/1000/secret", "{}")
	h.decode(a, &made)
	if a.Status != 201 || len(made.Secret) < 32 {
		t.Fatalf("the answer is %d %s", a.Status, a.Body)
	}
	h.acme("POST", webhooksPath+"/1000/pause", "")
	h.publish(event, nil)
	var status struct {
		Webhooks map[string]int `json:"webhooks"`
		Waiting  struct {
			Count  int    `json:"count"`
			Oldest string `json:"oldest"`
		} `json:"waiting"`
		Dead struct {
			Count int `json:"count"`
		} `json:"dead"`
	}
	h.decode(h.acme("GET", "/t/acme/v1/status", ""), &status)
	if status.Waiting.Count != 1 || status.Waiting.Oldest == "" || status.Dead.Count != 0 || status.Webhooks["paused"] != 1 || status.Webhooks["active"] != 0 {
		t.Errorf("the status is %+v", status)
	}
	if len(got) > 0 {
		t.Error("something was sent to a paused endpoint")
	}
	h.acme("POST", webhooksPath+"/1000/resume", "")
	if err := sign.VerifyHub((<-got).Header.Get("X-Hub-Signature"), []byte(<-bodies), sign.NewSecret(made.Secret)); err != nil {
		t.Error(err)
	}
}
