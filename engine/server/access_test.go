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
				a := h.send(request{method: method, path: way.prefix + path, host: way.host, token: token, body: body[method]})
				if a.status != 401 {
					t.Errorf("%s %s%s at host %q with %q: %d %s; want 401", method, way.prefix, path, way.host, token, a.status, a.body)
				}
			}
		}
	}
	for _, way := range ways {
		own := request{method: "POST", path: way.prefix + "/v1/events", host: way.host, token: tokenAcme, body: event}
		if a := h.send(own); a.status != 202 {
			t.Errorf("%s at host %q with the right token: %d %s", own.path, own.host, a.status, a.body)
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
			a := h.send(request{method: method, path: path, token: token, body: "{}"})
			h.wantProblem(a, 401, "unauthorized", "admin token")
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: headers %v", route, a.header)
			}
		}
		for _, host := range []string{"acme.example", "rival.example"} {
			if slices.Contains(documented(t, "/t/"), route) {
				continue // there the same path is the tenant's
			}
			a := h.send(request{method: method, path: path, host: host, token: tokenAdmin, body: "{}"})
			h.wantProblem(a, 404, "not_found", "")
		}
		for _, scheme := range []string{"Basic ", "", "Bearer"} {
			a := h.send(request{method: method, path: path, body: "{}", header: map[string]string{"Authorization": scheme + tokenAdmin}})
			h.wantProblem(a, 401, "unauthorized", "admin token")
		}
	}
	a := h.send(request{method: "GET", path: "/v1", header: map[string]string{"Authorization": "bEARER  " + tokenAdmin + " "}})
	if a.status != 200 {
		t.Errorf("the name of the scheme is taken by its case: %d %s", a.status, a.body)
	}
	h.want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":1}`)
	h.want(h.admin("GET", "/v1/tenants/acme/apps", ""), 200, `{"apps":[{"key":"ci","kind":"connect","tokens":1}]}`)
}
