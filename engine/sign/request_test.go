package sign_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hookline/engine/sign"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ method, url, base, canonical, hash string }{
		{"POST", "/hook", "", "POST&/hook&", "7c68a95ae565874370690548bfbd92b2c63843300c89f8a8a6e959f64c9e5f95"},
		{"POST", "/hook/", "", "POST&/hook&", "7c68a95ae565874370690548bfbd92b2c63843300c89f8a8a6e959f64c9e5f95"},
		{"POST", "https://example.com", "", "POST&/&", "6dfb58321692d08d44565d1331846fc24e7dc08b33259d262f4eff79b21d8e05"},
		{"POST", "/a/b?z=1&a=x y&a=b&jwt=tok", "", "POST&/a/b&a=b,x%20y&z=1", "0407b8b15089ebd7a3586d4b7428d1af9f79518c4f9eb83a57ebb38aef6674bf"},
		{"POST", "/p%20q/r&s?user_id=admin&user_key=admin", "", "POST&/p%20q/r%26s&user_id=admin&user_key=admin", "ed623ecad15395a551882dfa385b1e34523feac972caa49ac20c2e65186049b4"},
		{"GET", "/x?k=%C3%A9*~!()%27", "", "GET&/x&k=%C3%A9%2A~%21%28%29%27", "4462eba32a80557635396d90d730567fe70df7932f8e39cf1015298550466e18"},
		{"POST", "/x?e=", "", "POST&/x&e=", "681f8cb2bbca89ac0a00d80463854e0b4d8e6859049af2144f7fd538c2a334e9"},
		{"POST", "/x?k", "", "POST&/x&k=", "0ec463de7742ea2aa63867cc6f1cfa801d83ba0bb1ed567742dde6dae3e9e849"},
		{"POST", "/x?a=1&A=2&b=3,4", "", "POST&/x&A=2&a=1&b=3%2C4", "65e6ab07fb20fe7174eeaa15be49350270a3e2a88c8819258affe49c9cf3a635"},

		// Values are sorted before they are encoded, as by atlassian-jwt 2.0.
		{"POST", "/x?k=%C3%A9&k=a", "", "POST&/x&k=a,%C3%A9", ""},
		{"POST", "/x?k=b&k=%20&k=-", "", "POST&/x&k=%20,-,b", ""},

		{"POST", "/jira/hook?x=1", "/jira", "POST&/hook&x=1", ""},
		{"POST", "https://app.example.com/jira/hook?x=1", "/jira", "POST&/hook&x=1", ""},
		{"POST", "/jira", "/jira", "POST&/&", ""},
		{"POST", "/jira/", "/jira", "POST&/&", ""},
		{"POST", "/jira/hook", "/jira/", "POST&/hook&", ""},
		{"POST", "/hook", "/", "POST&/hook&", ""},
		{"POST", "/hook", "/jira", "POST&/hook&", ""},
		{"POST", "/a/jira/hook", "/jira", "POST&/a/jira/hook&", ""},

		{"post", "/x", "", "POST&/x&", ""},
		{"POST", "", "", "POST&/&", ""},
		{"POST", "?a=1", "", "POST&/&a=1", ""},
		{"POST", "hook", "", "POST&/hook&", ""},
		{"POST", "/a//", "", "POST&/a/&", ""},
		{"POST", "//", "", "POST&/&", ""},
		{"POST", "https://h.example/?u=http://x/y", "", "POST&/&u=http%3A%2F%2Fx%2Fy", ""},
		{"POST", "/u/http://x", "", "POST&/u/http://x&", ""},
		{"POST", "https://[2001:db8::1]:1/%2e/?a/b", "", "POST&/%2e&a%2Fb=", ""},
		// Code points, where JavaScript would compare halves of surrogate pairs.
		{"POST", "/x?%F0%9F%98%80=1&%EF%BF%BD=2", "", "POST&/x&%EF%BF%BD=2&%F0%9F%98%80=1", ""},
	} {
		r := sign.Request{Method: c.method, URL: c.url, BasePath: c.base}
		if got := r.Canonical(); got != c.canonical {
			t.Errorf("%s %s below %q: %s, want %s", c.method, c.url, c.base, got, c.canonical)
		}
		if got := r.Hash(); c.hash != "" && got != c.hash {
			t.Errorf("%s %s: hash %s, want %s", c.method, c.url, got, c.hash)
		}
	}
}

