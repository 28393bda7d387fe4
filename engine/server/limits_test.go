package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// headers are those of a request whose body is announced and does not follow.
func headers(method, path, token string, more string) string {
	text := method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	if token != "" {
		text += "Authorization: Bearer " + token + "\r\n"
	}
	return text + more + "\r\n\r\n"
}

// Without a right token a large body is refused on sight of the headers: none of it is read, and no memory taken.
func TestLargeBodyRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const large, chunked = "Content-Length: 2000000", "Transfer-Encoding: chunked\r\n\r\n200000"
	for _, token := range []string{"", "no token of anyone's", tokenRival, tokenCI} {
		h.wantProblem(h.Raw(headers("POST", eventsPath, token, large)), 401, "unauthorized", "tenant acme")
		h.wantProblem(h.Raw(headers("POST", eventsPath, token, chunked)), 413, "too_large", "1048576 bytes")
	}
	for _, r := range []struct{ method, path, token string }{
		{"PUT", "/v1/tenants/acme", tokenAdmin}, {"PUT", "/v1/tenants/acme", ""}, {"POST", "/t/nobody/v1/events", tokenAdmin},
		{"PUT", eventsPath, tokenAcme}, {"POST", eventsPath + "/", tokenAcme}, {"POST", "/v1/events", tokenAdmin},
	} {
		h.wantProblem(h.Raw(headers(r.method, r.path, r.token, large)), 413, "too_large", "1048576 bytes")
	}
	h.wantJira(h.Raw(headers("POST", "/t/acme/rest/api/3/webhook", tokenCI, large)), 413, "1048576 bytes")
	// Publishers have a limit too, and are not told that their token is wrong.
	h.wantProblem(h.Raw(headers("POST", eventsPath, tokenAcme, "Content-Length: 99999999")), 413, "too_large", "33554432 bytes of events")
	h.wantProblem(h.Raw("nonsense\r\n\r\n"), 400, "bad_request", "HTTP")
}

// With a right token a batch may be large.
func TestLargeBodyTaken(t *testing.T) {
	t.Parallel()
	h, open := newHouse(t), newOpenHouse(t, "127.0.0.1:0")
	batch := strings.Repeat(" ", 2<<20) + "\n" + event
	lines := map[string]string{"Content-Type": "application/x-ndjson"}
	for _, r := range []request{
		{Path: eventsPath, Token: tokenAcme}, {Path: eventsPath, Token: tokenAdmin}, {Path: eventsPath + "/jira", Token: tokenAcme},
		{Path: "/v1/events", Host: "acme.example", Token: tokenAcme},
	} {
		r.Method, r.Body, r.Header = "POST", batch, lines
		if a := h.Send(r); a.Status != 202 {
			t.Errorf("%s: %d %s", r.Path, a.Status, a.Body)
		}
	}
	if a := open.Send(request{Method: "POST", Path: "/t/open/v1/events", Body: batch, Header: lines}); a.Status != 202 {
		t.Errorf("without an admin Token: %d %s", a.Status, a.Body)
	}
	chunks := headers("POST", eventsPath, tokenAcme, "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked") +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(batch), batch)
	if a := h.Raw(chunks); a.Status != 202 {
		t.Errorf("in chunks: %d %s", a.Status, a.Body)
	}
}
