package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answering is a server that answers every request in one way.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestRemoteFailures: whether it is worth trying again shows in the exit code, and what the server says in the error.
func TestRemoteFailures(t *testing.T) {
	unconfigured(t)
	gone := answering(t, 200, "")
	const down = "http://127.0.0.1:1" // the port of a server that was closed may be another one's by now
	for name, test := range map[string]struct {
		server string
		args   string
		code   int
		want   string
	}{
		"nobody there":       {down, "status", exitUnavailable, "connection refused"},
		"refused":            {answering(t, 401, `{"error":{"code":"unauthorized","message":"This needs a token."}}`), "tenants list", exitFailed, "401 This needs a token."},
		"not now":            {answering(t, 503, `{"error":{"code":"stopping","message":"Stopping."}}`), "tenants list", exitUnavailable, "503 Stopping."},
		"too often":          {answering(t, 429, ``), "tenants list", exitUnavailable, "429"},
		"another server":     {answering(t, 200, `<html>`), "tenants list", exitFailed, "is this a Hookline server?"},
		"another server too": {answering(t, 200, `<html>`), "status --json", exitFailed, "is this a Hookline server?"},
		"proxy":              {answering(t, 502, "<html>\x1b[2J</html>"), "status", exitUnavailable, `502 <html>\x1b[2J</html>`},
		"redirect":           {answering(t, 304, ``), "status", exitFailed, "304"},
		"no tenant":          {gone, "webhooks list", exitUsage, "--tenant"},
		"no index":           {gone, "index", exitUsage, "a tenant"},
		"no argument":        {gone, "webhooks pause -t a", exitUsage, "at least one ID"},
		"no command":         {gone, "dead", exitUsage, "needs the name of a command"},
		"unknown command":    {gone, "webhooks freeze -t a 1", exitUsage, "freeze"},
		"bad limit":          {gone, "webhooks list -t a --limit=-1", exitUsage, "--limit is -1"},
		"bad time":           {gone, "dead list -t a --since yesterday", exitUsage, "RFC 3339"},
		"bad server":         {"localhost:8080", "status", exitUsage, "--server is"},
		"bad rate":           {gone, "replay start -t a --rate -1", exitUsage, "--rate is negative"},
		"bad webhook":        {gone, "replay start -t a --webhook one", exitUsage, "--webhook is"},
		"user without app":   {gone, "tenants token a --user u", exitUsage, "--app"},
		"path out":           {gone, "dead discard -t a ../webhooks/1000", exitUsage, `"../webhooks/1000" names nothing`},
		"path up":            {gone, "tenants delete ..", exitUsage, `".." names nothing`},
		"no file":            {gone, "events publish -t a nowhere.json", exitFailed, "nowhere.json"},
	} {
		t.Run(name, func(t *testing.T) {
			o := hookline("", append(strings.Fields(test.args), "--server", test.server)...)
			if o.code != test.code || !strings.Contains(o.err, test.want) {
				t.Errorf("exit code %d, %s; want %d and %q", o.code, o.err, test.code, test.want)
			}
			if o.out != "" {
				t.Errorf("output %q", o.out)
			}
		})
	}
}

