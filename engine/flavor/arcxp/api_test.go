package arcxp_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/webhook"
)

// with is the body of a registration with one member set, or left out where its value is "".
func with(name, value string) string {
	members := map[string]string{"endpoint": `"https://a.example/in"`, "authToken": `"t"`, "subscriber": `"s"`, name: value}
	var list []string
	for _, n := range slices.Sorted(maps.Keys(members)) {
		if members[n] != "" {
			list = append(list, fmt.Sprintf("%q:%s", n, members[n]))
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}

// Every bad body is refused in the API's form, for a registration and for a change alike, and changes nothing.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	kept := h.register("https://a.example/kept", "kept")
	long := strings.Repeat("x", 5000)
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint("X-", i)] = ""
	}
	manyText, _ := json.Marshal(many)
	for _, tt := range []struct{ body, part string }{
		{``, "malformed or incomplete"},
		{`{`, "malformed or incomplete"},
		{`{}{}`, "malformed"},
		{`null`, "a JSON object is expected"},
		{`[]`, "a JSON object is expected"},
		{`"x"`, "a JSON object is expected"},
		{"{\"subscriber\":\"\xff\"}", "malformed"},
		{strings.Repeat("[", 20000), "a JSON object is expected"},
		{`{"headers":` + strings.Repeat(`{"a":`, 20000), "malformed"},
		{with("endpoint", `7`), "endpoint must not be of type number"},
		{with("endpoint", `""`), "the URL is missing"},
		{with("endpoint", `"http://a.example/"`), "not https"},
		{with("endpoint", `"https://10.0.0.1./"`), "endpoint: the host 10.0.0.1 is not a public address; use one, or have the operator of this installation allow its network."},
		{with("endpoint", `"/in"`), "not an absolute"},
		{with("endpoint", `"ftp://a.example/"`), "scheme"},
		{with("endpoint", `"https://user:pass@a.example/"`), "user information"},
		{with("endpoint", `"https://a.example/#x"`), "fragment"},
		{with("endpoint", `"https://a.example/\r\nX: y"`), "percent-encode"},
		{with("endpoint", `"https://a.example:99999/"`), "port"},
		{with("endpoint", `"https://a.example/`+long+`"`), "2048"},
		{with("authToken", `true`), "authToken must not be of type true"},
		{with("authToken", `""`), "authToken is empty"},
		{with("authToken", `" \t "`), "authToken is empty"},
		{with("authToken", `"a\r\nX-Other: b"`), "authToken has a character"},
		{with("authToken", `"\u00fc"`), "authToken has a character"},
		{with("authToken", `"`+long+`"`), "4096"},
		{with("subscriber", `{}`), "subscriber must not be of type {"},
		{with("subscriber", `""`), "subscriber is empty"},
		{with("subscriber", `"`+long+`"`), "255"},
		{with("isEnabled", `"false"`), "isEnabled must not be of type string"},
		{with("isEnabled", `0`), "isEnabled must not be of type number"},
		{with("headers", `[]`), "headers must not be of type ["},
		{with("headers", `"A: b"`), "headers must not be of type string"},
		{with("headers", `{"A":1}`), "headers/A must not be of type number"},
		{with("headers", `{"A":null}`), "the value of A must be a string"},
		{with("headers", `{"A":["b"]}`), "headers/A must not be"},
		{with("headers", `{"A":"b\nC: d"}`), "the value of A has a character"},
		{with("headers", `{"A":"\u0000"}`), "the value of A has a character"},
		{with("headers", `{"A\r\nB":"c"}`), "a name that no header may have"},
		{with("headers", `{"A B":"c"}`), "a name that no header may have"},
		{with("headers", `{"A:":"c"}`), "a name that no header may have"},
		{with("headers", `{"":"c"}`), "a name that no header may have"},
		{with("headers", `{"\u00c4":"c"}`), "a name that no header may have"},
		{with("headers", `{"Host":"evil.example"}`), "headers: Host may not be set: it belongs to the connection"},
		{with("headers", `{"authorization":"Basic eA=="}`), "headers: authorization may not be set: it is made of authToken"},
		{with("headers", `{"X-Ok":"a","content-length":"1"}`), "headers: content-length may not be set: it describes the body that is sent"},
		{with("headers", `{"X-Hookline-Delivery":"mine"}`), "headers: X-Hookline-Delivery may not be set: the sender identifies"},
		{with("headers", `{"Webhook-Signature":"v1,x"}`), "headers: Webhook-Signature may not be set: the sender identifies"},
		{with("headers", `{"X-Forwarded-For":"10.0.0.1"}`), "headers: X-Forwarded-For may not be set: it tells which way"},
		{with("headers", `{"Metadata-Flavor":"Google"}`), "headers: Metadata-Flavor may not be set: it means something to cloud services"},
		{with("headers", `{"accept":"a","Accept":"b"}`), "names Accept twice"},
		{with("headers", `{"A":"`+long+`"}`), "4096"},
		{with("headers", `{"`+long+`":"a"}`), "4096"},
		{with("headers", string(manyText)), "at most 50"},
		{with("id", `7`), "no property id"},
		{with("Endpoint", `"https://b.example/"`), "no property Endpoint"},
		{with(long, `1`), "too long to repeat"},
		{`{"endpoint":"https://a.example/","endpoint":"https://b.example/","authToken":"t","subscriber":"s"}`, "endpoint is there twice"},
	} {
		h.wantFailure(h.do("POST", hooks, tt.body), 400, tt.part)
		h.wantFailure(h.do("PATCH", fmt.Sprint(hooks, "/", kept.ID), tt.body), 400, tt.part)
	}
	for _, name := range []string{"endpoint", "authToken", "subscriber"} {
		h.wantFailure(h.do("POST", hooks, with(name, "")), 400, name+" is missing")
		h.wantFailure(h.do("POST", hooks, with(name, "null")), 400, name+" is missing")
	}
	kept.Success = nil
	if got := h.list(); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(kept) {
		t.Errorf("the webhooks are %+v; want %+v alone", got, kept)
	}
}

