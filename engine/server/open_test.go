package server_test

import (
	"net"
	"testing"

	"hookline/engine/server"
)

// openAddresses are loopback addresses of this machine.
func openAddresses(t *testing.T) []string {
	t.Helper()
	addresses := []string{"127.0.0.1:0", "localhost:0"}
	if probe, err := net.Listen("tcp", "[::1]:0"); err == nil {
		addresses = append(addresses, "[::1]:0")
		if err := probe.Close(); err != nil {
			t.Error(err)
		}
	}
	return addresses
}

// newOpenHouse is a house without an admin token, with a tenant that has no token of its own beside the others.
func newOpenHouse(t *testing.T, address string) *house {
	t.Helper()
	h := newHouse(t, func(o *server.Options) { o.Listen, o.AdminToken = address, "" })
	a := h.send(request{method: "PUT", path: "/v1/tenants/open", body: `{"hosts":["open.example"]}`})
	h.want(a, 201, `{"id":"open","hosts":["open.example"],"tokens":0}`)
	return h
}

// On a loopback address no admin token is needed: the installation's API is open, and so is a tenant without tokens.
func TestWithoutAdminToken(t *testing.T) {
	t.Parallel()
	for _, address := range openAddresses(t) {
		h := newOpenHouse(t, address)
		h.want(h.send(request{method: "GET", path: "/v1"}), 200, `{"name":"hookline","version":"v1.2.3"}`)
		for _, r := range []request{
			{path: "/t/open/v1/events"}, {path: "/v1/events", host: "OPEN.example.:8080"}, {path: eventsPath, token: tokenAcme},
			{path: "/v1/events", host: "acme.example", token: tokenAcme},
			{path: "/t/open/v1/events", header: map[string]string{"Sec-Fetch-Site": "none"}},
			{path: "/t/open/v1/events", header: map[string]string{"Sec-Fetch-Site": "same-origin"}},
		} {
			r.method, r.body = "POST", event
			if a := h.send(r); a.status != 202 {
				t.Errorf("at %s %+v is answered %d %s", address, r, a.status, a.body)
			}
		}
	}
}

// What is open is so for programs of this machine that send no credentials: not for web pages in its browser, not
// for a token that is wrong, and not where the tenant has tokens of its own.
func TestWithoutAdminTokenRefusals(t *testing.T) {
	t.Parallel()
	h := newOpenHouse(t, "127.0.0.1:0")
	for name, r := range map[string]request{
		"another name":            {host: "evil.example"},
		"another name and port":   {host: "evil.example:8080"},
		"a page":                  {header: map[string]string{"Origin": "https://evil.example"}},
		"a page without origin":   {header: map[string]string{"Origin": "null"}},
		"a cross-site request":    {header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
		"a same-site request":     {header: map[string]string{"Sec-Fetch-Site": "same-site"}},
		"a token of nobody's":     {token: "no token of anyone's"},
		"an old admin token":      {token: tokenAdmin},
		"another tenant's token":  {token: tokenRival},
		"another way to say who":  {header: map[string]string{"Authorization": "Basic YTpi"}},
		"a token without a value": {header: map[string]string{"Authorization": "Bearer"}},
	} {
		for _, to := range []request{{method: "GET", path: "/v1/tenants"}, {method: "POST", path: "/t/open/v1/events", body: event}} {
			r.method, r.path, r.body = to.method, to.path, to.body
			if a := h.send(r); a.status != 401 {
				t.Errorf("%s: %s %s is answered %d %s", name, r.method, r.path, a.status, a.body)
			}
		}
	}
	h.wantProblem(h.send(request{method: "GET", path: "/v1", token: tokenAcme}), 401, "unauthorized", "no admin token")
	for _, token := range []string{"", tokenRival} {
		h.wantProblem(h.send(request{method: "POST", path: eventsPath, body: event, token: token}), 401, "unauthorized", "tenant acme")
		h.wantProblem(h.send(request{method: "POST", path: "/v1/events", host: "acme.example", body: event, token: token}), 401, "unauthorized", "tenant acme")
	}
}