// TestRemotePaging: a list is read page by page, as far as the user wants it.
func TestRemotePaging(t *testing.T) {
	unconfigured(t)
	const all = 2500
	var pages []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		pages = append(pages, q.Get("limit")+" from "+q.Get("cursor"))
		from, _ := strconv.Atoi(q.Get("cursor"))
		size, _ := strconv.Atoi(q.Get("limit"))
		to := min(from+size, all)
		fmt.Fprint(w, `{"items":[`)
		for i := from; i < to; i++ {
			if i > from {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"id":"t%d"}`, i)
		}
		fmt.Fprint(w, `]`)
		if to < all {
			fmt.Fprintf(w, `,"next":"%d"`, to)
		}
		fmt.Fprint(w, `}`)
	}))
	defer s.Close()
	for _, test := range []struct {
		limit, lines int
		pages        string
	}{
		{0, all, "1000 from , 1000 from 1000, 1000 from 2000"},
		{7, 7, "7 from "},
		{1200, 1200, "1000 from , 200 from 1000"},
		{9000, all, "1000 from , 1000 from 1000, 1000 from 2000"},
	} {
		pages = nil
		o := hookline("", "tenants", "list", "--json", "--server", s.URL, "--limit", strconv.Itoa(test.limit))
		lines := strings.Split(strings.TrimSpace(o.out), "\n")
		if o.code != exitFine || o.err != "" || len(lines) != test.lines || lines[len(lines)-1] != fmt.Sprintf(`{"id":"t%d"}`, test.lines-1) {
			t.Errorf("limit %d: exit code %d, %d lines, %s", test.limit, o.code, len(lines), o.err)
		}
		if got := strings.Join(pages, ", "); got != test.pages {
			t.Errorf("limit %d: pages %s; want %s", test.limit, got, test.pages)
		}
	}
	if o := hookline("", "tenants", "list", "--server", s.URL, "--limit", "2"); o.out != "ID  HOSTS  DIALECT  TOKENS\nt0  -      -        0\nt1  -      -        0\n" || o.err != "there are more; use --limit\n" {
		t.Errorf("%+v", o)
	}
}

// TestRemoteAsks: where a request goes and with which token, by flags and by the environment.
func TestRemoteAsks(t *testing.T) {
	unconfigured(t)
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization")
		fmt.Fprint(w, `{}`)
	}))
	defer s.Close()
	t.Setenv("HOOKLINE_SERVER", s.URL+"/base/")
	t.Setenv("HOOKLINE_TENANT", "acme")
	t.Setenv("HOOKLINE_ADMIN_TOKEN", "admin")
	for _, test := range []struct{ args, want string }{
		{"status", "GET /base/t/acme/v1/status Bearer admin"},
		{"status -t other --token mine", "GET /base/t/other/v1/status Bearer mine"},
		{"webhooks get a?b", "GET /base/t/acme/v1/webhooks/a%3Fb Bearer admin"},
		{"webhooks resume 7", "POST /base/t/acme/v1/webhooks/7/resume Bearer admin"},
		{"webhooks unsign 7", "PATCH /base/t/acme/v1/webhooks/7 Bearer admin"},
		{"dead discard x", "DELETE /base/t/acme/v1/deliveries/x Bearer admin"},
		{"dead list --limit 5 --webhook 3 --since 2026-03-01T09:00:00+01:00", "GET /base/t/acme/v1/deliveries?limit=5&since=2026-03-01T08%3A00%3A00Z&status=dead&webhook=3 Bearer admin"},
		{"deliveries resend x", "POST /base/t/acme/v1/deliveries/x/resend Bearer admin"},
		{"tenants rotate acme ci", "POST /base/v1/tenants/acme/apps/ci/secrets Bearer admin"},
		{"tenants rotate acme ci --end", "DELETE /base/v1/tenants/acme/apps/ci/secrets/previous Bearer admin"},
		{"hosts list --sort backlog --limit 5", "GET /base/v1/hosts?limit=5&sort=backlog Bearer admin"},
		{"hosts reset acme https://h:443", "POST /base/v1/hosts/reset Bearer admin"},
		{"index acme --before 2026-03-01T09:00:00Z --limit 5", "GET /base/t/acme/v1/index?before=2026-03-01T09%3A00%3A00Z&limit=5 Bearer admin"},
		{"events try --system arcxp", "POST /base/t/acme/v1/events/arcxp?dry_run=true Bearer admin"},
		{"replay cancel r1", "DELETE /base/t/acme/v1/replays/r1 Bearer admin"},
	} {
		asked = ""
		if o := hookline("{}", strings.Fields(test.args)...); o.code != exitFine || asked != test.want {
			t.Errorf("%s: %q, exit code %d, %s; want %q", test.args, asked, o.code, o.err, test.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90m": now.Add(-90 * time.Minute), "0s": now, "2026-02-28T10:00:00Z": now.Add(-23 * time.Hour),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1h", "yesterday", "2026-02-28"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestReplayBody(t *testing.T) {
	body, err := replayBody(url.Values{"webhook": {"12"}, "jql": {"a < b"}}, []string{"x"}, 25, true)
	if want := `{"dryRun":true,"events":["x"],"jql":"a \u003c b","rate":25,"status":"dead","webhook":12}`; err != nil || string(body) != want {
		t.Errorf("%s, %v; want %s", body, err, want)
	}
}

// TestEventsPublish: each event's answer is told, and the exit code says whether all were accepted.
func TestEventsPublish(t *testing.T) {
	unconfigured(t)
	const one = `{"id":"e1","type":"jira:issue_updated","matched":2,"deliveries":1}`
	const refused = `{"line":2,"status":400,"error":{"code":"invalid_event","message":"No JSON."}}`
	for name, test := range map[string]struct {
		status int
		answer string
		args   string
		code   int
		out    string
		err    string
	}{
		"one":         {202, one, "publish", exitFine, "e1 jira:issue_updated matched 2 webhooks, 1 requests\n", ""},
		"one as JSON": {202, one, "publish --json", exitFine, one + "\n", ""},
		"repeated":    {202, `{"id":"e1","repeated":true}`, "publish", exitFine, "e1 was accepted before\n", ""},
		"some":        {202, `{"line":1,"status":202,"id":"e1","type":"t","matched":0,"deliveries":0}` + "\n" + refused, "publish --lines", exitFailed, "1: e1 t matched 0 webhooks, 0 requests\n2: refused: No JSON.\n", "1 of 2 events are refused"},
		"none":        {400, refused, "publish --lines", exitFailed, "2: refused: No JSON.\n", "1 of 1 events are refused"},
		"bad request": {400, `{"error":{"code":"empty","message":"The body is empty."}}`, "publish", exitFailed, "", "400 The body is empty."},
		"none now":    {503, `{"line":1,"status":503,"error":{"code":"overloaded","message":"Later."}}`, "publish --lines", exitUnavailable, "1: refused: Later.\n", "1 of 1 events are refused"},
		"tried":       {200, `{"type":"t","matched":2,"deliveries":1,"webhooks":[3,5]}`, "try", exitFine, "t would match 3,5 in 1 requests\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"events"}, strings.Fields(test.args)...)
			hookline("{}", append(args, "-t", "acme", "--server", answering(t, test.status, test.answer))...).wants(t, test.code, test.out, test.err)
		})
	}
}

// TestEscaped: what is printed of a server's answers reads as the same JSON, and drives no terminal.
func TestEscaped(t *testing.T) {
	const hostile = "{\"a\":\t\"\u009b2J \u202e \U000e0041 \u00e9\u4e16\"\r\n}"
	const want = "{\"a\":\t\"\\u009b2J \\u202e \\udb40\\udc41 \u00e9\u4e16\"\n}"
	got := escaped([]byte(hostile))
	if string(got) != want {
		t.Errorf("%q; want %q", got, want)
	}
	var before, after map[string]string
	if err := json.Unmarshal([]byte(hostile), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &after); err != nil || after["a"] != before["a"] {
		t.Errorf("%q, %v; want %q", after, err, before)
	}
}
