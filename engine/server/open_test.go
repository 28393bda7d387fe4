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
	a := h.Send(request{Method: "PUT", Path: "/v1/tenants/open", Body: `{"hosts":["open.example"]}`})
	h.Want(a, 201, `{"id":"open","hosts":["open.example"],"tokens":0}`)
	return h
}

// On a loopback address no admin token is needed: the installation's API is open, and so is a tenant without tokens.
func TestWithoutAdminToken(t *testing.T) {
	t.Parallel()
	for _, address := range openAddresses(t) {
		h := newOpenHouse(t, address)
		h.Want(h.Send(request{Method: "GET", Path: "/v1"}), 200, `{"name":"hookline","version":"v1.2.3"}`)
		for _, r := range []request{
			{Path: "/t/open/v1/events"}, {Path: "/v1/events", Host: "OPEN.example.:8080"}, {Path: eventsPath, Token: tokenAcme},
			{Path: "/v1/events", Host: "acme.example", Token: tokenAcme},
			{Path: "/t/open/v1/events", Header: map[string]string{"Sec-Fetch-Site": "none"}},
			{Path: "/t/open/v1/events", Header: map[string]string{"Sec-Fetch-Site": "same-origin"}},
		} {
			r.Method, r.Body = "POST", event
			if a := h.Send(r); a.Status != 202 {
				t.Errorf("at %s %+v is answered %d %s", address, r, a.Status, a.Body)
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
		"another name":            {Host: "evil.example"},
		"another name and port":   {Host: "evil.example:8080"},
		"a page":                  {Header: map[string]string{"Origin": "https://evil.example"}},
		"a page without origin":   {Header: map[string]string{"Origin": "null"}},
		"a cross-site request":    {Header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
		"a same-site request":     {Header: map[string]string{"Sec-Fetch-Site": "same-site"}},
		"a token of nobody's":     {Token: "no token of anyone's"},
		"an old admin token":      {Token: tokenAdmin},
		"another tenant's token":  {Token: tokenRival},
		"another way to say who":  {Header: map[string]string{"Authorization": "Basic YTpi"}},
		"a token without a value": {Header: map[string]string{"Authorization": "Bearer"}},
	} {
		for _, to := range []request{{Method: "GET", Path: "/v1/tenants"}, {Method: "POST", Path: "/t/open/v1/events", Body: event}} {
			r.Method, r.Path, r.Body = to.Method, to.Path, to.Body
			if a := h.Send(r); a.Status != 401 {
				t.Errorf("%s: %s %s is answered %d %s", name, r.Method, r.Path, a.Status, a.Body)
			}
		}
	}
	h.wantProblem(h.Send(request{Method: "GET", Path: "/v1", Token: tokenAcme}), 401, "unauthorized", "no admin token")
	for _, token := range []string{"", tokenRival} {
		h.wantProblem(h.Send(request{Method: "POST", Path: eventsPath, Body: event, Token: token}), 401, "unauthorized", "tenant acme")
		h.wantProblem(h.Send(request{Method: "POST", Path: "/v1/events", Host: "acme.example", Body: event, Token: token}), 401, "unauthorized", "tenant acme")
	}
}
