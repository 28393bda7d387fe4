package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

const eventsPath = "/t/acme/v1/events"

// event is one that the webhook of subscribe matches.
const event = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`

// subscribe registers a webhook of app ci for event and returns what its receiver gets.
func (h *house) subscribe() <-chan string {
	h.t.Helper()
	got := make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			h.t.Error(err)
		}
		select {
		case got <- string(body):
		default: // a fuzz target looks at none of them
		}
	}))
	h.t.Cleanup(s.Close)
	body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`, s.URL)
	a := h.send(request{method: "POST", path: "/t/acme/rest/api/3/webhook", token: tokenCI, body: body})
	if a.status != 200 || !strings.Contains(a.body, "createdWebhookId") {
		h.t.Fatalf("registering is answered %d %s", a.status, a.body)
	}
	return got
}

func (h *house) publish(body string, header map[string]string) answer {
	h.t.Helper()
	return h.send(request{method: "POST", path: eventsPath, token: tokenAcme, body: body, header: header})
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
		{path: eventsPath, token: tokenAcme}, {path: eventsPath, token: tokenAdmin},
		{path: eventsPath, token: tokenAcme, header: map[string]string{"Content-Type": "Application/JSON ; charset=utf-8"}},
		{path: "/v1/events", host: "acme.example", token: tokenAcme}, {path: "/v1/events", host: "Acme.Example:8080", token: tokenAcme},
	} {
		r.method, r.body = "POST", event
		a := h.send(r)
		var acc accepted
		h.decode(a, &acc)
		if !uuid.MatchString(acc.ID) {
			t.Errorf("the id is %q", acc.ID)
		}
		h.want(a, 202, `{"id":"`+acc.ID+`","type":"jira:issue_updated","matched":1,"deliveries":1}`)
		if a.header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", a.header)
		}
		if body := <-got; body != strings.TrimSuffix(event, "}")+`,"matchedWebhookIds":[1000]}` {
			t.Errorf("the receiver got %s", body)
		}
	}
	a := h.publish(`{"webhookEvent":"something_else"}`, nil)
	var acc accepted
	h.decode(a, &acc)
	h.want(a, 202, `{"id":"`+acc.ID+`","type":"something_else","matched":0,"deliveries":0}`)
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
		if a := h.publish(event, map[string]string{name: value}); a.status != 202 {
			t.Errorf("%s: %.20s: %d %s", name, value, a.status, a.body)
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
	if a := h.publish(sized(maxBody), nil); a.status != 202 {
		t.Errorf("the largest event is answered %d %s", a.status, a.body)
	}
	h.wantProblem(h.publish(sized(maxBody+1), nil), 413, "too_large", "2001 bytes; at most 2000")
}

// What cannot be read as a request has an answer in the error form too.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.wantProblem(h.raw("nonsense\r\n\r\n"), 400, "bad_request", "HTTP")
	h.wantProblem(h.raw("GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<16)+"\r\n\r\n"), 431, "headers_too_large", "")
}

// What is sent as text comes out as the same bytes, and is compared as what it means.
func TestPublishUnicode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	body := `{"timestamp":1,"webhookEvent":"jira\u003aissue_updated","\u0069ssue":{"key":"\uD83D\uDE00-ü","fields":{"project":{"key":"\u0041"}}}}`
	if a := h.publish(body, nil); !strings.Contains(a.body, `"type":"jira:issue_updated","matched":1,`) {
		t.Errorf("the answer is %d %s", a.status, a.body)
	}
	if sent := <-got; sent != strings.TrimSuffix(body, "}")+`,"matchedWebhookIds":[1000]}` {
		t.Errorf("the receiver got %s", sent)
	}
}

func TestPublishAccess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, token := range []string{"", "wrong", tokenRival, tokenCI, tokenBot} {
		a := h.send(request{method: "POST", path: eventsPath, token: token, body: event})
		h.wantProblem(a, 401, "unauthorized", "tenant acme")
		if a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("headers %v", a.header)
		}
	}
	for _, path := range []string{"/t/nobody/v1/events", "/t//v1/events", "/t/ACME/v1/events", "/t/acme%20/v1/events"} {
		h.wantProblem(h.send(request{method: "POST", path: path, token: tokenAdmin, body: event}), 404, "unknown_tenant", "")
	}
	h.wantProblem(h.send(request{method: "POST", path: "/v1/events", token: tokenAcme, body: event}), 404, "not_found", "/v1/events")
	basic := request{method: "POST", path: eventsPath, body: event, header: map[string]string{"Authorization": "Basic " + tokenAcme}}
	h.wantProblem(h.send(basic), 401, "unauthorized", "")
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
	h.want(a, 202, `{"id":"`+first.ID+`","type":"jira:issue_updated","matched":0,"deliveries":1,"repeated":true}`)
	h.wantProblem(h.publish(`{"webhookEvent":"x"}`, key), 422, "idempotency_key_reused", "Idempotency-Key")
	marker := strings.Replace(event, `"timestamp":1`, `"timestamp":2`, 1)
	if a := h.publish(marker, map[string]string{"Idempotency-Key": "two"}); strings.Contains(a.body, "repeated") {
		t.Errorf("another key is answered %s", a.body)
	}
	if one, two := <-got, <-got; one == two || strings.Contains(one, `"timestamp":1`) == strings.Contains(two, `"timestamp":1`) {
		t.Errorf("a repeated event was delivered again: %s, %s", one, two)
	}
	rival := h.send(request{method: "POST", path: "/t/rival/v1/events", token: tokenRival, body: `{"webhookEvent":"x"}`, header: key})
	if rival.status != 202 || strings.Contains(rival.body, "repeated") {
		t.Errorf("the key of another tenant is answered %d %s", rival.status, rival.body)
	}
}