// No other path than a webhook's own leads to it.
func TestPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	h.register("https://a.example/", "s")
	for _, id := range []string{"1", "0", "-1000", "+1000", "01000", "1000.0", "1e3", "1000%20", "%2e%2e", "x", "99999999999999999999", "1000%00"} {
		for _, method := range []string{"PATCH", "DELETE"} {
			h.wantFailure(h.do(method, hooks+"/"+id, `{"isEnabled":false}`), 404, "")
		}
	}
	for _, path := range []string{"/", "/1000/", "/1000/x"} {
		a := h.do("PATCH", hooks+path, `{"isEnabled":false}`)
		h.wantFailure(a, a.Status, "")
		if a.Status != 404 && a.Status != 405 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		h.wantFailure(h.do(method, hooks, `{}`), 405, "not possible")
	}
	if got := h.list(); len(got) != 1 || !got[0].IsEnabled {
		t.Errorf("the webhooks are %+v", got)
	}
}

// Every route refuses who is not of the organisation, and says in the API's form.
func TestCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	id := h.register("https://a.example/", "s").ID
	one := fmt.Sprint(hooks, "/", id)
	for _, r := range []struct{ method, path, body string }{
		{"POST", hooks, with("subscriber", `"other"`)}, {"GET", hooks, ""}, {"PATCH", one, `{"isEnabled":false}`}, {"DELETE", one, ""},
	} {
		for token, status := range map[string]int{"": 401, tokenRival: 403, tokenApp: 403, "a token of nobody": 403, tokenAcme + "x": 403} {
			h.wantFailure(h.as(token, r.method, r.path, "application/json", r.body), status, "token")
		}
	}
	// A number is that of a webhook in its own organisation only.
	rival := fmt.Sprint("/t/rival/migrations/v3/webhook/", id)
	h.wantFailure(h.as(tokenRival, "PATCH", rival, "", `{"isEnabled":false}`), 404, "no webhook")
	h.wantFailure(h.as(tokenRival, "DELETE", rival, "", ""), 404, "no webhook")
	h.Want(h.as(tokenRival, "GET", "/t/rival/migrations/v3/webhook", "", ""), 200, `{"hasMore":false,"webhooks":[]}`)
	if a := h.as(tokenRival, "POST", events, "application/json", document(1, "s", "Success")); a.Status != 401 {
		t.Errorf("another organisation's document is answered %d %s", a.Status, a.Body)
	}
	if got := h.list(); len(got) != 1 || !got[0].IsEnabled {
		t.Errorf("the webhooks are %+v", got)
	}
	h.Want(h.as(tokenAdmin, "PATCH", one, "", `{"isEnabled":false}`), 200, "")
	h.Want(h.as(tokenAdmin, "DELETE", one, "", ""), 200, `{"success":true}`)
}

