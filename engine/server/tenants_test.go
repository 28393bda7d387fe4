package server_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Want(h.admin("GET", "/v1", ""), 200, `{"name":"hookline","version":"v1.2.3"}`)
	const path = "/v1/tenants/new"
	h.wantProblem(h.admin("GET", path, ""), 404, "unknown_tenant", `"new"`)
	h.Want(h.admin("PUT", path, "{}"), 201, `{"id":"new","hosts":[],"tokens":0}`)
	h.Want(h.admin("PUT", path, `{"hosts":["New.example","b.example"],"epicLink":10020,"tokens":["a token of the new tenant"]}`), 200,
		`{"id":"new","hosts":["new.example","b.example"],"epicLink":10020,"tokens":1}`)
	// What is left out stays, what is given replaces.
	h.Want(h.admin("PUT", path, "{}"), 200, `{"id":"new","hosts":["new.example","b.example"],"epicLink":10020,"tokens":1}`)
	h.Want(h.admin("PUT", path, `{"connectLimit":300,"oauthLimit":20}`), 200,
		`{"id":"new","hosts":["new.example","b.example"],"epicLink":10020,"connectLimit":300,"oauthLimit":20,"tokens":1}`)
	h.wantProblem(h.admin("PUT", path, `{"oauthLimit":-1}`), 400, "invalid", "oauthLimit -1")
	h.wantProblem(h.admin("PUT", path, `{"oauthLimit":"20"}`), 400, "invalid_json", "oauthLimit")
	h.Want(h.admin("PUT", path, `{"connectLimit":0,"oauthLimit":0}`), 200, `{"id":"new","hosts":["new.example","b.example"],"epicLink":10020,"tokens":1}`)
	h.Want(h.admin("PUT", path, `{"hosts":["b.example"],"epicLink":0}`), 200, `{"id":"new","hosts":["b.example"],"tokens":1}`)
	h.Want(h.admin("GET", path, ""), 200, `{"id":"new","hosts":["b.example"],"tokens":1}`)
	h.Want(h.admin("GET", "/v1/tenants", ""), 200,
		`{"items":[{"id":"acme","hosts":["acme.example"],"tokens":1},{"id":"new","hosts":["b.example"],"tokens":1},{"id":"rival","hosts":["rival.example"],"tokens":1}]}`)
	publish := request{Method: "POST", Path: "/v1/events", Host: "new.example", Token: "a token of the new tenant", Body: event}
	h.wantProblem(h.Send(publish), 404, "not_found", "")
	publish.Host = "b.example"
	if a := h.Send(publish); a.Status != 202 {
		t.Errorf("publishing is answered %d %s", a.Status, a.Body)
	}
	h.Want(h.admin("PUT", path, `{"tokens":[]}`), 200, `{"id":"new","hosts":["b.example"],"tokens":0}`)
	h.wantProblem(h.Send(publish), 401, "unauthorized", "")
	h.Want(h.admin("DELETE", path, ""), 204, "")
	h.wantProblem(h.admin("DELETE", path, ""), 404, "unknown_tenant", "")
	h.Want(h.admin("PUT", "/v1/tenants/other", `{"hosts":["b.example"]}`), 201, `{"id":"other","hosts":["b.example"],"tokens":0}`)
}

// What filters speak of is kept as it was sent, and refused as a whole.
func TestSite(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path = "/v1/tenants/site"
	const site = `"epicLink":10008,"customFields":[{"id":10016,"name":"Story points","type":"number"}],"priorities":["Low","High"],` +
		`"timeZone":"Etc/UTC","weekStart":"sunday","displayNames":true,"filterProjects":true,` +
		`"projects":[{"id":10000,"key":"EX","name":"Example","boards":[5]}],"dialect":"full"`
	h.Want(h.admin("PUT", path, "{"+site+"}"), 201, `{"id":"site","hosts":[],`+site+`,"tokens":0}`)
	for body, part := range map[string]string{
		`{"priorities":["Low"],"timeZone":"Mars/Olympus"}`:                                 `tenant site: timeZone "Mars/Olympus"`,
		`{"priorities":["Low"],"customFields":[{"id":1,"name":"Points","type":"points"}]}`: `type "points"`,
		`{"priorities":["Low"],"dialect":"klingon"}`:                                       `dialect "klingon"`,
		`{"weekStart":"tuesday"}`:                                                          `weekStart "tuesday"`,
	} {
		h.wantProblem(h.admin("PUT", path, body), 400, "invalid", part)
	}
	h.wantProblem(h.admin("PUT", path, `{"customFields":[{"id":1,"title":"Points","type":"number"}]}`), 400, "invalid_json", `"title"`)
	h.Want(h.admin("GET", path, ""), 200, `{"id":"site","hosts":[],`+site+`,"tokens":0}`)
	h.Want(h.admin("PUT", path, `{"customFields":[],"priorities":[],"displayNames":false,"dialect":"","filterProjects":false,"projects":[]}`), 200,
		`{"id":"site","hosts":[],"epicLink":10008,"timeZone":"Etc/UTC","weekStart":"sunday","tokens":0}`)
}

