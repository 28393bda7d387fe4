package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hookline/engine/config"
	"hookline/engine/egress"
)

// site is a server with a receiver, worked with by commands alone.
type site struct {
	t        *testing.T
	server   string
	receiver *httptest.Server
	status   atomic.Int64 // that the receiver answers
	got      chan http.Header
}

const siteToken = "admin token of the site"

func newSite(t *testing.T, change ...func(*config.Config)) *site {
	t.Helper()
	unconfigured(t)
	s := &site{t: t, got: make(chan http.Header, 100)}
	s.status.Store(200)
	s.receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.got <- r.Header
		w.WriteHeader(int(s.status.Load()))
	}))
	t.Cleanup(s.receiver.Close)
	conf := config.Default()
	conf.Listen, conf.Operations, conf.Data = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	conf.AdminToken, conf.AllowHTTP, conf.CacheSize = siteToken, true, 1<<20
	conf.Egress.Allow = egress.Loopback()
	for _, f := range change {
		f(&conf)
	}
	ctx, stop := context.WithCancel(context.Background())
	p, err := start(ctx, &conf, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- p.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.server = "http://" + p.server.Address()
	t.Setenv("HOOKLINE_SERVER", s.server)
	t.Setenv("HOOKLINE_ADMIN_TOKEN", siteToken)
	return s
}

// run carries out a command that has to succeed and returns its output.
func (s *site) run(in, args string) string {
	s.t.Helper()
	o := hookline(in, strings.Fields(args)...)
	if o.code != exitFine {
		s.t.Fatalf("hookline %s: exit code %d, %s%s", args, o.code, o.out, o.err)
	}
	return o.out
}

// items reads the JSON lines of a list.
func items[T any](s *site, args string) []T {
	s.t.Helper()
	var list []T
	dec := json.NewDecoder(strings.NewReader(s.run("", args+" --json")))
	for {
		var v T
		err := dec.Decode(&v)
		if err == io.EOF {
			return list
		}
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, v)
	}
}

