package server_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"hookline/engine/server"
)

// credential writes the Authorization of a request to a path.
type credential struct {
	name string
	of   func(method, target string) string
}

func bearer(token string) func(string, string) string {
	return func(string, string) string { return "Bearer " + token }
}

func basic(password string) func(string, string) string {
	return func(string, string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password))
	}
}

// strangers are all kinds of credentials that are good for something, and nothing in acme.
var strangers = []credential{
	{"nobody", func(string, string) string { return "" }},
	{"a token of nobody's", bearer("a token that nobody has")},
	{"rival's token", bearer(tokenRival)},
	{"rival's token as a password", basic(tokenRival)},
	{"an app of rival's", bearer(tokenBot)},
	{"a user of rival's", bearer(tokenCarl)},
	{"a Connect app of rival's, of the same key", func(method, target string) string { return jwt("ci", secretRival, method, target) }},
	{"acme's app for another request", func(string, string) string { return jwt("ci", secretCI, "POST", "/elsewhere") }},
	{"acme's app without its secret", func(method, target string) string { return jwt("other", secretCI, method, target) }},
}

// insiders have rights in acme, and none to what its app ci and its user anna registered.
var insiders = []credential{
	{"acme's token", bearer(tokenAcme)},
	{"another app of acme's", bearer(tokenOther)},
	{"the administrator", bearer(tokenAdmin)},
}

// forApps are the parts of the APIs that show callers their own webhooks alone.
var forApps = []string{"/rest/api/", "/rest/atlassian-connect/"}

// watch checks that what an attacker is answered has nothing of acme's, and, at its end, that acme is as it was.
type watch struct {
	*victim
	before   string
	requests int
}

func (w *watch) try(c credential, r request, refused bool) {
	w.T.Helper()
	if c.of != nil {
		r.Authorization = c.of(r.Method, r.Path)
	}
	a := w.Send(r)
	w.requests++
	if strings.Contains(strings.ToLower(a.Body), marker) {
		w.T.Errorf("%s: %s %s is answered with something of acme's: %d %s", c.name, r.Method, r.Path, a.Status, a.Body)
	}
	if a.Status >= 500 || refused && (a.Status < 400 || a.Body == "") {
		w.T.Errorf("%s: %s %s with %s is answered %d %.400s", c.name, r.Method, r.Path, r.Body, a.Status, a.Body)
	}
}

func (w *watch) unchanged(what string) {
	w.T.Helper()
	before, after := strings.Split(w.before, "\n"), strings.Split(w.dump(), "\n")
	for i := range max(len(before), len(after)) {
		if i >= len(before) || i >= len(after) || before[i] != after[i] {
			w.T.Fatalf("%s has changed something of acme's\nfrom %q\nto   %q", what, before[min(i, len(before)):], after[min(i, len(after)):])
		}
	}
}

// oneByOne ends a test of very many requests, one after the other, where it is run with -short, which is under the race detector:
// of that TestEveryRouteOpens gives every route enough.
func oneByOne(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long under the race detector, where it is run with -short")
	}
}

// Nobody reads or writes anything of a tenant with credentials that are not for it, on any route there is. Routes are
// asked of the routers, so that one which is new is tried too.
func TestEveryRouteIsClosed(t *testing.T) {
	oneByOne(t)
	t.Parallel()
	v := newVictim(t)
	w := &watch{victim: v, before: v.dump()}
	tenants, installation := v.Server.Routes()
	for _, r := range tenants {
		for _, path := range v.paths(r) {
			for _, c := range strangers {
				for i, body := range attempts(r.Method) {
					w.try(c, request{Method: r.Method, Path: "/t/acme" + path, Body: body}, !open[r])
					if i > 0 { // the address does not depend on the body
						continue
					}
					w.try(c, request{Method: r.Method, Path: path, Host: "acme.example", Body: body}, !open[r])
					w.try(c, request{Method: r.Method, Path: "/t/rival/../acme" + path, Host: "rival.example", Body: body}, !open[r])
					if strings.HasPrefix(path, "/rest/") {
						w.try(c, request{Method: r.Method, Path: "/ex/jira/acme" + path, Body: body}, !open[r])
					}
				}
			}
		}
		w.unchanged(r.Method + " " + r.Path)
	}
	for _, r := range installation {
		for _, path := range v.paths(r) {
			for _, c := range slices.Concat(strangers, insiders[:2]) {
				for _, body := range attempts(r.Method) {
					w.try(c, request{Method: r.Method, Path: path, Body: body}, !open[r])
				}
			}
		}
		w.unchanged(r.Method + " " + r.Path)
	}
	t.Logf("%d requests", w.requests)
}

// open are the routes that are for everybody.
var open = map[server.Route]bool{{Method: "GET", Path: "/v1/openapi.json"}: true}

// What paths and bodies say of another tenant's webhooks means nothing in one's own; nor do rights in a tenant open what
// its apps have registered for themselves.
func TestNumbersOfOthersMeanNothing(t *testing.T) {
	oneByOne(t)
	t.Parallel()
	v := newVictim(t)
	w := &watch{victim: v, before: v.dump()}
	tenants, _ := v.Server.Routes()
	own := []credential{
		{"rival's token", bearer(tokenRival)}, {"an app of rival's", bearer(tokenBot)}, {"a user of rival's", bearer(tokenCarl)},
		{"a Connect app of rival's", func(method, target string) string { return jwt("ci", secretRival, method, target) }},
	}
	for _, r := range tenants {
		forApp := slices.ContainsFunc(forApps, func(base string) bool { return strings.HasPrefix(r.Path, base) })
		for _, path := range v.paths(r) {
			for _, body := range attempts(r.Method) {
				for _, c := range own {
					w.try(c, request{Method: r.Method, Path: "/t/rival" + path, Body: body}, false)
				}
				for _, c := range insiders {
					if forApp {
						w.try(c, request{Method: r.Method, Path: "/t/acme" + path, Body: body}, c.name != "another app of acme's")
					}
				}
			}
		}
		w.unchanged(r.Method + " " + r.Path)
	}
	t.Logf("%d requests", w.requests)
}

// The two tests above would show nothing if their requests were refused for being nonsense: with the right credentials
// every route carries out at least one of them.
func TestEveryRouteOpens(t *testing.T) {
	t.Parallel()
	tenants, installation := newVictim(t).Server.Routes()
	keys := []credential{
		{"its app", bearer(tokenCI)}, {"acme's token", bearer(tokenAcme)}, {"the administrator", bearer(tokenAdmin)},
		{"its app's JWT", func(method, target string) string { return jwt("ci", secretCI, method, target) }},
	}
	try := func(t *testing.T, r server.Route, prefix string) {
		t.Parallel()
		v := newVictim(t)
		var last answer
		for _, path := range v.paths(r) {
			for _, c := range keys {
				for _, body := range attempts(r.Method) {
					path := prefix + path
					last = v.Send(request{Method: r.Method, Path: path, Authorization: c.of(r.Method, path), Body: body})
					if last.Status < 300 || strings.Contains(last.Body, `"replay_ended"`) { // which nobody else is told
						return
					}
				}
			}
		}
		t.Errorf("nothing is carried out; the last answer is %d %s", last.Status, last.Body)
	}
	for _, r := range tenants {
		t.Run(r.Method+r.Path, func(t *testing.T) { try(t, r, "/t/acme") })
	}
	for _, r := range installation {
		t.Run(r.Method+r.Path, func(t *testing.T) { try(t, r, "") })
	}
}
