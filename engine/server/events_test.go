package server_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"hookline/engine/flavor/flavortest"
)

const eventsPath = "/t/acme/v1/events"

// event is one that the webhook of subscribe matches.
const event = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`

// subscribe registers a webhook of app ci for event and returns what its receiver gets.
func (h *house) subscribe() <-chan flavortest.Received {
	h.T.Helper()
	url, got := flavortest.Receiver(h.T, flavortest.InTurn())
	body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`, url)
	a := h.Send(request{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI, Body: body})
	if a.Status != 200 || !strings.Contains(a.Body, "createdWebhookId") {
		h.T.Fatalf("registering is answered %d %s", a.Status, a.Body)
	}
	return got
}

func (h *house) publish(body string, header map[string]string) answer {
	h.T.Helper()
	return h.Send(request{Method: "POST", Path: eventsPath, Token: tokenAcme, Body: body, Header: header})
}

// accepted is the answer to an event.
type accepted struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Matched    int    `json:"matched"`
	Deliveries int    `json:"deliveries"`
	Repeated   bool   `json:"repeated"`
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestPublishAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	for _, r := range []request{
		{Path: eventsPath, Token: tokenAcme}, {Path: eventsPath, Token: tokenAdmin},
		{Path: eventsPath, Token: tokenAcme, Header: map[string]string{"Content-Type": "Application/JSON ; charset=utf-8"}},
		{Path: "/v1/events", Host: "acme.example", Token: tokenAcme}, {Path: "/v1/events", Host: "Acme.Example:8080", Token: tokenAcme},
	} {
		r.Method, r.Body = "POST", event
		a := h.Send(r)
		var acc accepted
		h.decode(a, &acc)
		if !uuid.MatchString(acc.ID) {
			t.Errorf("the id is %q", acc.ID)
		}
		h.Want(a, 202, `{"id":"`+acc.ID+`","type":"jira:issue_updated","matched":1,"deliveries":1}`)
		if a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", a.Header)
		}
		if body := (<-got).Body; body != strings.TrimSuffix(event, "}")+`,"matchedWebhookIds":[1000]}` {
			t.Errorf("the receiver got %s", body)
		}
	}
	a := h.publish(`{"webhookEvent":"something_else"}`, nil)
	var acc accepted
	h.decode(a, &acc)
	h.Want(a, 202, `{"id":"`+acc.ID+`","type":"something_else","matched":0,"deliveries":0}`)
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tests := []struct {
		body, part, pointer string
		offset              int64
	}{
		{body: ``, part: "syntax"},
		{body: `  `, part: "syntax", offset: 2},
		{body: `{"webhookEvent":"x"`, part: "ends too early", offset: 19},
		{body: `{"webhookEvent":"x"} {}`, part: "syntax", offset: 21},
		{body: `{"webhookEvent":"x",}`, part: "syntax", offset: 19},
		{body: `{'webhookEvent':"x"}`, part: "syntax", offset: 1},
		{body: "{\"webhookEvent\":\"\xff\"}", part: "syntax", offset: 17, pointer: "/webhookEvent"},
		{body: `"x"`, part: "not an object"},
		{body: `null`, part: "not an object"},
		{body: `{}`, part: "no event type"},
		{body: `{"issue":{"webhookEvent":"x"}}`, part: "no event type"},
		{body: `{"webhookEvent":7}`, part: "not a string"},
		{body: `{"webhookEvent":"x","webhookEvent":"y"}`, part: "duplicate", offset: 34, pointer: "/webhookEvent"},
		{body: `{"webhookEvent":"x","a":1,"\u0061":2}`, part: "duplicate", offset: 34, pointer: "/a"},
		{body: `{"webhookEvent":"x","a":[{"b":{"c":1,"c":2}}]}`, part: "duplicate", offset: 40, pointer: "/a/0/b/c"},
		{body: `{"webhookEvent":"x","a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`, part: "too deep"},
	}
	for _, tt := range tests {
		p := h.wantProblem(h.publish(tt.body, nil), 400, "invalid_event", tt.part)
		if p.Error.Offset == nil {
			t.Errorf("%s: no offset", tt.body)
			continue
		}
		if tt.offset > 0 && *p.Error.Offset != tt.offset || tt.pointer != "" && p.Error.Pointer != tt.pointer {
			t.Errorf("%s: offset %d, pointer %q; want %d, %q", tt.body, *p.Error.Offset, p.Error.Pointer, tt.offset, tt.pointer)
		}
	}
}

func TestPublishHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	long := strings.Repeat("k", 256)
	for _, tt := range []struct {
		name, value string
		status      int
		code, part  string
	}{
		{"X-Atlassian-Webhook-Flow", "Tertiary", 400, "invalid_header", `"Tertiary"`},
		{"X-Atlassian-Webhook-Trace", strings.Repeat("t", 1025), 400, "invalid_header", "1025 bytes"},
		{"X-Atlassian-Webhook-Trace", "a\tb", 400, "invalid_header", "byte 0x09"},
		{"Idempotency-Key", long, 400, "invalid_header", "256 bytes"},
		{"Content-Encoding", "gzip", 415, "unsupported_encoding", "gzip"},
		{"Content-Type", "text/plain", 415, "unsupported_type", "text/plain"},
		{"Content-Type", "application/x-www-form-urlencoded", 415, "unsupported_type", ""},
		{"Content-Type", "multipart/form-data; boundary=x", 415, "unsupported_type", ""},
	} {
		h.wantProblem(h.publish(event, map[string]string{tt.name: tt.value}), tt.status, tt.code, tt.part)
	}
	for name, value := range map[string]string{
		"X-Atlassian-Webhook-Flow": "pRIMARY", "X-Atlassian-Webhook-Trace": strings.Repeat("t", 1024), "Idempotency-Key": long[1:], "Content-Type": "",
	} {
		if a := h.publish(event, map[string]string{name: value}); a.Status != 202 {
			t.Errorf("%s: %.20s: %d %s", name, value, a.Status, a.Body)
		}
	}
}

func TestPublishSize(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sized := func(n int) string {
		const head, tail = `{"webhookEvent":"x","pad":"`, `"}`
		return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
	}
	if a := h.publish(sized(maxBody), nil); a.Status != 202 {
		t.Errorf("the largest event is answered %d %s", a.Status, a.Body)
	}
	h.wantProblem(h.publish(sized(maxBody+1), nil), 413, "too_large", "2001 bytes; at most 2000")
}

// What cannot be read as a request has an answer in the error form too.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.wantProblem(h.Raw("nonsense\r\n\r\n"), 400, "bad_request", "HTTP")
	h.wantProblem(h.Raw("GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<16)+"\r\n\r\n"), 431, "headers_too_large", "")
}

// What is sent as text comes out as the same bytes, and is compared as what it means.
func TestPublishUnicode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	body := `{"timestamp":1,"webhookEvent":"jira\u003aissue_updated","\u0069ssue":{"key":"\uD83D\uDE00-ü","fields":{"project":{"key":"\u0041"}}}}`
	if a := h.publish(body, nil); !strings.Contains(a.Body, `"type":"jira:issue_updated","matched":1,`) {
		t.Errorf("the answer is %d %s", a.Status, a.Body)
	}
	if sent := (<-got).Body; sent != strings.TrimSuffix(body, "}")+`,"matchedWebhookIds":[1000]}` {
		t.Errorf("the receiver got %s", sent)
	}
}

func TestPublishAccess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, token := range []string{"", "wrong", tokenRival, tokenCI, tokenBot} {
		a := h.Send(request{Method: "POST", Path: eventsPath, Token: token, Body: event})
		h.wantProblem(a, 401, "unauthorized", "tenant acme")
		if a.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("headers %v", a.Header)
		}
	}
	for _, path := range []string{"/t/nobody/v1/events", "/t//v1/events", "/t/ACME/v1/events", "/t/acme%20/v1/events"} {
		h.wantProblem(h.Send(request{Method: "POST", Path: path, Token: tokenAdmin, Body: event}), 404, "unknown_tenant", "")
	}
	h.wantProblem(h.Send(request{Method: "POST", Path: "/v1/events", Token: tokenAcme, Body: event}), 404, "not_found", "/v1/events")
	basic := request{Method: "POST", Path: eventsPath, Body: event, Header: map[string]string{"Authorization": "Basic " + tokenAcme}}
	h.wantProblem(h.Send(basic), 401, "unauthorized", "")
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	key := map[string]string{"Idempotency-Key": "one"}
	var first, again accepted
	h.decode(h.publish(event, key), &first)
	a := h.publish(event, key)
	h.decode(a, &again)
	h.Want(a, 202, `{"id":"`+first.ID+`","type":"jira:issue_updated","matched":0,"deliveries":1,"repeated":true}`)
	h.wantProblem(h.publish(`{"webhookEvent":"x"}`, key), 422, "idempotency_key_reused", "Idempotency-Key")
	marker := strings.Replace(event, `"timestamp":1`, `"timestamp":2`, 1)
	if a := h.publish(marker, map[string]string{"Idempotency-Key": "two"}); strings.Contains(a.Body, "repeated") {
		t.Errorf("another key is answered %s", a.Body)
	}
	if one, two := (<-got).Body, (<-got).Body; one == two || strings.Contains(one, `"timestamp":1`) == strings.Contains(two, `"timestamp":1`) {
		t.Errorf("a repeated event was delivered again: %s, %s", one, two)
	}
	rival := h.Send(request{Method: "POST", Path: "/t/rival/v1/events", Token: tokenRival, Body: `{"webhookEvent":"x"}`, Header: key})
	if rival.Status != 202 || strings.Contains(rival.Body, "repeated") {
		t.Errorf("the key of another tenant is answered %d %s", rival.Status, rival.Body)
	}
}
