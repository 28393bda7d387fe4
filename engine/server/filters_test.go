package server_test

import (
	"fmt"
	"strings"
	"testing"

	"hookline/engine/inspect"
)

const (
	checkPath   = "/t/acme/v1/jql/check"
	explainPath = "/t/acme/v1/jql/explain"
)

// ask sends a request of acme's publishers.
func (h *house) ask(path, body string) answer {
	h.T.Helper()
	return h.Send(request{Method: "POST", Path: path, Token: tokenAcme, Body: body})
}

func TestCheckFilter(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const good = `{"jql":"project = EX","ok":true,"canonical":"project IN (\"ex\")","identity":"0e8aec79022f877ec1fb33c859b9b1aa"}`
	h.Want(h.ask(checkPath, `{"jql":"project = EX"}`), 200, good)
	h.Want(h.admin("POST", "/v1/jql/check", `{"jql":"project = EX","dialect":"dynamic"}`), 200, good)
	h.Want(h.ask(checkPath, `{"jql":"project =\n"}`), 200, `{"jql":"project =\n","ok":false,"errors":[{"message":"Error in the JQL Query: `+
		`Expecting either a value, list or function before the end of the query.","line":2,"column":1,"offset":10}]}`)
	h.Want(h.ask(checkPath, `{"jql":"a = 1 AND labels = b","dialect":"dynamic"}`), 200, `{"jql":"a = 1 AND labels = b","ok":false,"errors":[`+
		`{"message":"The clause a is unsupported","line":1,"column":1,"offset":0},`+
		`{"message":"The clause labels is unsupported","line":1,"column":11,"offset":10}]}`)
	h.wantProblem(h.ask(checkPath, `{}`), 400, "invalid", "jql is missing")
	h.wantProblem(h.ask(checkPath, `{"jql":"","dialect":"klingon"}`), 400, "invalid", `dialect "klingon"`)
	h.wantProblem(h.ask(checkPath, `{"jql":"","event":{}}`), 400, "invalid_json", `"event"`)
}

func TestExplainFilter(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	explain := func(jql, more string) string { return fmt.Sprintf(`{"jql":%q,"event":%s%s}`, jql, event, more) }
	for jql, matches := range map[string]bool{"project = A": true, "project = B": false, "": true} {
		for _, a := range []answer{
			h.ask(explainPath, explain(jql, "")), h.admin("POST", "/v1/jql/explain", explain(jql, `,"now":"2026-03-01T09:00:00Z"`)),
			h.Send(request{Method: "POST", Path: "/v1/jql/explain", Host: "acme.example", Token: tokenAcme, Body: explain(jql, `,"dialect":"full"`)}),
		} {
			var e inspect.Explained
			h.decode(a, &e)
			if a.Status != 200 || e.Matches != matches || e.Explanation.Holds != matches || e.Canonical == "" {
				t.Errorf("%q: the answer is %d %s", jql, a.Status, a.Body)
			}
		}
	}
	const unfinished = "Error in the JQL Query: Expecting either a value, list or function before the end of the query."
	h.Want(h.ask(explainPath, explain("project =", "")), 400, `{"error":{"code":"invalid_filter","message":"`+unfinished+`"},`+
		`"errors":[{"message":"`+unfinished+`","line":1,"column":10,"offset":9}]}`)
	h.Want(h.ask(explainPath, explain("status > Done", `,"dialect":"dynamic"`)), 400,
		`{"error":{"code":"invalid_filter","message":"The operator > is unsupported"},`+
			`"errors":[{"message":"The operator > is unsupported","line":1,"column":1,"offset":0}]}`)
	h.wantProblem(h.ask(explainPath, `{"jql":""}`), 400, "invalid", "event is missing")
	h.wantProblem(h.ask(explainPath, `{"event":{}}`), 400, "invalid", "jql is missing")
	h.wantProblem(h.ask(explainPath, explain("", `,"now":"today"`)), 400, "invalid_json", "today")
	h.wantProblem(h.ask(explainPath, `{"jql":"","event":{"webhookEvent":"a"}`), 400, "invalid_json", "incomplete")
	for event, part := range map[string]string{
		`{}`: "no event type", `null`: "not an object", `{"webhookEvent":"a","webhookEvent":"a"}`: "duplicate member",
		`{"webhookEvent":"` + "\xff" + `"}`: "syntax",
	} {
		h.wantProblem(h.ask(explainPath, `{"jql":"","event":`+event+`}`), 400, "invalid_event", part)
	}
	large := `{"webhookEvent":"a","x":"` + strings.Repeat("x", maxBody) + `"}`
	h.wantProblem(h.ask(explainPath, `{"jql":"","event":`+large+`}`), 413, "too_large", "at most 2000 are allowed")
}

// The site of the tenant that is asked is what the filter speaks of; the installation has none.
func TestFiltersOfTheSite(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Want(h.admin("PUT", "/v1/tenants/acme", `{"customFields":[{"id":7,"name":"Points","type":"number"}],"hosts":["acme.example"]}`), 200,
		`{"id":"acme","hosts":["acme.example"],"customFields":[{"id":7,"name":"Points","type":"number"}],"tokens":1}`)
	const body = `{"jql":"Points > 3"}`
	if a := h.ask(checkPath, body); !strings.Contains(a.Body, `"ok":true`) {
		t.Errorf("of the tenant: %s", a.Body)
	}
	for _, path := range []string{"/t/rival/v1/jql/check", "/v1/jql/check"} {
		if a := h.admin("POST", path, body); !strings.Contains(a.Body, `Field 'Points' does not exist`) {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

func TestFiltersNeedCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const body = `{"jql":"project = EX"}`
	for _, path := range []string{checkPath, explainPath} {
		for _, token := range []string{"", "no token of anyone's", tokenRival, tokenCI} {
			h.wantProblem(h.Send(request{Method: "POST", Path: path, Token: token, Body: body}), 401, "unauthorized", "tenant acme")
		}
		global := strings.TrimPrefix(path, "/t/acme")
		for _, token := range []string{"", tokenAcme} {
			h.wantProblem(h.Send(request{Method: "POST", Path: global, Token: token, Body: body}), 401, "unauthorized", "admin token")
		}
		h.wantProblem(h.Send(request{Method: "GET", Path: path, Token: tokenAcme}), 405, "method_not_allowed", "POST")
	}
}

// An event to explain may be as large as one to publish, for those who may publish.
func TestExplainLargeEvent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := strings.Repeat(" ", 2<<20) + `{"jql":"project = A","event":` + event + `}`
	for path, token := range map[string]string{explainPath: tokenAcme, "/v1/jql/explain": tokenAdmin} {
		if a := h.Send(request{Method: "POST", Path: path, Token: token, Body: body}); a.Status != 200 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		h.wantProblem(h.Raw(headers("POST", path, tokenRival, "Content-Length: 2000000")), 413, "too_large", "1048576 bytes")
	}
	h.wantProblem(h.Raw(headers("POST", checkPath, tokenAcme, "Content-Length: 2000000")), 413, "too_large", "1048576 bytes")
}