// TestAtlassianJWT compares with what the npm package makes of the same requests: testdata/atlassian-jwt.
func TestAtlassianJWT(t *testing.T) {
	data, err := os.ReadFile("testdata/atlassian-jwt/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct{ Method, URL, BasePath, Canonical, QSH, Token string }
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	secret, issued := sign.NewSecret("It's a Secret to Everybody"), time.Unix(1700000000, 0)
	tokens := 0
	for _, g := range golden {
		r := sign.Request{Method: g.Method, URL: g.URL, BasePath: g.BasePath}
		if got := r.Canonical(); got != g.Canonical {
			t.Errorf("%s below %q: %s, want %s", g.URL, g.BasePath, got, g.Canonical)
		}
		if g.Token == "" {
			continue
		}
		tokens++
		if got := r.Hash(); got != g.QSH {
			t.Errorf("%s: hash %s, want %s", g.URL, got, g.QSH)
		}
		token, err := sign.Connect(sign.Claims{Issuer: "client-key"}, r, secret, issued)
		if err != nil || token != g.Token {
			t.Errorf("%s: token %s, %v, want %s", g.URL, token, err, g.Token)
		}
		if _, err := verify(g.Token, r, issued, secret); err != nil {
			t.Errorf("%s: %v", g.URL, err)
		}
	}
	if len(golden) < 200 || tokens == 0 {
		t.Errorf("%d requests and %d tokens are too few", len(golden), tokens)
	}
}

// FuzzCanonical checks that any text has a canonical request of the promised form, that the order of parameters
// does not matter, and that the canonical request's own path and query lead to it again.
func FuzzCanonical(f *testing.F) {
	for _, url := range []string{
		"https://h.example/a/b?z=1&a=x y&a=b&jwt=tok", "/jira/hook?x=1", "", "?", "#", "//", "/&?&", "://", "a://b?c=%", "/x?%", "/x?=%f",
		"/x?a=%C3%A9&%zz=\xff&%ff", "/?a=,&a=%2C&a", "/x?%6awt=1&JWT=2", "\x00?\x00=+",
	} {
		f.Add(url, "/jira", uint64(1))
	}
	f.Fuzz(func(t *testing.T, url, base string, seed uint64) {
		got := sign.Request{Method: "POST", URL: url, BasePath: base}.Canonical()
		parts := strings.Split(got, "&")
		if len(parts) < 3 || parts[0] != "POST" || !strings.HasPrefix(parts[1], "/") {
			t.Fatalf("%q: not METHOD&path&query", got)
		}
		query := strings.Join(parts[2:], "&")
		if !utf8.ValidString(query) || strings.Trim(query, unreserved+"%&=,") != "" {
			t.Fatalf("%q: the query has characters that are not encoded", got)
		}

		before, raw, _ := strings.Cut(url, "?")
		raw, fragment, _ := strings.Cut(raw, "#")
		fields := strings.Split(raw, "&")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		shuffled := before + "?" + strings.Join(fields, "&") + "#" + fragment
		if again := (sign.Request{Method: "POST", URL: shuffled, BasePath: base}).Canonical(); again != got {
			t.Fatalf("%q with other order of parameters: %q, want %q", shuffled, again, got)
		}

		// A comma between values is written as such, and would be read as part of a value.
		if strings.Contains(query, ",") {
			return
		}
		if _, again, _ := strings.Cut(sign.Request{URL: "/?" + query}.Canonical()[1:], "&"); again != query {
			t.Fatalf("query %q read again: %q", query, again)
		}
	})
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
