package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// callback is a receiver that a webhook of acme leads to, for all that happens in project A.
type callback struct {
	mu     sync.Mutex
	status int
	got    []http.Header
}

func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, r.Header)
	w.WriteHeader(c.status)
	_, _ = w.Write([]byte("an answer"))
}

func (c *callback) answers(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *callback) seen() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// callback registers a callback that answers with a status.
func (h *house) callback(status int) *callback {
	h.T.Helper()
	c := &callback{status: status}
	s := httptest.NewServer(c)
	h.T.Cleanup(s.Close)
	body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`, s.URL)
	if a := h.Send(request{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: body}); a.Status != 200 {
		h.T.Fatalf("registering is answered %d %s", a.Status, a.Body)
	}
	return c
}

// happen publishes n events and waits until their deliveries have the status.
func (h *house) happen(n int, status string) {
	h.T.Helper()
	before := len(h.pages("/t/acme/v1/deliveries?status="+status, tokenAcme, "id"))
	for i := range n {
		a := h.publish(fmt.Sprintf(`{"webhookEvent":"jira:issue_updated","n":%d,"issue":{"key":"A-%d","fields":{"project":{"key":"A"}}}}`, i, i), nil)
		if a.Status != 202 {
			h.T.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	h.Eventually("deliveries that are "+status, func() bool {
		return len(h.pages("/t/acme/v1/deliveries?status="+status, tokenAcme, "id")) == before+n
	})
}

func (h *house) get(path string, into any) {
	h.T.Helper()
	a := h.Send(request{Method: "GET", Path: path, Token: tokenAcme})
	if a.Status != 200 {
		h.T.Fatalf("%s is answered %d %s", path, a.Status, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.Body), into); err != nil {
			h.T.Fatal(err)
		}
	}
}

type item struct {
	ID, Event, Type, Status, Lane, Reason, State, Delivery, Answer string
	Webhooks                                                       []int64
	Attempts, LastStatus, Code, Sent, Skipped                      int
	Selected                                                       *int
	Attempted                                                      []item
}

// A delivery that was given up is found, sent again, and arrives with the same identifier.
func TestDeliveryIsResent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.callback(404)
	h.happen(1, "dead")
	id := h.pages("/t/acme/v1/deliveries", tokenAcme, "id")[0]
	at := "/t/acme/v1/deliveries/" + id
	var d item
	h.get(at, &d)
	if d.Status != "dead" || d.Reason != "rejected" || d.Type != "jira:issue_updated" || d.LastStatus != 404 || len(d.Webhooks) != 1 || len(d.Attempted) != 1 ||
		d.Attempted[0].Answer != "an answer" || d.Attempted[0].Code != 404 || d.Attempted[0].Delivery != id {
		t.Errorf("%+v", d)
	}
	var stored struct{ WebhookEvent string }
	h.get(at+"/body", &stored)
	if stored.WebhookEvent != "jira:issue_updated" {
		t.Errorf("%+v", stored)
	}
	c.answers(200)
	a := h.Send(request{Method: "POST", Path: at + "/resend", Token: tokenAcme})
	h.decodeLoosely(a, &d)
	if a.Status != 202 || d.ID != id || d.Lane != "replay" || d.Status != "waiting" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	h.Eventually("the delivery", func() bool { h.get(at, &d); return d.Status == "delivered" })
	seen := c.seen()
	if len(seen) != 2 || seen[0].Get("X-Atlassian-Webhook-Identifier") != id || seen[1].Get("X-Atlassian-Webhook-Identifier") != id ||
		seen[0].Get("X-Hookline-Replay") != "" || seen[1].Get("X-Hookline-Replay") != "true" {
		t.Errorf("%+v", seen)
	}
	h.wantProblem(h.Send(request{Method: "DELETE", Path: at, Token: tokenAcme}), 409, "not_dead", "given up")
	h.happen(1, "delivered") // at once, so that its body is not kept
	at = "/t/acme/v1/deliveries/" + h.pages("/t/acme/v1/deliveries?status=delivered", tokenAcme, "id")[0]
	h.wantProblem(h.Send(request{Method: "POST", Path: at + "/resend", Token: tokenAcme}), 410, "body_gone", "not kept")
	h.wantProblem(h.Send(request{Method: "GET", Path: at + "/body", Token: tokenAcme}), 410, "body_gone", "not kept")
}

func (h *house) decodeLoosely(a answer, into any) {
	h.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		h.T.Fatalf("%v in %d %s", err, a.Status, a.Body)
	}
}

func TestDeadLetterIsDiscarded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.callback(404)
	h.happen(2, "dead")
	ids := h.pages("/t/acme/v1/deliveries", tokenAcme, "id")
	at := "/t/acme/v1/deliveries/" + ids[0]
	h.Want(h.Send(request{Method: "DELETE", Path: at, Token: tokenAcme}), 204, "")
	for _, method := range []string{"GET", "DELETE"} {
		h.wantProblem(h.Send(request{Method: method, Path: at, Token: tokenAcme}), 404, "unknown_delivery", ids[0])
	}
	if left := h.pages("/t/acme/v1/deliveries", tokenAcme, "id"); !slices.Equal(left, ids[1:]) {
		t.Errorf("%q are left of %q", left, ids)
	}
}

// Pages give each delivery and attempt once, whatever their size.
func TestDeliveryPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.callback(404)
	h.happen(7, "dead")
	c.answers(200)
	h.happen(5, "delivered")
	for _, path := range []string{"/t/acme/v1/deliveries", "/t/acme/v1/attempts"} {
		member := map[string]string{"/t/acme/v1/deliveries": "id", "/t/acme/v1/attempts": "delivery"}[path]
		whole := h.pages(path, tokenAcme, member)
		for limit := 1; limit < 14; limit++ {
			got := h.pages(fmt.Sprintf("%s?limit=%d", path, limit), tokenAcme, member)
			if len(whole) != 12 || !slices.Equal(got, whole) {
				t.Errorf("%s by %d: %d of %d", path, limit, len(got), len(whole))
			}
		}
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for query, want := range map[string]int{
		"deliveries?status=dead": 7, "deliveries?status=waiting": 0, "deliveries?reason=rejected": 7, "deliveries?webhook=1000": 12,
		"deliveries?webhook=1001": 0, "deliveries?status=dead&since=" + later: 0, "deliveries?until=" + later: 12,
		"attempts?code=404": 7, "attempts?outcome=delivered": 5, "attempts?webhook=1001": 0, "attempts?since=" + later: 0,
	} {
		if got := h.pages("/t/acme/v1/"+query, tokenAcme, "url"); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
	for _, query := range []string{
		"deliveries?status=gone", "deliveries?webhook=x", "deliveries?webhook=0", "deliveries?since=yesterday", "deliveries?cursor=x", "deliveries?limit=1001",
		"attempts?code=x", "attempts?code=7", "attempts?code=1000", "attempts?outcome=great", "attempts?until=1", "attempts?cursor=AAAA", "replays?cursor=x",
	} {
		h.wantProblem(h.Send(request{Method: "GET", Path: "/t/acme/v1/" + query, Token: tokenAcme}), 400, "invalid_parameter", "parameter")
	}
	for _, query := range []string{"deliveries?reason=luck", "deliveries?status=waiting&reason=rejected"} {
		h.wantProblem(h.Send(request{Method: "GET", Path: "/t/acme/v1/" + query, Token: tokenAcme}), 400, "invalid", "reason")
	}
}

// Dead letters are replayed, and the replay tells what it did.
func TestReplayRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.callback(404)
	h.happen(6, "dead")
	c.answers(200)
	post := func(body string) answer {
		return h.Send(request{Method: "POST", Path: "/t/acme/v1/replays", Token: tokenAcme, Body: body})
	}
	h.Want(post(`{"status":"dead","dryRun":true}`), 200, `{"selected":6}`)
	h.Want(post(`{"status":"dead","jql":"issuekey = A-3","dryRun":true}`), 200, `{"selected":1}`)
	h.Want(post(`{"status":"dead","webhook":1000,"reason":"rejected","events":["jira:issue_updated"],"since":"2020-01-01T00:00:00Z","dryRun":true}`), 200, `{"selected":6}`)
	a := post(`{"status":"dead","jql":"issuekey != A-3","rate":1000}`)
	var r item
	h.decodeLoosely(a, &r)
	if a.Status != 202 || r.State != "running" || r.ID == "" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	at := "/t/acme/v1/replays/" + r.ID
	h.Eventually("the end of the replay", func() bool { h.get(at, &r); return r.State != "running" })
	if r.State != "done" || r.Sent != 5 || r.Skipped != 0 || r.Selected == nil || *r.Selected != 5 {
		t.Errorf("%+v", r)
	}
	h.Eventually("the deliveries", func() bool { return len(c.seen()) == 11 })
	if left := h.pages("/t/acme/v1/deliveries?status=dead", tokenAcme, "id"); len(left) != 1 {
		t.Errorf("%d dead letters are left", len(left))
	}
	h.wantProblem(h.Send(request{Method: "DELETE", Path: at, Token: tokenAcme}), 409, "replay_ended", "ended")
	h.wantProblem(h.Send(request{Method: "DELETE", Path: "/t/acme/v1/replays/x", Token: tokenAcme}), 404, "unknown_replay", "x")
	for body, part := range map[string]string{
		`{}`: "status", `{"status":"waiting"}`: "status", `{"status":"dead","rate":0}`: "rate", `{"status":"dead","rate":10001}`: "rate",
		`{"status":"delivered","reason":"rejected"}`: "reason", `{"status":"dead","reason":"luck"}`: "reason", `{"status":"dead","webhook":-1}`: "webhook",
		`{"status":"dead","events":[""]}`: "events", `{"status":"dead","since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}`: "since",
	} {
		h.wantProblem(post(body), 400, "invalid", part)
	}
	for _, body := range []string{
		`{"status":7}`, `{"status":"dead","webhook":"1000"}`, `{"status":"dead","since":"yesterday"}`, `{"status":"dead","events":"jira:issue_updated"}`,
		`{"status":"dead","rate":1.5}`, `{"status":"dead","dryRun":"yes"}`, `{"status":"dead","jql":[]}`,
	} {
		h.wantProblem(post(body), 400, "invalid_json", "")
	}
	var failed struct{ Errors []struct{ Message string } }
	a = post(`{"status":"dead","jql":"nonsense = 1"}`)
	if h.decodeLoosely(a, &failed); a.Status != 400 || len(failed.Errors) == 0 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// Replays are listed page by page, the last one first, and cancelled.
func TestReplayPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.callback(404)
	h.happen(3, "dead")
	var ids []string
	for range 5 {
		var r item
		h.decodeLoosely(h.Send(request{Method: "POST", Path: "/t/acme/v1/replays", Token: tokenAcme, Body: `{"status":"dead","rate":1,"webhook":9}`}), &r)
		ids = append(ids, r.ID)
	}
	slices.Reverse(ids)
	for limit := 1; limit < 7; limit++ {
		if got := h.pages(fmt.Sprintf("/t/acme/v1/replays?limit=%d", limit), tokenAcme, "id"); !slices.Equal(got, ids) {
			t.Errorf("by %d: %q, want %q", limit, got, ids)
		}
	}
	var r item
	a := h.Send(request{Method: "POST", Path: "/t/acme/v1/replays", Token: tokenAcme, Body: `{"status":"dead","rate":1}`})
	h.decodeLoosely(a, &r)
	a = h.Send(request{Method: "DELETE", Path: "/t/acme/v1/replays/" + r.ID, Token: tokenAcme})
	if h.decodeLoosely(a, &r); a.Status != 200 || r.State != "cancelled" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// What belongs to another tenant is not there, whatever is asked of it.
func TestDeliveriesOfOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.callback(404)
	h.happen(2, "dead")
	id := h.pages("/t/acme/v1/deliveries", tokenAcme, "id")[0]
	var r item
	h.decodeLoosely(h.Send(request{Method: "POST", Path: "/t/acme/v1/replays", Token: tokenAcme, Body: `{"status":"dead","rate":1,"webhook":9}`}), &r)
	for _, path := range []string{"GET /deliveries/" + id, "DELETE /deliveries/" + id, "GET /deliveries/" + id + "/body", "POST /deliveries/" + id + "/resend"} {
		var method, rest string
		_, _ = fmt.Sscan(path, &method, &rest)
		for _, token := range []string{tokenRival, tokenAdmin} {
			h.wantProblem(h.Send(request{Method: method, Path: "/t/rival/v1" + rest, Token: token}), 404, "unknown_delivery", id)
		}
		h.wantProblem(h.Send(request{Method: method, Path: "/t/acme/v1" + rest, Token: tokenRival}), 401, "unauthorized", "")
	}
	for _, method := range []string{"GET", "DELETE"} {
		h.wantProblem(h.Send(request{Method: method, Path: "/t/rival/v1/replays/" + r.ID, Token: tokenRival}), 404, "unknown_replay", r.ID)
	}
	for _, list := range []string{"deliveries", "attempts", "replays"} {
		if got := h.pages("/t/rival/v1/"+list, tokenRival, "id"); len(got) != 0 {
			t.Errorf("the rival's %s: %q", list, got)
		}
	}
	h.Want(h.Send(request{Method: "POST", Path: "/t/rival/v1/replays", Token: tokenRival, Body: `{"status":"dead","webhook":1000,"dryRun":true}`}), 200, `{"selected":0}`)
	if left := h.pages("/t/acme/v1/deliveries?status=dead", tokenAcme, "id"); len(left) != 2 {
		t.Errorf("%d of acme's dead letters are left", len(left))
	}
}