// eventually asks until the answer is yes: what is waited for happens in a server that nothing else tells of it.
func (s *site) eventually(what string, ask func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ask(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestSite is the life of a webhook as an operator sees and steers it, by commands.
func TestSite(t *testing.T) {
	s := newSite(t)
	s.run(`{}`, "tenants put acme")
	s.run(`{"kind":"oauth"}`, "tenants put-app acme ci")
	token := strings.TrimSpace(s.run("", "tenants token acme --app ci --user anna"))
	if got := s.run("", "tenants apps acme"); got != "KEY  KIND   BASE URL  TOKENS  SECRETS  USERS\nci   oauth  -         1       0        anna\n" {
		t.Errorf("apps:\n%s", got)
	}
	registration := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = EX","events":["jira:issue_updated"]}]}`, s.receiver.URL+"/hook")
	register := &curl{url: s.server + "/t/acme/rest/api/3/webhook", body: registration, headers: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}}
	register.want(t, 200, `{"webhookRegistrationResult":[{"createdWebhookId":1000}]}`)
	t.Setenv("HOOKLINE_TENANT", "acme")
	const event = `{"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"project":{"key":"EX"}}}}`

	if got := s.run(event, "events try"); got != "jira:issue_updated would match 1000 in 1 requests\n" {
		t.Errorf("try: %s", got)
	}
	s.run("", "webhooks pause 1000")
	if w := items[webhookView](s, "webhooks list --state paused"); len(w) != 1 || w[0].ID != 1000 || !w[0].Endpoint.Paused {
		t.Errorf("paused: %+v", w)
	}
	if got := s.run(event, "events publish"); !regexp.MustCompile(`^[0-9a-f-]{36} jira:issue_updated matched 1 webhooks, 1 requests\n$`).MatchString(got) {
		t.Errorf("publish: %s", got)
	}
	waiting := items[deliveryView](s, "deliveries list --status waiting")
	if len(waiting) != 1 || waiting[0].Attempts != 0 {
		t.Fatalf("waiting: %+v", waiting)
	}
	if got := s.run("", "deliveries body "+waiting[0].ID); !strings.Contains(got, `"EX-1"`) {
		t.Errorf("body: %s", got)
	}

	s.status.Store(404)
	s.run("", "webhooks resume 1000")
	first := <-s.got
	var dead []deliveryView
	s.eventually("given up", func() bool {
		dead = items[deliveryView](s, "dead list --reason rejected --since 1h")
		return len(dead) == 1
	})
	if id := first.Get("X-Atlassian-Webhook-Identifier"); dead[0].ID != id || dead[0].LastStatus != 404 {
		t.Errorf("dead: %+v, identifier %s", dead, id)
	}
	if got := s.run("", "replay start --dry-run --since 1h"); got != "1 deliveries would be sent again\n" {
		t.Errorf("dry run: %s", got)
	}

	s.status.Store(200)
	secret := strings.TrimSpace(s.run("", "webhooks secret 1000"))
	s.run("", "dead resend "+dead[0].ID)
	again := <-s.got
	if again.Get("X-Hookline-Replay") != "true" || again.Get("X-Atlassian-Webhook-Identifier") != dead[0].ID || again.Get("X-Hub-Signature") == "" || len(secret) < 16 {
		t.Errorf("resent with %v", again)
	}
	s.eventually("delivered", func() bool { return len(items[deliveryView](s, "deliveries list --status delivered")) == 1 })
	if attempts := items[attemptView](s, "deliveries attempts"); len(attempts) != 2 || attempts[0].Outcome != "delivered" || attempts[1].Code != 404 {
		t.Errorf("attempts: %+v", attempts)
	}
	if got := s.run("", "deliveries get "+dead[0].ID); !strings.Contains(got, "delivered") || !strings.Contains(got, "rejected") {
		t.Errorf("delivery:\n%s", got)
	}
	if o := hookline("", "dead", "discard", dead[0].ID); o.code != exitFailed || !strings.Contains(o.err, "409") {
		t.Errorf("discarding what was delivered: %+v", o)
	}
	if r := items[replayView](s, "replay start --since 1h"); len(r) != 1 || r[0].ID == "" {
		t.Errorf("replay: %+v", r)
	}
	if got := s.run("", "hosts list"); !strings.Contains(got, s.receiver.Listener.Addr().String()) || !strings.Contains(got, "closed") {
		t.Errorf("hosts:\n%s", got)
	}
	s.run("", "hosts reset acme "+s.receiver.URL)
	if got := s.run("", "status"); !regexp.MustCompile(`(?m)^webhooks\.active +1$`).MatchString(got) {
		t.Errorf("status of the tenant:\n%s", got)
	}
	s.steerEndpoint()
	s.run("", "webhooks unsign 1000")
	s.run("", "webhooks delete 1000")
	if w := items[webhookView](s, "webhooks list"); len(w) != 0 {
		t.Errorf("webhooks after deletion: %+v", w)
	}
	s.run("", "tenants delete acme")
	t.Setenv("HOOKLINE_TENANT", "")
	if got := s.run("", "status"); !regexp.MustCompile(`(?m)^tenants +0$`).MatchString(got) {
		t.Errorf("status:\n%s", got)
	}
}

// steerEndpoint gives the endpoint of webhook 1000 what it has been without, and takes it back.
func (s *site) steerEndpoint() {
	s.t.Helper()
	if got := s.run("", "webhooks policy 1000 --rate 0.5"); !regexp.MustCompile(`(?m)^rate +0\.5$`).MatchString(got) {
		s.t.Errorf("with a rate:\n%s", got)
	}
	if got := s.run("", "webhooks policy 1000 --order issue"); !regexp.MustCompile(`(?m)^order +issue$`).MatchString(got) {
		s.t.Errorf("an order: %s", got)
	}
	if got := s.run("", "webhooks policy 1000 --order="); !regexp.MustCompile(`(?m)^order +-$`).MatchString(got) {
		s.t.Errorf("no order: %s", got)
	}
	if got := s.run("", "webhooks policy 1000 --rate 0 --name="); !regexp.MustCompile(`(?m)^rate +-$`).MatchString(got) {
		s.t.Errorf("without a rate:\n%s", got)
	}
	if o := hookline("", "webhooks", "policy", "1000", "--name", "unknown"); o.code != exitFailed || !strings.Contains(o.err, `"unknown"`) {
		s.t.Errorf("a policy that there is not: %+v", o)
	}
	if o := hookline("", "webhooks", "policy", "1000"); o.code == exitFine {
		s.t.Errorf("no policy: %+v", o)
	}
	first, second := s.run("", "webhooks sign 1000"), s.run("", "webhooks rotate 1000 --overlap 1h")
	if !strings.HasPrefix(first, "whsec_") || !strings.HasPrefix(second, "whsec_") || first == second {
		s.t.Errorf("the secrets are %s and %s", first, second)
	}
	s.run("", "webhooks rotate 1000 --end")
	if got := s.run("", "webhooks sign 1000 --kind ed25519"); !strings.HasPrefix(got, "whpk_") {
		s.t.Errorf("the public key is %s", got)
	}
	s.run("", "webhooks unsign 1000 --kind standard")
	if got := s.run("", "webhooks enable 1000"); !regexp.MustCompile(`(?m)^signing +hub,\s*ed25519$`).MatchString(got) {
		s.t.Errorf("enabled:\n%s", got)
	}
	s.run("", "webhooks unpark 1000")
}
