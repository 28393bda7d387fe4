package jira_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
)

func TestCallbackURL(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	for _, tt := range []struct{ token, url, want string }{
		{tokenCI, "http://hooks.example/", "url: the URL is not https; plain http has to be allowed by the operator of this installation."},
		{tokenCI, "hooks.example", "url: the URL is not an absolute http(s) URL with a host."},
		{tokenCI, "ftp://hooks.example/", `url: the URL's scheme is "ftp"; use https.`},
		{tokenCI, "https://me:pw@hooks.example/", "url: the URL holds user information; remove it."},
		{tokenCI, "https://[::ffff:10.0.0.1]/", "url: the host ::ffff:10.0.0.1 is not a public address; use one, or have the operator of this installation allow its network."},
		{tokenCI, "https://0x0a000001/", "url: the host 0x0a000001 is a number; write IPv4 addresses as four decimal numbers with dots, without leading zeros."},
		{tokenCI, "https://hooks.example/#x", "url: the URL has a fragment; remove it."},
		{tokenCI, "https://hooks.example/a b", "url: the URL has a byte 0x20 at 23; percent-encode it, or write the host name in its ASCII form."},
		{tokenCI, "https://hooks.example/" + strings.Repeat("a", 2048), "url: the URL has 2070 bytes; at most 2048 are allowed."},
		{tokenBased, "https://app.example/bas", ""},
		{tokenBased, "https://app.example/based", ""},
		{tokenBased, "https://app.example/", ""},
		{tokenBased, "https://app.example/base/../evil", ""},
		{tokenBased, "https://app.example/base/%2e%2e/evil", ""},
		{tokenBased, "https://app.example/base/.%2E/evil", ""},
		{tokenBased, "https://app.example/base/..%2fevil", ""},
		{tokenBased, "https://app.example/base/x/..", ""},
		{tokenBased, "https://app.example.evil.example/base/", ""},
		{tokenBased, "https://evil.example/base/", ""},
		{tokenBased, "https://app.example:8443/base/", ""},
		{tokenBased, "https://app.example//base/", ""},
	} {
		want := tt.want
		if want == "" {
			want = "url: the URL is not under the app's base URL https://app.example/base/."
		}
		h.Want(h.do("POST", v3, tt.token, registration(tt.url, "project = A")), 400, `{"errorMessages":[`+quote(want)+`],"errors":{}}`)
	}
	for i, url := range []string{"https://app.example/base", "https://app.example/base/", "https://APP.example/base/x?y=../z", "https://app.example/base/..x"} {
		ids, errs := h.register(tokenBased, url, "project = A")
		if len(errs) > 0 {
			t.Errorf("%s is refused: %q", url, errs)
			continue
		}
		h.Want(h.do("DELETE", v3, tokenBased, fmt.Sprintf(`{"webhookIds":[%d]}`, ids[0])), 202, "")
		if ids[0] != int64(1000+i) {
			t.Errorf("the number is %d; want %d", ids[0], 1000+i)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	if _, errs := h.register(tokenCI, "http://hooks.example/", "project = A"); len(errs) > 0 {
		t.Errorf("http is refused where it is allowed: %q", errs)
	}
	h.Want(h.do("POST", v3, tokenBased, registration("http://app.example/base/", "project = A")), 400, "")
}

// A Connect app may have 100 webhooks, however many it asks for at once, and deleting makes room.
func TestConnectLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	filters := slices.Repeat([]string{"project = A"}, 102)
	filters[50] = "nonsense = 1"
	ids, errs := h.register(tokenCI, callback, filters...)
	want := []string{"The clause nonsense is unsupported", "Maximum of 100 webhooks is allowed per app"}
	if len(ids) != 100 || ids[99] != 1099 || !slices.Equal(errs, want) {
		t.Fatalf("%d webhooks, errors %q", len(ids), errs)
	}
	if _, errs := h.register(tokenChat, callback, "project = A"); len(errs) > 0 {
		t.Errorf("another app is held by the limit: %q", errs)
	}
	h.Want(h.do("DELETE", v3, tokenCI, `{"webhookIds":[1005,1006]}`), 202, "")
	ids, errs = h.register(tokenCI, callback, "project = A", "project = B", "project = C")
	if !slices.Equal(ids, []int64{1101, 1102}) || !slices.Equal(errs, want[1:]) {
		t.Errorf("after deleting two: %v, %q", ids, errs)
	}
}

// An OAuth app may have 5 webhooks for each user, who do not see each other's.
func TestOAuthLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	six := slices.Repeat([]string{"project = A"}, 6)
	ids, errs := h.register(tokenAnna, callback, six...)
	if len(ids) != 5 || !slices.Equal(errs, []string{"Maximum of 5 webhooks is allowed per app per user"}) {
		t.Errorf("%v, %q", ids, errs)
	}
	if ids, _ := h.register(tokenBert, "https://other.example/", six[:2]...); len(ids) != 2 {
		t.Errorf("the other user registered %v", ids)
	}
	if l := h.list(tokenBert, ""); !slices.Equal(l.ids(), []int64{1005, 1006}) {
		t.Errorf("the other user sees %v", l.ids())
	}
	h.Want(h.do("DELETE", v3, tokenBert, `{"webhookIds":[1000]}`), 202, "")
	if l := h.list(tokenAnna, ""); l.Total != 5 {
		t.Error("a user deleted the webhook of another")
	}
}

