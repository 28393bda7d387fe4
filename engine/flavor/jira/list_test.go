package jira_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
)

// parseDate reads a date in the one form that Jira's clients know.
func parseDate(t *testing.T, s string) time.Time {
	t.Helper()
	const form = "2006-01-02T15:04:05.000+0000"
	at, err := time.Parse(form, s)
	if err != nil || at.UTC().Format(form) != s {
		t.Fatalf("date %q: %v", s, err)
	}
	return at.UTC()
}

func TestListPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{ConnectLimit: 300})
	h.Want(h.do("GET", v2, tokenCI, ""), 200, fmt.Sprintf(
		`{"self":"http://%s%s?startAt=0&maxResults=100","maxResults":100,"startAt":0,"total":0,"isLast":true,"values":[]}`, h.Server.Address(), v2))
	h.register(tokenCI, callback, slices.Repeat([]string{"project = A"}, 150)...)
	h.register(tokenChat, callback, "project = A")
	tests := []struct {
		query                  string
		first, count, max, at0 int
		last                   bool
	}{
		{"", 1000, 100, 100, 0, false},
		{"?startAt=0&maxResults=100", 1000, 100, 100, 0, false},
		{"?maxResults=1000", 1000, 100, 100, 0, false},
		{"?startAt=100", 1100, 50, 100, 100, true},
		{"?startAt=50&maxResults=100", 1050, 100, 100, 50, true},
		{"?startAt=49&maxResults=100", 1049, 100, 100, 49, false},
		{"?startAt=149", 1149, 1, 100, 149, true},
		{"?startAt=150", 0, 0, 100, 150, true},
		{"?startAt=9999&maxResults=3", 0, 0, 3, 9999, true},
		{fmt.Sprintf("?startAt=%d", math.MaxInt), 0, 0, 100, math.MaxInt, true},
		{"?startAt=7&maxResults=2", 1007, 2, 2, 7, false},
		{"?maxResults=0", 0, 0, 0, 0, false},
		{"?startAt=&maxResults=", 1000, 100, 100, 0, false},
		{"?other=1", 1000, 100, 100, 0, false},
	}
	for _, tt := range tests {
		l := h.list(tokenCI, tt.query)
		ids := l.ids()
		if len(ids) != tt.count || tt.count > 0 && ids[0] != int64(tt.first) || !slices.IsSorted(ids) {
			t.Errorf("%q: %d webhooks %v", tt.query, len(ids), ids)
		}
		if l.Total != 150 || l.MaxResults != tt.max || l.StartAt != tt.at0 || l.IsLast != tt.last {
			t.Errorf("%q: total %d, maxResults %d, startAt %d, isLast %v", tt.query, l.Total, l.MaxResults, l.StartAt, l.IsLast)
		}
		if (l.NextPage == "") != (tt.last || tt.max == 0) {
			t.Errorf("%q: nextPage %q", tt.query, l.NextPage)
		}
	}
	for _, query := range []string{"?startAt=-1", "?maxResults=-1", "?startAt=x", "?maxResults=1.5", "?startAt=99999999999999999999"} {
		if a := h.do("GET", v3+query, tokenCI, ""); a.Status != 400 {
			t.Errorf("%s: %d %s", query, a.Status, a.Body)
		}
	}
}

// A client that follows nextPage as it is sees every webhook once, whatever name it calls the tenant by.
func TestListFollowsPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	want, _ := h.register(tokenCI, callback, slices.Repeat([]string{"project = A"}, 23)...)
	for name, start := range map[string]struct{ path, host string }{
		"prefix": {path: v3}, "host": {path: "/rest/api/2/webhook", host: "acme.example"},
		"host with port": {path: "/rest/api/3/webhook", host: "ACME.example:8080"},
		"both":           {path: v2, host: "acme.example"},
	} {
		var got []int64
		pages := 0
		for next := h.URL() + start.path + "?maxResults=10"; next != ""; pages++ {
			if start.host != "" {
				next = h.dial(next, start.host)
			}
			var l listed
			h.Decode(h.send("GET", next, tokenCI, "", start.host), 200, &l)
			got = append(got, l.ids()...)
			if self := h.send("GET", h.dial(l.Self, start.host), tokenCI, "", start.host); self.Status != 200 {
				t.Errorf("by %s: self is %s", name, l.Self)
			}
			next = l.NextPage
		}
		if pages != 3 || !slices.Equal(got, want) {
			t.Errorf("by %s: %d pages, %v", name, pages, got)
		}
	}
	a := h.send("GET", "/rest/api/3/webhook", tokenCI, "", "nobody.example")
	if a.Status != 404 {
		t.Errorf("a host that nobody has is answered %d %s", a.Status, a.Body)
	}
}

// dial replaces the host in a URL that the server made by the server's address, as a name server would.
func (h *house) dial(url, host string) string {
	h.T.Helper()
	if host == "" {
		return url
	}
	for _, name := range []string{host, h.Server.Address()} {
		if rest, ok := cutAfter(url, "http://"+name); ok {
			return h.URL() + rest
		}
	}
	h.T.Fatalf("%s does not lead to the host %s that was called", url, host)
	return ""
}