// The name of a webhook and its place among five are each given to one of many requests at once.
func TestRegisterAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	count := func(n int, subscriber func(int) string) map[int]int {
		var mu sync.Mutex
		var all sync.WaitGroup
		statuses := map[int]int{}
		for i := range n {
			all.Go(func() {
				a := h.do("POST", hooks, with("subscriber", fmt.Sprintf("%q", subscriber(i))))
				mu.Lock()
				defer mu.Unlock()
				statuses[a.Status]++
			})
		}
		all.Wait()
		return statuses
	}
	if got := count(8, func(int) string { return "same" }); !maps.Equal(got, map[int]int{200: 1, 409: 7}) {
		t.Errorf("one name: statuses %v", got)
	}
	if got := count(8, func(i int) string { return fmt.Sprint(i) }); !maps.Equal(got, map[int]int{200: 4, 400: 4}) {
		t.Errorf("eight names: statuses %v", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{Limit: 1, Created: true})
	h.Want(h.do("POST", hooks, with("", "")), 201, "")
	h.Want(h.do("POST", hooks, with("subscriber", `"t"`)), 400,
		`{"success":false,"message":"Max items exceeded for entity 'Webhooks'. This entity has a limit of 1."}`)
}

// updateDate tells of the last change, createDate of the first.
func TestDates(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	made := h.register("https://a.example/", "s")
	before := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	changed := h.patch(made.ID, `{}`)
	if made.CreateDate != made.UpdateDate || changed.CreateDate != made.CreateDate || changed.UpdateDate < before {
		t.Errorf("made %+v, changed %+v, with a time of %s between", made, changed, before)
	}
	if made.Success == nil || !*made.Success || changed.Success != nil {
		t.Errorf("made %+v, changed %+v", made, changed)
	}
}

// A token comes back in no answer, and what is kept of it is not the token.
func TestTokenStaysSecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	const secret = "s3cret-of-the-webhook"
	made := h.do("POST", hooks, with("authToken", `"`+secret+`"`))
	answers := made.Body + h.do("GET", hooks, "").Body + h.do("PATCH", hooks+"/1000", `{"authToken":"`+secret+`2"}`).Body +
		h.do("POST", hooks, with("isEnabled", `"`+secret+`"`)).Body + h.do("POST", hooks, `{"authToken":"`+secret+`","authToken":"`+secret+`"}`).Body
	if strings.Contains(answers, secret) || strings.Contains(answers, "authToken\":") {
		t.Errorf("an answer has the token: %s", answers)
	}
	all, err := h.Engine.Registry().All("acme")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d webhooks, %v", len(all), err)
	}
	for _, w := range all {
		if w.Settings.Secret == "" || strings.Contains(w.Settings.Secret, secret) {
			t.Errorf("the token is kept as %q", w.Settings.Secret)
		}
		if _, err := h.Engine.Keys().Open(w.Settings.Secret, webhook.Owner{Tenant: "rival"}.SecretRecord()); err == nil {
			t.Error("another tenant opens the token")
		}
	}
}

// The limit of the installation holds beside that of the API.
func TestTenantLimit(t *testing.T) {
	t.Parallel()
	h := &house{flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{arcxp.New(arcxp.Options{})}, Engine: func(o *engine.Options) { o.Limits.Webhooks = 1 },
	})}
	h.Want(h.do("POST", hooks, with("", "")), 200, "")
	h.Want(h.do("POST", hooks, with("subscriber", `"t"`)), 400,
		`{"success":false,"message":"Max items exceeded for entity 'Organization'. This entity has a limit of 1 webhooks over all APIs, and would have 2."}`)
}
