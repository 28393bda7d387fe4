package jira_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Secrets of apps that sign.
const (
	secretSigner = "the secret that acme shares with app signer"
	secretOld    = "the secret that acme shared with app signer before"
	secretRival  = "the secret that rival shares with app signer"
	secretMobile = "the client secret of app mobile"
)

// signers adds apps that sign: signer in both tenants, each with a secret of its own, and mobile, an OAuth app.
func (h *house) signers() {
	h.T.Helper()
	h.PutApp(webhook.App{Tenant: "acme", Key: "signer"}, secretSigner, secretOld)
	h.PutApp(webhook.App{Tenant: "rival", Key: "signer"}, secretRival)
	h.PutApp(webhook.App{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Tokens: []webhook.AppToken{
		flavortest.Token(tokenAnna, "anna"), flavortest.Token(tokenBert, "bert"),
	}}, secretMobile)
}

// jwt writes the Authorization of a request by a Connect app whose base URL ends with the base path.
func jwt(issuer, secret, method, target, basePath string, at time.Time) string {
	token, err := sign.Connect(sign.Claims{Issuer: issuer}, sign.Request{Method: method, URL: target, BasePath: basePath}, sign.NewSecret(secret), at)
	if err != nil {
		panic(err)
	}
	return "JWT " + token
}

// signed is the JWT of app signer in acme.
func signed(method, target string) string {
	return jwt("signer", secretSigner, method, target, "/t/acme", time.Now())
}

// A Connect app signs its requests, in any of the ways in which the same request can be spelt.
func TestConnectCaller(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	h.signers()
	now := time.Now()
	body := registration(callback, "project = A")
	for i, x := range []struct{ target, host, signed, base, secret, scheme string }{
		{v3, "", v3, "", secretSigner, "JWT"},
		{v3, "", v3, "/t/acme", secretSigner, "JWT"},
		{v3, "", v3, "/t/acme", secretOld, "jwt"},
		{v2 + "?a=b%20c&A=%C3%A9", "", v2 + "?A=%c3%a9&a=b+c", "/t/acme", secretSigner, "Jwt"},
		{"/rest/api/3/webhook", "acme.example", "/rest/api/3/webhook", "", secretSigner, "JWT"},
		{"/ex/jira/acme/rest/api/3/webhook", "", "/rest/api/3/webhook", "", secretSigner, "JWT"},
		{"/t/%61cme/rest/api/3/webhook", "", "/t/%61cme/rest/api/3/webhook", "", secretSigner, "JWT"},
	} {
		authorization := jwt("signer", x.secret, "POST", x.signed, x.base, now)
		authorization = x.scheme + strings.TrimPrefix(authorization, "JWT")
		for range 2 { // a token may be used again
			if a := h.call("POST", x.target, authorization, body, x.host); a.Status != 200 || !strings.Contains(a.Body, "createdWebhookId") {
				t.Errorf("%d: %s: %d %s", i, x.target, a.Status, a.Body)
			}
		}
	}
	if l := h.decodeList(h.call("GET", v3, signed("GET", v3), "", "")); l.Total != 14 {
		t.Errorf("%d webhooks; want all 14, as they are one owner's", l.Total)
	}
	if l := h.list(tokenCI, ""); l.Total != 0 {
		t.Error("another app sees them")
	}
}

func (h *house) decodeList(a answer) *listed {
	h.T.Helper()
	var l listed
	h.Decode(a, 200, &l)
	return &l
}