func TestApps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path = "/v1/tenants/acme/apps/mobile"
	h.wantProblem(h.admin("GET", path, ""), 404, "unknown_app", `acme has no app "mobile"`)
	h.Want(h.admin("PUT", path, `{"kind":"oauth","tokens":[{"token":"a token of anna's","user":"anna"},{"token":"another one of anna's","user":"anna"},{"token":"a token of bert's","user":"bert"}]}`),
		201, `{"key":"mobile","kind":"oauth","tokens":3,"users":["anna","bert"]}`)
	h.Want(h.admin("PUT", path, `{"baseURL":"https://mobile.example/"}`), 200,
		`{"key":"mobile","kind":"oauth","baseURL":"https://mobile.example/","tokens":3,"users":["anna","bert"]}`)
	h.Want(h.admin("GET", path, ""), 200, `{"key":"mobile","kind":"oauth","baseURL":"https://mobile.example/","tokens":3,"users":["anna","bert"]}`)
	h.Want(h.admin("GET", "/v1/tenants/acme/apps", ""), 200,
		`{"items":[{"key":"ci","kind":"connect","tokens":1},{"key":"mobile","kind":"oauth","baseURL":"https://mobile.example/","tokens":3,"users":["anna","bert"]}]}`)
	h.Want(h.admin("PUT", path, `{"tokens":[]}`), 200, `{"key":"mobile","kind":"oauth","baseURL":"https://mobile.example/","tokens":0}`)
	list := request{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: "a token of anna's"}
	if a := h.Send(list); a.Status != 401 {
		t.Errorf("a token that was taken away opens the door: %d %s", a.Status, a.Body)
	}
	h.Want(h.admin("DELETE", path, ""), 204, "")
	h.wantProblem(h.admin("DELETE", path, ""), 404, "unknown_app", "")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		h.wantProblem(h.admin(method, "/v1/tenants/nobody/apps/ci", "{}"), 404, "unknown_tenant", `"nobody"`)
	}
	h.wantProblem(h.admin("GET", "/v1/tenants/nobody/apps", ""), 404, "unknown_tenant", "")
}

