package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/server"
	"hookline/engine/webhook"
)

// Credentials in a house.
const (
	tokenAdmin = "token of the administrator"
	tokenAcme  = "token of acme's publishers"
	tokenCI    = "token of app ci in acme"
	tokenRival = "token of rival's publishers"
	tokenBot   = "token of app bot in rival"
)

// maxBody is the largest event in a house.
const maxBody = 2000

// probe is a flavour for what no real one does: /boom panics, /wait waits until it is let go.
type probe struct {
	flavor.Flavor
	entered, release chan struct{}
}

func newProbe() *probe {
	return &probe{jira.NewDynamic(jira.DynamicOptions{}), make(chan struct{}, 1), make(chan struct{})}
}

func (p *probe) Rules() *registry.Rules {
	rules := *p.Flavor.Rules()
	rules.Flavor = "probe"
	return &rules
}

func (p *probe) Routes() []flavor.Route {
	return []flavor.Route{
		{Method: "GET", Path: "/boom", Handle: func(c *flavor.Call) {
			c.HTTP.SetBodyString("half an answer")
			panic("boom")
		}},
		{Method: "GET", Path: "/wait", Handle: func(c *flavor.Call) {
			p.entered <- struct{}{}
			<-p.release
			c.HTTP.SetBodyString("done")
		}},
	}
}

// house is a server with the tenants acme and rival and an app in each, spoken to over HTTP.
type house struct {
	t      testing.TB
	engine *engine.Engine
	server *server.Server
	probe  *probe
	client *http.Client
	stop   func() error // ends Run and returns its result; the first call counts
}

func newHouse(t testing.TB, change ...func(*server.Options)) *house {
	t.Helper()
	h := &house{t: t, probe: newProbe(), client: &http.Client{Transport: &http.Transport{}}}
	metrics, quiet := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	var err error
	h.engine, err = engine.Open(engine.Options{
		Dir: t.TempDir(), CacheSize: 1 << 20, MaxBody: maxBody, Metrics: metrics, Logger: quiet,
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ManyURLs: true}), h.probe},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.populate()
	o := server.Options{
		Engine: h.engine, Metrics: metrics, Listen: "127.0.0.1:0", Operations: "127.0.0.1:0", AdminToken: tokenAdmin,
		Logger: quiet, Version: "v1.2.3",
	}
	for _, f := range change {
		f(&o)
	}
	if h.server, err = server.New(o); err != nil {
		t.Fatal(err)
	}
	h.run()
	return h
}

func (h *house) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.server.Run(ctx); close(ended) }()
	h.stop = func() error {
		h.client.CloseIdleConnections()
		cancel()
		return <-ended
	}
	h.t.Cleanup(func() {
		if err := h.stop(); err != nil {
			h.t.Error(err)
		}
	})
}

func (h *house) populate() {
	h.t.Helper()
	hash := webhook.HashToken
	ctx := context.Background()
	for _, x := range []struct{ tenant, token, app, appToken string }{{"acme", tokenAcme, "ci", tokenCI}, {"rival", tokenRival, "bot", tokenBot}} {
		err := h.engine.PutTenant(ctx, webhook.Tenant{ID: x.tenant, Hosts: []string{x.tenant + ".example"}, Tokens: []webhook.TokenHash{hash(x.token)}})
		if err != nil {
			h.t.Fatal(err)
		}
		if err := h.engine.PutApp(ctx, webhook.App{Tenant: x.tenant, Key: x.app, Tokens: []webhook.AppToken{{Hash: hash(x.appToken)}}}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house {
	other := *h
	other.t = t
	return &other
}

// request is one request; what is left out has a default.
type request struct {
	method, path, token, body string
	host                      string
	header                    map[string]string
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (h *house) send(r request) answer {
	h.t.Helper()
	public := strings.HasPrefix(r.path, "/")
	if public {
		r.path = "http://" + h.server.Address() + r.path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), r.method, r.path, strings.NewReader(r.body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = r.host
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, strings.TrimSuffix(string(text), "\n")}
	if public {
		h.keeps(req, r.body, a)
	}
	return a
}

// raw sends bytes as they are and reads one answer.
func (h *house) raw(text string) answer {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.server.Address())
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	// The server may answer and close before it has read everything.
	_, _ = io.WriteString(conn, text)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, strings.TrimSuffix(string(body), "\n")}
}

// admin sends a request of the administrator's.
func (h *house) admin(method, path, body string) answer {
	h.t.Helper()
	return h.send(request{method: method, path: path, token: tokenAdmin, body: body})
}

// want fails the test unless the answer has the status and exactly the body.
func (h *house) want(a answer, status int, body string) {
	h.t.Helper()
	if a.status != status || a.body != body {
		h.t.Errorf("the answer is %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

// problem is the native API's error form.
type problem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Offset  *int64 `json:"offset"`
		Pointer string `json:"pointer"`

		Problems []string `json:"problems"`
	} `json:"error"`
}

// wantProblem fails the test unless the answer is an error with the status and code whose message has a part.
func (h *house) wantProblem(a answer, status int, code, part string) problem {
	h.t.Helper()
	var p problem
	h.decode(a, &p)
	if a.status != status || p.Error.Code != code || !strings.Contains(p.Error.Message, part) || p.Error.Message == "" {
		h.t.Errorf("the answer is %d %s\nwant %d, %s, %q", a.status, a.body, status, code, part)
	}
	return p
}

func (h *house) decode(a answer, into any) {
	h.t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		h.t.Fatalf("%v in the answer %d %q", err, a.status, a.body)
	}
}

// eventually asks until the answer is yes: what is asked for has been set off and comes about by itself.
func (h *house) eventually(what string, ask func() bool) {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ask(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("it does not come about: %s", what)
		}
	}
}
