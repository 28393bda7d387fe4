package migration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/migration"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

func TestSet(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	get := func(want ...string) {
		t.Helper()
		h.Want(h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, ""), 200, set(want...))
	}
	put := func(body string, want ...string) {
		t.Helper()
		h.Want(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, body), 200, set(want...))
		get(want...)
	}
	const a, b, c = "https://a.example/hook?q=1&r=%20", "https://b.example", "https://mover.example/base/c"
	get()
	put(set())
	put(set(c, a, b), c, a, b)
	put(set(c, a, b), c, a, b)
	put(set(b, a, b, a), b, a)
	put(set(a, c, b), a, c, b)
	put(`{"more":{"endpoints":1},"endpoints":["`+c+`"],"ENDPOINTS":7}`, c)
	put(" {\"endpoints\":\n[\"https:\\/\\/a.example\\u002Fhook\"] } ", "https://a.example/hook")
	h.Want(h.do("GET", "/t/acme"+hook, "Bearer "+tokenOther, ""), 200, set())
	h.Want(h.do("GET", "/t/rival"+hook, "Bearer "+tokenMoverR, ""), 200, set())
	if header := h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, "").Header.Get("Content-Type"); header != "application/json;charset=UTF-8" {
		t.Errorf("Content-Type is %s", header)
	}
	put(set())
}

