package server_test

import (
	"slices"
	"strings"
	"testing"
)

// flavorRoutes are the routes of Jira's dynamic webhooks below a tenant.
var flavorRoutes = []string{
	"POST /rest/api/2/webhook", "GET /rest/api/2/webhook", "PUT /rest/api/2/webhook", "DELETE /rest/api/2/webhook", "PUT /rest/api/2/webhook/refresh", "GET /rest/api/2/webhook/failed",
	"POST /rest/api/3/webhook", "GET /rest/api/3/webhook", "PUT /rest/api/3/webhook", "DELETE /rest/api/3/webhook", "PUT /rest/api/3/webhook/refresh", "GET /rest/api/3/webhook/failed",
	"GET /ex/jira/acme/rest/api/2/webhook", "POST /ex/jira/acme/rest/api/3/webhook",
}

// ways are how a request can be addressed to tenant acme, also with tricks that point at another at first sight.
var ways = []struct{ prefix, host string }{
	{"/t/acme", ""}, {"", "acme.example"}, {"", "ACME.EXAMPLE:443"}, {"/t/acme", "rival.example"}, {"/t/rival/../acme", ""},
	{"/t/rival/%2e%2e/acme", ""}, {"//t//acme", ""}, {"/t/%61cme", ""},
}

// The credentials of one tenant open nothing in another, by whatever name it is called.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := map[string]string{"POST": event, "PUT": `{"webhookIds":[1000]}`, "DELETE": `{"webhookIds":[1000]}`}
	for _, route := range append(documented(t, "/t/"), flavorRoutes...) {
		method, path, _ := strings.Cut(route, " ")
		for _, way := range ways {
			for _, token := range []string{tokenRival, tokenBot, "", "no token of anyone's"} {
				a := h.Send(request{Method: method, Path: way.prefix + path, Host: way.host, Token: token, Body: body[method]})
				if a.Status != 401 {
					t.Errorf("%s %s%s at host %q with %q: %d %s; want 401", method, way.prefix, path, way.host, token, a.Status, a.Body)
				}
			}
		}
	}
	for _, way := range ways {
		own := request{Method: "POST", Path: way.prefix + "/v1/events", Host: way.host, Token: tokenAcme, Body: event}
		if a := h.Send(own); a.Status != 202 {
			t.Errorf("%s at host %q with the right Token: %d %s", own.Path, own.Host, a.Status, a.Body)
		}
	}
}

// Only the admin token opens the installation's API, and it opens it under no tenant's name.
func TestAdminOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, route := range documented(t, "/v1") {
		method, path, _ := strings.Cut(route, " ")
		for _, token := range []string{"", "wrong", tokenAcme, tokenCI, tokenRival, tokenBot, tokenAdmin + "x", tokenAdmin[1:]} {
			a := h.Send(request{Method: method, Path: path, Token: token, Body: "{}"})
			h.wantProblem(a, 401, "unauthorized", "admin token")
			if a.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: headers %v", route, a.Header)
			}
		}
		for _, host := range []string{"acme.example", "rival.example"} {
			if slices.Contains(documented(t, "/t/"), route) {
				continue // there the same path is the tenant's
			}
			a := h.Send(request{Method: method, Path: path, Host: host, Token: tokenAdmin, Body: "{}"})
			h.wantProblem(a, 404, "not_found", "")
		}
		for _, scheme := range []string{"Basic ", "", "Bearer"} {
			a := h.Send(request{Method: method, Path: path, Body: "{}", Header: map[string]string{"Authorization": scheme + tokenAdmin}})
			h.wantProblem(a, 401, "unauthorized", "admin token")
		}
	}
	a := h.Send(request{Method: "GET", Path: "/v1", Header: map[string]string{"Authorization": "bEARER  " + tokenAdmin + " "}})
	if a.Status != 200 {
		t.Errorf("the name of the scheme is taken by its case: %d %s", a.Status, a.Body)
	}
	h.Want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":1}`)
	h.Want(h.admin("GET", "/v1/tenants/acme/apps", ""), 200, `{"items":[{"key":"ci","kind":"connect","tokens":1}]}`)
}