func TestOneURL(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	for token, per := range map[string]string{tokenCI: "app", tokenAnna: "user"} {
		ids, _ := h.register(token, callback, "project = A")
		_, errs := h.register(token, callback+"?b", "project = A", "x = 1")
		used := "Only a single URL per " + per + " is allowed to be registered via REST API. The currently used URL: " + callback
		if !slices.Equal(errs, []string{used, "The clause x is unsupported", used}) {
			t.Errorf("errors %q", errs)
		}
		h.Want(h.do("DELETE", v3, token, fmt.Sprintf(`{"webhookIds":[%d]}`, ids[0])), 202, "")
		if _, errs := h.register(token, callback+"?b", "project = A"); len(errs) > 0 {
			t.Errorf("the URL is still bound when no webhook uses it: %q", errs)
		}
	}
}

func TestManyURLs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{ManyURLs: true, ConnectLimit: 2, OAuthLimit: 1})
	h.register(tokenCI, callback, "project = A")
	if ids, errs := h.register(tokenCI, callback+"?b", "project = A", "project = A"); len(ids) != 1 || !slices.Equal(errs, []string{"Maximum of 2 webhooks is allowed per app"}) {
		t.Errorf("%v, %q", ids, errs)
	}
	if ids, errs := h.register(tokenAnna, callback, "project = A", "project = A"); len(ids) != 1 || !slices.Equal(errs, []string{"Maximum of 1 webhooks is allowed per app per user"}) {
		t.Errorf("%v, %q", ids, errs)
	}
}

// Webhooks that have expired do not count for the limit. They are listed, and refreshing them is possible.
func TestExpired(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{Life: time.Nanosecond, ConnectLimit: 2, ManyURLs: true})
	for i := range 3 {
		if _, errs := h.register(tokenCI, fmt.Sprintf("%s/%d", callback, i), "project = A"); len(errs) > 0 {
			t.Fatalf("registration %d: %q", i, errs)
		}
	}
	l := h.list(tokenCI, "")
	if l.Total != 3 {
		t.Fatalf("%d expired webhooks are listed; want 3", l.Total)
	}
	event := `{"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`
	if a := h.do("POST", "/t/acme/v1/events", tokenAcme, event); a.Status != 202 || !strings.Contains(a.Body, `"matched":0,"deliveries":0`) {
		t.Errorf("an expired webhook matches: %d %s", a.Status, a.Body)
	}
	for _, path := range []string{refresh, v2, v3, v2 + "/refresh"} {
		before := time.Now()
		var got struct {
			Expiration string `json:"expirationDate"`
		}
		h.Decode(h.do("PUT", path, tokenCI, `{"webhookIds":[1002,1000,77,1002]}`), 200, &got)
		if at := parseDate(t, got.Expiration); at.Before(before.Truncate(time.Millisecond)) {
			t.Errorf("%s: expires %v, refreshed after %v", path, at, before)
		}
		for i, v := range h.list(tokenCI, "").Values {
			want := got.Expiration
			if v.ID == 1001 { // it was not asked for
				want = l.Values[i].Expiration
			}
			if v.Expiration != want {
				t.Errorf("%s: webhook %d expires %s; want %s", path, v.ID, v.Expiration, want)
			}
		}
	}
}