// A token that the server makes is shown once. It opens what it is for, beside those that were there.
func TestTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.admin("PUT", "/v1/tenants/acme/apps/mobile", `{"kind":"oauth"}`)
	var shown []string
	for _, x := range []struct{ path, body string }{
		{"/v1/tenants/acme/tokens", ""}, {"/v1/tenants/acme/apps/ci/tokens", ""}, {"/v1/tenants/acme/apps/ci/tokens", "{}"},
		{"/v1/tenants/acme/apps/mobile/tokens", `{"user":"anna"}`},
	} {
		var made struct {
			Token string `json:"token"`
		}
		a := h.admin("POST", x.path, x.body)
		h.decode(a, &made)
		if a.Status != 201 || len(made.Token) < 32 {
			t.Errorf("%s: %d %s", x.path, a.Status, a.Body)
		}
		shown = append(shown, made.Token)
	}
	for _, token := range []string{shown[0], tokenAcme} {
		if a := h.Send(request{Method: "POST", Path: eventsPath, Token: token, Body: event}); a.Status != 202 {
			t.Errorf("publishing is answered %d %s", a.Status, a.Body)
		}
	}
	for _, token := range append(shown[1:], tokenCI) {
		if a := h.Send(request{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: token}); a.Status != 200 {
			t.Errorf("listing is answered %d %s", a.Status, a.Body)
		}
	}
	for _, path := range []string{"/v1/tenants", "/v1/tenants/acme", "/v1/tenants/acme/apps", "/v1/tenants/acme/apps/ci", "/v1/tenants/acme/apps/mobile"} {
		a := h.admin("GET", path, "")
		for _, token := range append(shown, tokenAcme, tokenCI) {
			if a.Status != 200 || strings.Contains(a.Body, token) || strings.Contains(a.Body, "hash") {
				t.Errorf("%s shows a Token: %d %s", path, a.Status, a.Body)
			}
		}
	}
	h.Want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":2}`)
	h.Want(h.admin("GET", "/v1/tenants/acme/apps/ci", ""), 200, `{"key":"ci","kind":"connect","tokens":3}`)
	h.wantProblem(h.admin("POST", "/v1/tenants/nobody/tokens", ""), 404, "unknown_tenant", "")
	h.wantProblem(h.admin("POST", "/v1/tenants/acme/apps/none/tokens", ""), 404, "unknown_app", "")
	h.wantProblem(h.admin("POST", "/v1/tenants/acme/apps/ci/tokens", `{"user":"anna"}`), 400, "invalid", "only apps of kind oauth")
}

func TestInstallationRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tests := []struct {
		path, body string
		status     int
		code, part string
	}{
		{"tenants/acme", ``, 400, "invalid_json", "send {} for no settings"},
		{"tenants/acme", `{"hosts":`, 400, "invalid_json", "incomplete"},
		{"tenants/acme", `{]`, 400, "invalid_json", "invalid character"},
		{"tenants/acme", `[]`, 400, "invalid_json", "array"},
		{"tenants/acme", `{"host":[]}`, 400, "invalid_json", `"host"`},
		{"tenants/acme", `{"id":"acme"}`, 400, "invalid_json", `"id"`},
		{"tenants/acme", `{"hosts":"x"}`, 400, "invalid_json", "hosts"},
		{"tenants/acme", `{} {}`, 400, "invalid_json", "after top-level value"},
		{"tenants/acme", `{}x`, 400, "invalid_json", "after top-level value"},
		{"tenants/ACME", `{}`, 400, "invalid", `"ACME"`},
		{"tenants/a.b", `{}`, 400, "invalid", "lower-case"},
		{"tenants/acme", `{"hosts":["http://x"]}`, 400, "invalid", "not a host name"},
		{"tenants/acme", `{"epicLink":-1}`, 400, "invalid", "epicLink -1"},
		{"tenants/acme", `{"tokens":["fifteen letters"]}`, 400, "invalid", "15 characters; use at least 16"},
		{"tenants/acme", `{"hosts":["rival.example"]}`, 409, "host_taken", "rival.example addresses tenant rival"},
		{"tenants/acme", `{"hosts":["x.example","RIVAL.example"]}`, 409, "host_taken", "rival.example addresses tenant rival"},
		{"tenants/acme/apps/ci", `{"url":"https://x/"}`, 400, "invalid_json", `"url"`},
		{"tenants/acme/apps/ci", `{"tokens":[{"token":"long enough for a token","users":[]}]}`, 400, "invalid_json", `"users"`},
		{"tenants/acme/apps/ci", `{"kind":"forge"}`, 400, "invalid", "connect or oauth"},
		{"tenants/acme/apps/ci", `{"baseURL":"x"}`, 400, "invalid", "baseURL"},
		{"tenants/acme/apps/c%20i", `{}`, 400, "invalid", "app key"},
		{"tenants/acme/apps/ci", `{"tokens":[{"token":"long enough for a token"},{"token":"short"}]}`, 400, "invalid", "5 characters"},
		{"tenants/acme/apps/ci", `{"tokens":[{"token":"long enough for a token","user":"u"}]}`, 400, "invalid", "only apps of kind oauth"},
		{"tenants/acme/apps/new", `{"tokens":[{"token":"` + tokenCI + `"}]}`, 409, "token_taken", "app ci"},
	}
	for _, tt := range tests {
		p := h.wantProblem(h.admin("PUT", "/v1/"+tt.path, tt.body), tt.status, tt.code, tt.part)
		if strings.Contains(p.Error.Message, "token of") || strings.Contains(p.Error.Message, "fifteen") {
			t.Errorf("the message shows a Token: %s", p.Error.Message)
		}
	}
	h.Want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":1}`)
	h.Want(h.admin("GET", "/v1/tenants/acme/apps", ""), 200, `{"items":[{"key":"ci","kind":"connect","tokens":1}]}`)
	h.Want(h.admin("PUT", "/v1/tenants/rival/apps/new", `{"tokens":[{"token":"`+tokenCI+`"}]}`), 201, `{"key":"new","kind":"connect","tokens":1}`)
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{"/", "/v2", "/v1/", "/v1/tenants/", "/v1/tenants/acme/", "/v1/tenants/acme/token", "/t/acme", "/t/acme/", "/t/acme/v1", "/t/acme/v1/tenants", "/t/acme/v1/events/"} {
		h.wantProblem(h.admin("GET", path, ""), 404, "not_found", "There is nothing at")
	}
	for path, allowed := range map[string][]string{
		"/v1": {"GET"}, "/v1/tenants": {"GET"}, "/v1/tenants/acme": {"GET", "PUT", "DELETE"}, "/v1/tenants/acme/tokens": {"POST"},
		"/v1/tenants/acme/apps": {"GET"}, "/v1/tenants/acme/apps/ci": {"GET", "PUT", "DELETE"}, "/v1/tenants/acme/apps/ci/tokens": {"POST"},
		"/t/acme/v1/events": {"POST"},
	} {
		a := h.admin("PATCH", path, "")
		h.wantProblem(a, 405, "method_not_allowed", "PATCH is not possible")
		for _, method := range allowed {
			if !strings.Contains(a.Header.Get("Allow"), method) {
				t.Errorf("%s: Allow is %q; want %q in it", path, a.Header.Get("Allow"), allowed)
			}
		}
	}
}

