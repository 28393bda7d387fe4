package server_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// isProblem says whether an answer is a 4xx in the native API's error form.
func isProblem(a answer) bool {
	var p problem
	return a.Status >= 400 && a.Status <= 499 && json.Unmarshal([]byte(a.Body), &p) == nil && p.Error.Code != "" && p.Error.Message != ""
}

// fuzzResource sends arbitrary bodies as changes of a resource: it is then what the answer says, or what it was and the
// answer says why.
func fuzzResource(f *testing.F, path string, bodies ...string) {
	for _, body := range append(bodies, ``, `{}`, `{`, `null`, `[]`, `7`, `{}{}`, `{"a":1}`, "{\"kind\":\"\xff\"}", `{"tokens":null}`, `{"tokens":[null]}`, strings.Repeat("[", 2000)) {
		f.Add(body)
	}
	h := newHouse(f)
	h.Want(h.admin("PUT", path, "{}"), 201, "")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		h.Check = nil // null counts as left out, which the document does not promise
		before := h.admin("GET", path, "")
		a := h.admin("PUT", path, body)
		after := h.admin("GET", path, "")
		switch {
		case a.Status == 200 && a.Body == after.Body:
		case isProblem(a) && before.Body == after.Body:
		default:
			t.Fatalf("the answer is %d %s; before it was %s, and then %s", a.Status, a.Body, before.Body, after.Body)
		}
	})
}

func FuzzTenantBody(f *testing.F) {
	fuzzResource(f, "/v1/tenants/fuzz",
		`{"hosts":["Fuzz.example","fuzz.example"],"epicLink":10008,"tokens":["a token of the tenant"]}`, `{"hosts":["acme.example"]}`, `{"hosts":[""]}`,
		`{"customFields":[{"id":10016,"name":"Story points","type":"number"},{"id":-1,"name":"","type":"x"}],"priorities":["Low","Low",""]}`,
		`{"timeZone":"Europe/Berlin","weekStart":"sunday","displayNames":true,"dialect":"full","connectLimit":300,"oauthLimit":9223372036854775807}`,
		`{"timeZone":"../../etc/passwd","weekStart":"\u0000","connectLimit":1e400,"tokens":["short"]}`)
}

func FuzzAppBody(f *testing.F) {
	fuzzResource(f, "/v1/tenants/acme/apps/fuzz",
		`{"kind":"oauth","baseURL":"https://app.example/x","issuer":"i","secrets":["a secret of some length"],"tokens":[{"token":"a token of some length","user":"u"}]}`,
		`{"kind":"forge","baseURL":"javascript:1","issuer":"\u0000","secrets":["short"],"tokens":[{"token":"`+tokenCI+`"}]}`, `{"baseURL":"https://[::1"}`,
		`{"kind":"connect","tokens":[{"token":"a token of some length","user":"u"},{"token":"a token of some length"}]}`, `{"secrets":[null,1]}`)
}

// FuzzAppToken makes tokens for arbitrary users. One that is made is the app's.
func FuzzAppToken(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"user":"anna"}`, `{"user":null}`, `{"user":7}`, `{"user":"\u0000\ud800"}`, `null`, `[]`, `{`, `{"token":"mine"}`} {
		f.Add(body)
	}
	h := newHouse(f)
	const app = "/v1/tenants/acme/apps/fuzz"
	h.Want(h.admin("PUT", app, `{"kind":"oauth"}`), 201, "")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		h.Check = nil // null counts as left out, which the document does not promise
		a := h.admin("POST", app+"/tokens", body)
		if isProblem(a) {
			return
		}
		var made struct{ Token string }
		h.Decode(a, 201, &made)
		if list := h.Send(request{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: made.Token}); list.Status != 200 {
			t.Fatalf("%s: the token is refused with %d %s", body, list.Status, list.Body)
		}
		h.Want(h.admin("PUT", app, `{"tokens":[]}`), 200, "")
	})
}

// FuzzAsk asks about arbitrary filters and events.
func FuzzAsk(f *testing.F) {
	for _, body := range []string{
		`{"jql":"project = EX"}`, `{"jql":"a = 1 AND","dialect":"dynamic"}`, `{"jql":"","dialect":"x"}`, `{"jql":7}`, `null`, `{`, ``,
		`{"jql":"labels = a","event":` + event + `,"now":"2026-11-01T00:00:00Z"}`, `{"jql":"x","event":[]}`, `{"jql":"","event":null,"now":"yesterday"}`,
	} {
		f.Add(body)
	}
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{checkPath, explainPath} {
			a := h.in(t).ask(path, body)
			var got struct {
				JQL    *string
				OK     *bool
				Errors []json.RawMessage
			}
			switch {
			case isProblem(a):
			case json.Unmarshal([]byte(a.Body), &got) == nil && (a.Status == 200 && path == explainPath || a.Status == 200 && got.OK != nil || a.Status == 400 && len(got.Errors) > 0):
			default:
				t.Fatalf("%s: the answer is %d %s", path, a.Status, a.Body)
			}
		}
	})
}

// FuzzPublishSystem sends arbitrary events of the systems beside Jira.
func FuzzPublishSystem(f *testing.F) {
	for _, body := range append(bodies, "[]", "null", `[{"eventType":"x"}]`, `{"record":{"status":"Success","id":1},"tags":{"webhookSubscriber":7}}`, "\n{}\n[", "{\"eventType\":\"\xff\"}") {
		f.Add(body, false)
		f.Add(body, true)
	}
	v := newVictim(f)
	f.Fuzz(func(t *testing.T, body string, arcxp bool) {
		path := eventsPath + "/migration"
		if arcxp {
			path = eventsPath + "/arcxp"
		}
		a := v.In(t).Send(request{Method: "POST", Path: path, Token: tokenAcme, Body: body})
		lines := a.Header.Get("Content-Type") == "application/x-ndjson" // each with its own status
		if a.Status != 202 && !isProblem(a) && (!lines || a.Status < 400 || a.Status > 499) {
			t.Fatalf("%s: the answer is %d %s", path, a.Status, a.Body)
		}
	})
}