// What is wrong with a body is said, and nothing is changed by it.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	const kept = "https://kept.example/"
	h.register(kept)
	many := []string{}
	for i := range 21 {
		many = append(many, fmt.Sprintf("https://h.example/%d", i))
	}
	const array = "endpoints must be an array of absolute URLs"
	for _, tt := range []struct{ body, want string }{
		{``, array}, {`{`, array}, {`null`, array}, {`[]`, array}, {`7`, array}, {`"x"`, array}, {`["https://a.example"]`, array},
		{`{}`, array}, {`{"endpoints":null}`, array}, {`{"endpoints":{}}`, array}, {`{"endpoints":"https://a.example"}`, array}, {`{"endpoints":1}`, array},
		{`{"Endpoints":[]}`, array}, {`{"endpoints":[]} x`, array}, {`{"endpoints":[]}{}`, array}, {`{"endpoints":[],"endpoints":[]}`, array},
		{"{\"endpoints\":[\"https://a.example/\xff\"]}", array}, {`{"endpoints":[],}`, array}, {strings.Repeat("[", 100_000), array},
		{`{"endpoints":[null]}`, "endpoints[0] is not a string"}, {`{"endpoints":["https://a.example",1]}`, "endpoints[1] is not a string"},
		{`{"endpoints":[["https://a.example"]]}`, "endpoints[0] is not a string"}, {`{"endpoints":[{"url":"https://a.example"}]}`, "endpoints[0] is not a string"},
		{set(""), "endpoints[0]: the URL is missing"}, {set("https://a.example", "a.example/hook"), "endpoints[1]: the URL is not an absolute"},
		{set("/hook"), "endpoints[0]: the URL is not an absolute"}, {set("//a.example/hook"), "endpoints[0]: the URL is not an absolute"},
		{set("https://a.example/", "https://169.254.169.254/"), "endpoints[1]: the host 169.254.169.254 is not a public address; use one, or have the operator of this installation allow its network"},
		{set("http://a.example/"), "endpoints[0]: the URL is not https"}, {set("ftp://a.example/"), `endpoints[0]: the URL's scheme is "ftp"`},
		{set("javascript:alert(1)"), "endpoints[0]: the URL is not an absolute"}, {set("https://me:pw@a.example/"), "endpoints[0]: the URL holds user information"},
		{set("https://a.example/#x"), "endpoints[0]: the URL has a fragment"}, {set("https://a.example/#"), "endpoints[0]: the URL has a fragment"},
		{set("https://a.example/\r\nX: y"), "endpoints[0]: the URL has a byte 0x0d"}, {set("https://ü.example/"), "endpoints[0]: the URL has a byte 0xc3"},
		{set("https://a.example:0/"), "endpoints[0]: the URL's port is 0"}, {set("https://a.example:99999/"), "endpoints[0]: the URL's port is 99999"},
		{set("https://a.example/" + strings.Repeat("a", 2048-18+1)), "endpoints[0]: the URL has 2049 bytes; at most 2048"},
		{set(many...), "endpoints has 21 different URLs; at most 20 are allowed"},
		{`{"endpoints":[` + strings.Repeat(`"https://a.example",`, 30_000) + `""]}`, "endpoints[30000]: the URL is missing"},
	} {
		h.wantError(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, tt.body), 400, tt.want)
	}
	h.Want(h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, ""), 200, set(kept))
	h.register("https://a.example/" + strings.Repeat("a", 2048-18))
	h.register(many[:20]...)
	lots := append(many[:20:20], many[:20]...)
	h.Want(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, set(lots...)), 200, set(many[:20]...))
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	h.register("https://kept.example/")
	const target = "/t/acme" + hook
	other := sign.Request{Method: "GET", URL: hook}
	now := time.Now()
	hs := jwt("mover", secretMover, "GET", hook)
	for _, tt := range []struct {
		name, credentials string
		status            int
		want              string
	}{
		{"none", "", 401, "Authentication is required"},
		{"an empty JWT", "JWT ", 401, "The JWT cannot be read"},
		{"an unknown scheme", "Basic bW92ZXI6c2VjcmV0", 401, "Authentication is required"},
		{"no JWT", "JWT nonsense", 401, "cannot be read"},
		{"a huge JWT", "JWT " + strings.Repeat("a", 3000), 401, "cannot be read"},
		{"a JWT as a bearer token", "Bearer " + hs[4:], 401, "not known"},
		{"a token of the app as a JWT", "JWT " + tokenMover, 401, "cannot be read"},
		{"alg none", "JWT eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJpc3MiOiJtb3ZlciJ9.", 401, "cannot be read"},
		{"one byte changed", hs[:len(hs)-2] + "x" + hs[len(hs)-1:], 401, ""},
		{"another secret", jwt("mover", "a guess", "GET", hook), 401, "not signed by a Connect app"},
		{"an unknown app", jwt("nobody", secretMover, "GET", hook), 401, "not signed by a Connect app"},
		{"an app without a secret", jwt("bare", secretMover, "GET", hook), 401, "not signed by a Connect app"},
		{"the client key as the issuer", jwt(clientKey, secretMover, "GET", hook), 401, "not signed by a Connect app"},
		{"the app of that key in another tenant", jwt("mover", secretMoverR, "GET", hook), 401, "not signed by a Connect app"},
		{"expired", jwtAt(now.Add(-sign.Lifetime-2*sign.Skew), "mover", secretMover, other), 401, "expired"},
		{"of the future", jwtAt(now.Add(2*sign.Skew+time.Minute), "mover", secretMover, other), 401, "future"},
		{"for another method", jwt("mover", secretMover, "PUT", hook), 401, "not the hash of GET&" + hook + "&"},
		{"for another path", jwt("mover", secretMover, "GET", hook+"s"), 401, "not the hash of GET&" + hook + "&"},
		{"for another query", jwt("mover", secretMover, "GET", hook+"?a=1"), 401, "not the hash of"},
		{"for another tenant's address", jwt("mover", secretMover, "GET", "/t/rival"+hook), 401, "not the hash of"},
		{"a token of an OAuth app", "Bearer " + tokenMobile, 403, "Only Connect apps"},
		{"a JWT of an OAuth app", jwt("mobile", secretMobile, "GET", hook), 401, "not signed by a Connect app"},
		{"the tenant's token", "Bearer " + tokenAcme, 403, "Only Connect apps"},
		{"the admin's token", "Bearer " + tokenAdmin, 403, "Only Connect apps"},
		{"another tenant's token", "Bearer " + tokenRival, 401, "not known"},
		{"a token of an app of another tenant", "Bearer " + tokenMoverR, 401, "not known"},
		{"an unknown token", "Bearer nobody's", 401, "not known"},
	} {
		a := h.do("GET", target, tt.credentials, "")
		if h.wantError(a, tt.status, tt.want); t.Failed() {
			t.Fatalf("credentials: %s", tt.name)
		}
		if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (tt.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q", tt.name, challenge)
		}
		if tt.name == "for another method" { // it is good for a PUT
			continue
		}
		if a := h.do("PUT", target, tt.credentials, set("https://evil.example/")); a.Status != 401 && a.Status != 403 {
			t.Errorf("%s: a PUT is answered %d %s", tt.name, a.Status, a.Body)
		}
	}
	for name, credentials := range map[string]string{
		"below the tenant": jwt("mover", secretMover, "GET", hook), "as sent": jwt("mover", secretMover, "GET", target),
		"the secret of before": jwt("mover", oldMover, "GET", hook), "lower case": "jwt" + hs[3:], "the app's token": "Bearer " + tokenMover,
		"within the skew": jwtAt(now.Add(-sign.Lifetime), "mover", secretMover, other),
	} {
		if a := h.do("GET", target, credentials, ""); a.Status != 200 || a.Body != set("https://kept.example/") {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	query := "?b=x%20y&a=%26&jwt=ignored"
	h.Want(h.do("GET", target+query, jwt("mover", secretMover, "GET", hook+query), ""), 200, "")
	h.Want(h.send("GET", hook, jwt("mover", secretMover, "GET", hook), "", "acme.example"), 200, set("https://kept.example/"))
}

// An app whose deliveries could not be signed is told before it relies on them. It may ask and delete all the same.
func TestUnsignable(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	put := func(body string) answer { return h.do("PUT", "/t/acme"+hook, "Bearer "+tokenBare, body) }
	h.wantError(put(set("https://a.example/")), 400, "the app has no shared secret; the operator")
	h.Want(put(set()), 200, set())
	h.Want(h.do("GET", "/t/acme"+hook, "Bearer "+tokenBare, ""), 200, set())
	h.Want(h.do("PUT", "/v1/tenants/acme/apps/bare", "Bearer "+tokenAdmin, `{"secrets":["a secret of some length"]}`), 200, "")
	h.wantError(put(set("https://a.example/")), 400, "the app has no issuer (the client key of the tenant)")
	h.Want(h.do("PUT", "/v1/tenants/acme/apps/bare", "Bearer "+tokenAdmin, `{"issuer":"a key"}`), 200, "")
	h.Want(put(set("https://a.example/")), 200, set("https://a.example/"))
}

// Requests that come to no route of the API are answered in the form that its clients read.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	h := newHouse(t, migration.Options{})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"DELETE", hook, 405}, {"POST", hook, 405}, {"PATCH", hook, 405}, {"GET", hook + "/", 404}, {"GET", hook + "/1", 404}, {"GET", hook + "s", 404},
		{"GET", "/rest/atlassian-connect/1//migration/webhooks", 404}, {"GET", "/rest/atlassian-connect/2/migration/webhook", 404},
		{"PUT", "/rest/atlassian-connect/1/migration/%77ebhook%2f", 404}, {"PUT", "/rest/atlassian-connect/1/migration/webhook/../webhooks", 404},
	} {
		h.wantError(h.do(tt.method, "/t/acme"+tt.path, "Bearer "+tokenMover, set()), tt.status, "")
	}
	h.wantError(h.do("PUT", "/t/nobody"+hook, "Bearer "+tokenMover, set()), 404, "no tenant")
	// Addresses that lead to the API by a detour lead to its credentials, too.
	for _, path := range []string{"/t/rival/../acme" + hook, "/t/acme/../rival" + hook, "/%74/rival" + hook} {
		if a := h.do("GET", path, "Bearer "+tokenRival, ""); a.Status < 400 || a.Status >= 500 {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}

// FuzzPut sends arbitrary bodies: the answer is the set, or what is wrong in the system's form.
func FuzzPut(f *testing.F) {
	for _, body := range []string{
		set(), set("https://a.example/", "https://b.example/?x=y"), set("http://h"), `{"endpoints":[null,1,"x",[],{}]}`, `{"endpoints":{}}`,
		``, `{`, `null`, `[]`, `{}{}`, "{\"endpoints\":[\"\xff\"]}", `{"endpoints":[],"endpoints":[]}`, `{"endpoints":["https://[::1]:80/%zz"]}`,
	} {
		f.Add(body)
	}
	h := newHouse(f, migration.Options{})
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		before := h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, "")
		a := h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, body)
		after := h.do("GET", "/t/acme"+hook, "Bearer "+tokenMover, "")
		switch {
		case a.Status == 200 && a.Body == after.Body:
		case a.Status == 400 && before.Body == after.Body:
			h.wantError(a, 400, "")
		default:
			t.Fatalf("the answer is %d %s; before it was %s, and then %s", a.Status, a.Body, before.Body, after.Body)
		}
	})
}

// The limit of the installation holds beside that of the API.
func TestTenantLimit(t *testing.T) {
	t.Parallel()
	h := &house{flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{migration.New(migration.Options{})}, Engine: func(o *engine.Options) { o.Limits.Webhooks = 1 },
	})}
	h.PutApp(webhook.App{Tenant: "acme", Key: "mover", Issuer: clientKey, Tokens: token(tokenMover, "")}, secretMover)
	h.wantError(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, set("https://a.example/", "https://b.example/")), 400,
		"the tenant would have 2 webhooks over all interfaces, and 1 are allowed")
	h.Want(h.do("PUT", "/t/acme"+hook, "Bearer "+tokenMover, set("https://a.example/")), 200, "")
}