func cutAfter(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

func TestListValues(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	before := time.Now().Truncate(time.Millisecond)
	h.do("POST", v3, tokenCI, `{"url":"`+callback+`","webhooks":[
		{"jqlFilter":"project = \"<A&B>\"","events":["jira:issue_updated","comment_created"],"fieldIdsFilter":["summary","customfield_10029"]},
		{"jqlFilter":"project = A","events":["issue_property_set"],"issuePropertyKeysFilter":["my-key"]},
		{"jqlFilter":"project = A","events":["jira:issue_updated"],"fieldIdsFilter":[],"issuePropertyKeysFilter":null}]}`)
	l := h.list(tokenCI, "")
	if l.Total != 3 {
		t.Fatalf("%d webhooks", l.Total)
	}
	for _, v := range l.Values {
		at := parseDate(t, v.Expiration)
		if life := 30 * 24 * time.Hour; at.Before(before.Add(life)) || at.After(time.Now().Add(life)) {
			t.Errorf("webhook %d expires %v", v.ID, at)
		}
	}
	date := l.Values[0].Expiration
	self := h.URL() + v3 + "?startAt=0&maxResults=100"
	h.Want(h.do("GET", v3, tokenCI, ""), 200, `{"self":"`+self+`","maxResults":100,"startAt":0,"total":3,"isLast":true,"values":[`+
		`{"id":1000,"jqlFilter":"project = \"<A&B>\"","fieldIdsFilter":["summary","customfield_10029"],"events":["jira:issue_updated","comment_created"],"expirationDate":"`+date+`","url":"`+callback+`"},`+
		`{"id":1001,"jqlFilter":"project = A","issuePropertyKeysFilter":["my-key"],"events":["issue_property_set"],"expirationDate":"`+date+`","url":"`+callback+`"},`+
		`{"id":1002,"jqlFilter":"project = A","events":["jira:issue_updated"],"expirationDate":"`+date+`","url":"`+callback+`"}]}`)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	h.register(tokenCI, callback, "project = A", "project = B", "project = C", "project = D")
	h.register(tokenChat, callback, "project = A")
	for i, path := range []string{v2, v3} {
		a := h.do("DELETE", path, tokenCI, fmt.Sprintf(`{"webhookIds":[%d,%d,1004,7,-1,0]}`, 1000+i, 1000+i))
		if a.Status != 202 || a.Body != "" || a.Header.Get("Content-Length") != "0" {
			t.Errorf("the answer is %d %q %v; want 202 and nothing", a.Status, a.Body, a.Header)
		}
	}
	if got := h.list(tokenCI, "").ids(); !slices.Equal(got, []int64{1002, 1003}) {
		t.Errorf("left are %v", got)
	}
	if got := h.list(tokenChat, "").ids(); !slices.Equal(got, []int64{1004}) {
		t.Errorf("the other app has %v left", got)
	}
	h.Want(h.do("DELETE", v3, tokenCI, `{"webhookIds":[]}`), 202, "")
	h.Want(h.do("DELETE", v3, tokenRivalCI, `{"webhookIds":[1002]}`), 401, "")
	h.do("DELETE", "/t/rival/rest/api/3/webhook", tokenRivalCI, `{"webhookIds":[1002]}`)
	if l := h.list(tokenCI, ""); l.Total != 2 {
		t.Error("another tenant's app deleted a webhook")
	}
}

func TestRefreshTellsTheDate(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	h.register(tokenChat, callback, "project = A")
	old := h.list(tokenChat, "").Values[0].Expiration
	for _, path := range []string{v2, v3, v2 + "/refresh", refresh} {
		var got struct {
			Expiration string `json:"expirationDate"`
		}
		before := time.Now().Truncate(time.Millisecond)
		h.Decode(h.do("PUT", path, tokenCI, `{"webhookIds":[1000,5]}`), 200, &got)
		life := 30 * 24 * time.Hour
		if at := parseDate(t, got.Expiration); at.Before(before.Add(life)) || at.After(time.Now().Add(life)) {
			t.Errorf("%s: the date is %v", path, at)
		}
	}
	if now := h.list(tokenChat, "").Values[0].Expiration; now != old {
		t.Errorf("an app refreshed the webhook of another: %s, before %s", now, old)
	}
}

func TestIDRequestErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	tests := []struct{ body, want string }{
		{``, `The request body cannot be read: the JSON is incomplete.`},
		{`{}`, `webhookIds is missing.`},
		{`{"webhookIds":null}`, `webhookIds is missing.`},
		{`{"webhookIds":1}`, `The request body cannot be read: webhookIds must not be of type number.`},
		{`{"webhookIds":["1000"]}`, `The request body cannot be read: webhookIds must not be of type string.`},
		{`{"webhookIds":[1.5]}`, `The request body cannot be read: webhookIds must not be of type number 1.5.`},
		{`{"webhookIds":[99999999999999999999]}`, `The request body cannot be read: webhookIds must not be of type number 99999999999999999999.`},
		{`[1000]`, `The request body cannot be read: a JSON object is expected, not a value of type array.`},
		{`{"webhookIds":[1000]}{}`, `The request body cannot be read: there is more after the JSON object.`},
	}
	for _, tt := range tests {
		for _, op := range []struct{ method, path string }{{"DELETE", v2}, {"DELETE", v3}, {"PUT", v2}, {"PUT", refresh}} {
			h.Want(h.do(op.method, op.path, tokenCI, tt.body), 400, `{"errorMessages":[`+quote(tt.want)+`],"errors":{}}`)
		}
	}
}