// With a tenant go its apps, their webhooks and every credential; a tenant of the same name begins anew.
func TestDeleteTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.subscribe()
	list := request{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI}
	h.Want(h.admin("DELETE", "/v1/tenants/acme", ""), 204, "")
	publish := request{Method: "POST", Path: eventsPath, Token: tokenAcme, Body: event}
	h.wantProblem(h.Send(publish), 404, "unknown_tenant", "acme")
	if a := h.Send(list); a.Status != 404 {
		t.Errorf("the old app's list is answered %d %s", a.Status, a.Body)
	}
	publish.Path, publish.Host = "/v1/events", "acme.example"
	h.wantProblem(h.Send(publish), 404, "not_found", "")
	h.Want(h.admin("PUT", "/v1/tenants/acme", "{}"), 201, `{"id":"acme","hosts":[],"tokens":0}`)
	h.Want(h.admin("GET", "/v1/tenants/acme/apps", ""), 200, `{"items":[]}`)
	h.wantProblem(h.publish(event, nil), 401, "unauthorized", "")
	if a := h.Send(list); a.Status != 401 {
		t.Errorf("the old app's token is answered %d %s", a.Status, a.Body)
	}
	h.admin("PUT", "/v1/tenants/acme/apps/ci", `{"tokens":[{"token":"`+tokenCI+`"}]}`)
	if a := h.Send(list); a.Status != 200 || !strings.Contains(a.Body, `"total":0,`) {
		t.Errorf("the old webhooks are there again: %d %s", a.Status, a.Body)
	}
	if a := h.Send(request{Method: "POST", Path: eventsPath, Token: tokenAdmin, Body: event}); !strings.Contains(a.Body, `"matched":0,`) {
		t.Errorf("an old webhook matches: %d %s", a.Status, a.Body)
	}
}

// With an app go its webhooks.
func TestDeleteApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.subscribe()
	h.Want(h.admin("DELETE", "/v1/tenants/acme/apps/ci", ""), 204, "")
	if a := h.publish(event, nil); a.Status != 202 || !strings.Contains(a.Body, `"matched":0,`) {
		t.Errorf("a webhook of the app matches: %d %s", a.Status, a.Body)
	}
	if a := h.Send(request{Method: "GET", Path: "/t/acme/rest/api/3/webhook", Token: tokenCI}); a.Status != 401 {
		t.Errorf("the app's token is answered %d %s", a.Status, a.Body)
	}
}