// What is wrong with a JWT is answered 401 on every operation, in Jira's form; who does not know the secret learns nothing
// from the words.
func TestConnectCallerRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{Patch: true})
	h.signers()
	now := time.Now()
	const unknown = "The JWT is not signed by a Connect app of this tenant."
	const unreadable = "The JWT cannot be read: three parts of base64url are expected, signed by HS256 and with an issuer."
	for _, op := range []struct{ method, path string }{
		{"POST", v2}, {"GET", v3}, {"DELETE", v2}, {"PUT", v3}, {"PUT", refresh}, {"GET", v3 + "/failed"}, {"PATCH", v3 + "/1000"},
		{"GET", "/t/acme/ex/jira/acme/rest/api/3/webhook"},
	} {
		good := jwt("signer", secretSigner, op.method, op.path, "", now)
		parts, other := strings.Split(good, "."), strings.Split(jwt("signer", secretSigner, "TRACE", op.path, "", now), ".")
		for name, x := range map[string]struct{ authorization, want string }{
			"wrong secret":      {jwt("signer", "a secret of nobody's", op.method, op.path, "", now), unknown},
			"other tenant's":    {jwt("signer", secretRival, op.method, op.path, "", now), unknown},
			"unknown app":       {jwt("nobody", secretSigner, op.method, op.path, "", now), unknown},
			"app without":       {jwt("ci", secretSigner, op.method, op.path, "", now), unknown},
			"OAuth app":         {jwt("mobile", secretMobile, op.method, op.path, "", now), unknown},
			"tampered":          {parts[0] + "." + parts[1] + "." + other[2], unknown},
			"expired":           {jwt("signer", secretSigner, op.method, op.path, "", now.Add(-time.Hour)), "The JWT has expired."},
			"of the future":     {jwt("signer", secretSigner, op.method, op.path, "", now.Add(time.Hour)), "The JWT is of the future."},
			"other method":      {jwt("signer", secretSigner, "OPTIONS", op.path, "", now), "The JWT is for another request"},
			"other path":        {jwt("signer", secretSigner, op.method, op.path+"/x", "", now), "The JWT is for another request"},
			"other query":       {jwt("signer", secretSigner, op.method, op.path+"?x=1", "", now), "The JWT is for another request"},
			"other base":        {jwt("signer", secretSigner, op.method, op.path, "/t", now), "The JWT is for another request"},
			"no qsh":            {"JWT " + bearer("signer", secretSigner), "The JWT is for another request"},
			"not a JWT":         {"JWT " + tokenCI, unreadable},
			"nothing":           {"JWT", unreadable},
			"no algorithm":      {"JWT eyJhbGciOiJub25lIn0." + parts[1] + ".", unreadable},
			"JWT as bearer":     {"Bearer " + strings.TrimPrefix(good, "JWT "), "The token is not known in this tenant."},
			"no scheme":         {strings.TrimPrefix(good, "JWT "), "Client must be authenticated"},
			"another scheme":    {"Basic " + strings.TrimPrefix(good, "JWT "), "Client must be authenticated"},
			"huge":              {"JWT " + strings.Repeat("a", 3000), unreadable},
			"the admin's token": {"JWT " + tokenAdmin, unreadable},
		} {
			a := h.call(op.method, op.path, x.authorization, "{}", "")
			if a.Status != 401 || !strings.HasPrefix(a.Body, `{"errorMessages":["`+x.want) || !strings.HasSuffix(a.Body, `"],"errors":{}}`) || a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s, %s: %d %s; want %q", op.method, op.path, name, a.Status, a.Body, x.want)
			}
		}
	}
	a := h.call("GET", "/t/rival/rest/api/3/webhook", signed("GET", "/t/rival/rest/api/3/webhook"), "", "")
	h.Want(a, 401, `{"errorMessages":["`+unknown+`"],"errors":{}}`)
	a = h.call("GET", v3+"?b=&a=%26", signed("GET", v3), "", "")
	h.Want(a, 401, `{"errorMessages":["The JWT is for another request: its qsh is not the hash of GET&/rest/api/3/webhook&a=%26&b="],"errors":{}}`)
}

func bearer(issuer, secret string) string {
	token, err := sign.Bearer(issuer, sign.NewSecret(secret), time.Now())
	if err != nil {
		panic(err)
	}
	return token
}

// A secret whose key is gone does not keep the others from opening; where none is left it is the server's failure, and
// not the client's.
func TestConnectSecretsLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	h.PutApp(webhook.App{Tenant: "acme", Key: "signer", Secrets: []string{"not sealed"}})
	a := h.call("GET", v3, signed("GET", v3), "", "")
	h.Want(a, 500, `{"errorMessages":["The app's secrets cannot be read."],"errors":{}}`)
	h.PutApp(webhook.App{Tenant: "acme", Key: "signer", Secrets: []string{"not sealed"}}, secretSigner)
	if a := h.call("GET", v3, signed("GET", v3), "", ""); a.Status != http.StatusOK {
		t.Errorf("the answer is %d %s", a.Status, a.Body)
	}
}

// The paths of Atlassian's gateway lead to the tenant whose id they name, and to no other.
func TestGateway(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	for _, version := range []string{"2", "3"} {
		path := "/ex/jira/acme/rest/api/" + version + "/webhook"
		for _, x := range []struct{ prefix, host string }{{"", ""}, {"/t/acme", ""}, {"", "acme.example"}} {
			h.Want(h.send("POST", x.prefix+path, tokenAnna, "{}", x.host), 400, `{"errorMessages":["url is missing."],"errors":{}}`)
			h.Want(h.send("PUT", x.prefix+path+"/refresh", tokenAnna, `{"webhookIds":[1]}`, x.host), 200, "")
			l := h.decodeList(h.send("GET", x.prefix+path, tokenAnna, "", x.host))
			name := x.host
			if name == "" {
				name = h.Server.Address()
			}
			if want := "http://" + name + x.prefix + path + "?startAt=0&maxResults=100"; l.Self != want {
				t.Errorf("self is %s; want %s", l.Self, want)
			}
		}
	}
	const rest = "/rest/api/3/webhook"
	for _, x := range []struct{ path, host, want string }{
		{"/ex/jira/nobody" + rest, "", `There is no tenant \"nobody\".`},
		{"/ex/jira/rival" + rest, "acme.example", `There is no tenant \"rival\".`},
		{"/t/acme/ex/jira/rival" + rest, "", `There is no tenant \"rival\".`},
		{"/t/nobody/ex/jira/acme" + rest, "", `There is no tenant \"nobody\".`},
		{"/t/acme/ex/jira/acme/rest/api/4/webhook", "", `There is nothing at /rest/api/4/webhook.`},
	} {
		h.Want(h.send("GET", x.path, tokenAnna, "", x.host), 404, `{"errorMessages":["`+x.want+`"],"errors":{}}`)
	}
	h.Want(h.send("GET", "/ex/jira/rival"+rest, tokenAnna, "", ""), 401, "")
	for _, path := range []string{"/ex/jira/acme/v1/events", "/ex/jira/acme/ex/jira/acme" + rest, "/ex/jira/acme", "/t/acme/ex/jira"} {
		if a := h.send("POST", path, tokenAcme, "{}", ""); a.Status != 404 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}