// A tenant or an app that is deleted while a token is made for it is gone: the token does not bring it back.
func TestTokenOfSomethingDeleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 40 {
		path := []string{"/v1/tenants/brief", "/v1/tenants/acme/apps/brief"}[i%2]
		if a := h.admin("PUT", path, "{}"); a.Status != 201 {
			t.Fatalf("making it is answered %d %s", a.Status, a.Body)
		}
		made := make(chan int)
		go func() { made <- h.admin("POST", path+"/tokens", "").Status }()
		h.Want(h.admin("DELETE", path, ""), 204, "")
		if status := <-made; status != 201 && status != 404 {
			t.Errorf("making a token is answered %d", status)
		}
		if a := h.admin("GET", path, ""); a.Status != 404 {
			t.Fatalf("%s is there again: %s", path, a.Body)
		}
	}
}

// An app's secrets go in and do not come out; what is left out stays.
func TestSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path = "/v1/tenants/acme/apps/ci"
	h.Want(h.admin("PUT", path, `{"issuer":"client-key","secrets":["the secret of ci, long enough","the one before that, too"]}`), 200,
		`{"key":"ci","kind":"connect","issuer":"client-key","secrets":2,"tokens":1}`)
	h.wantProblem(h.admin("PUT", path, `{"secrets":["123"]}`), 400, "invalid", "a secret has 3 characters")
	h.wantProblem(h.admin("PUT", path, `{"secrets":[""]}`), 400, "invalid", "a secret has 0 characters")
	h.wantProblem(h.admin("PUT", path, `{"secrets":[`+strings.Repeat(`"a secret that is long enough",`, 5)+`"a secret that is long enough"]}`), 400, "invalid", "6 secrets")
	h.wantProblem(h.admin("PUT", path, `{"issuer":"`+strings.Repeat("i", 256)+`"}`), 400, "invalid", "256 bytes")
	h.Want(h.admin("PUT", path, `{}`), 200, `{"key":"ci","kind":"connect","issuer":"client-key","secrets":2,"tokens":1}`)
	h.Want(h.admin("PUT", path, `{"secrets":[],"issuer":""}`), 200, `{"key":"ci","kind":"connect","tokens":1}`)
}

// TestPagesOfTenants: every tenant, and every app, is on one page, in order.
func TestPagesOfTenants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := range 7 {
		h.Want(h.admin("PUT", fmt.Sprintf("/v1/tenants/t-%d", n), `{}`), 201, fmt.Sprintf(`{"id":"t-%d","hosts":[],"tokens":0}`, n))
		h.Want(h.admin("PUT", fmt.Sprintf("/v1/tenants/t-0/apps/a-%d", n), `{}`), 201, fmt.Sprintf(`{"key":"a-%d","kind":"connect","tokens":0}`, n))
	}
	for path, member := range map[string]string{"/v1/tenants": "id", "/v1/tenants/t-0/apps": "key"} {
		var all struct{ Items []map[string]any }
		h.Decode(h.admin("GET", path, ""), 200, &all)
		for limit := 1; limit <= len(all.Items)+1; limit++ {
			var names []any
			for cursor := ""; ; {
				var page struct {
					Items []map[string]any
					Next  string
				}
				query := fmt.Sprintf("?limit=%d", limit)
				if cursor != "" {
					query += "&cursor=" + cursor
				}
				h.Decode(h.admin("GET", path+query, ""), 200, &page)
				for _, item := range page.Items {
					names = append(names, item[member])
				}
				if cursor = page.Next; cursor == "" {
					break
				}
				if len(page.Items) != limit {
					t.Fatalf("%s: a page of %d is not the last", path, len(page.Items))
				}
			}
			if len(names) != len(all.Items) {
				t.Fatalf("%s by %d: %v", path, limit, names)
			}
			for i := range names {
				if names[i] != all.Items[i][member] {
					t.Errorf("%s by %d: %v", path, limit, names)
				}
			}
		}
	}
}
