package jira_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/server"
	"hookline/engine/webhook"
)

// Credentials of the tenants that a house has: acme with two Connect apps and an OAuth app, and rival.
const (
	tokenCI      = "token of app ci in acme"
	tokenChat    = "token of app chat in acme"
	tokenBased   = "token of app based in acme"
	tokenAnna    = "token of user anna of app mobile"
	tokenBert    = "token of user bert of app mobile"
	tokenAcme    = "token of acme's publishers"
	tokenRival   = "token of rival's publishers"
	tokenRivalCI = "token of app ci in rival"
	tokenAdmin   = "token of the administrator"
)

// house is an installation in a temporary directory, spoken to over HTTP.
type house struct {
	t      testing.TB
	engine *engine.Engine
	server *server.Server
	client *http.Client
}

func newHouse(t testing.TB, o jira.DynamicOptions) *house {
	t.Helper()
	return openHouse(t, jira.NewDynamic(o))
}

// openHouse opens a house with the flavours that are given.
func openHouse(t testing.TB, flavors ...flavor.Flavor) *house {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), Flavors: flavors, CacheSize: 1 << 20, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{
		Engine: e, Metrics: prometheus.NewRegistry(), Listen: "127.0.0.1:0", Operations: "127.0.0.1:0",
		AdminToken: tokenAdmin, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, engine: e, server: s, client: &http.Client{Transport: &http.Transport{}}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.populate()
	return h
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house {
	other := *h
	other.t = t
	return &other
}

func (h *house) populate() {
	h.t.Helper()
	hash := webhook.HashToken
	for _, tenant := range []webhook.Tenant{
		{ID: "acme", Hosts: []string{"acme.example"}, Tokens: []webhook.TokenHash{hash(tokenAcme)}},
		{ID: "rival", Tokens: []webhook.TokenHash{hash(tokenRival)}},
	} {
		if err := h.engine.PutTenant(h.t.Context(), tenant); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, app := range []webhook.App{
		{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: hash(tokenCI)}}},
		{Tenant: "acme", Key: "chat", Tokens: []webhook.AppToken{{Hash: hash(tokenChat)}}},
		{Tenant: "acme", Key: "based", BaseURL: "https://app.example/base/", Tokens: []webhook.AppToken{{Hash: hash(tokenBased)}}},
		{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Tokens: []webhook.AppToken{
			{Hash: hash(tokenAnna), User: "anna"}, {Hash: hash(tokenBert), User: "bert"},
		}},
		{Tenant: "rival", Key: "ci", Tokens: []webhook.AppToken{{Hash: hash(tokenRivalCI)}}},
	} {
		if err := h.engine.PutApp(h.t.Context(), app); err != nil {
			h.t.Fatal(err)
		}
	}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// Paths of the API.
const (
	v2      = "/t/acme/rest/api/2/webhook"
	v3      = "/t/acme/rest/api/3/webhook"
	refresh = "/t/acme/rest/api/3/webhook/refresh"
)

// do sends one request. A path that does not begin with / is a whole URL.
func (h *house) do(method, path, token, body string) answer {
	h.t.Helper()
	return h.send(method, path, token, body, "")
}

func (h *house) send(method, path, token, body, host string) answer {
	h.t.Helper()
	if token != "" {
		token = "Bearer " + token
	}
	return h.call(method, path, token, body, host)
}

// call sends one request with any Authorization.
func (h *house) call(method, path, authorization, body, host string) answer {
	h.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = "http://" + h.server.Address() + path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = host
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	req.Header.Set("Content-Type", "application/json")
	return h.answered(req)
}

// answered sends a request.
func (h *house) answered(req *http.Request) answer {
	h.t.Helper()
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, strings.TrimSuffix(string(text), "\n")}
}

// want fails the test unless the answer has the status and, where one is given, exactly the body.
func (h *house) want(a answer, status int, body string) {
	h.t.Helper()
	if a.status != status || body != "" && a.body != body {
		h.t.Errorf("the answer is %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

// registration writes the body of a request to register webhooks for one event.
func registration(url string, filters ...string) string {
	type item struct {
		Filter string   `json:"jqlFilter"`
		Events []string `json:"events"`
	}
	items := []item{}
	for _, f := range filters {
		items = append(items, item{f, []string{"jira:issue_updated"}})
	}
	text, _ := json.Marshal(map[string]any{"url": url, "webhooks": items})
	return string(text)
}

// register registers and returns the result of each item: its number, or its errors.
func (h *house) register(token, url string, filters ...string) (ids []int64, errs []string) {
	h.t.Helper()
	var got struct {
		Results []struct {
			ID     int64    `json:"createdWebhookId"`
			Errors []string `json:"errors"`
		} `json:"webhookRegistrationResult"`
	}
	h.decode(h.do("POST", v3, token, registration(url, filters...)), 200, &got)
	if len(got.Results) != len(filters) {
		h.t.Fatalf("%d results for %d items", len(got.Results), len(filters))
	}
	for _, r := range got.Results {
		if (r.ID == 0) != (len(r.Errors) > 0) {
			h.t.Errorf("a result is %+v; want either a number or errors", r)
		}
		if r.ID != 0 {
			ids = append(ids, r.ID)
		}
		errs = append(errs, r.Errors...)
	}
	return ids, errs
}

func (h *house) decode(a answer, status int, into any) {
	h.t.Helper()
	if a.status != status {
		h.t.Fatalf("the answer is %d %s; want %d", a.status, a.body, status)
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		h.t.Fatalf("%v in %s", err, a.body)
	}
}

// listed is the list of webhooks as a client reads it.
type listed struct {
	Self       string `json:"self"`
	NextPage   string `json:"nextPage"`
	MaxResults int    `json:"maxResults"`
	StartAt    int    `json:"startAt"`
	Total      int    `json:"total"`
	IsLast     bool   `json:"isLast"`
	Values     []struct {
		ID           int64    `json:"id"`
		JQLFilter    string   `json:"jqlFilter"`
		FieldIDs     []string `json:"fieldIdsFilter"`
		PropertyKeys []string `json:"issuePropertyKeysFilter"`
		Events       []string `json:"events"`
		Expiration   string   `json:"expirationDate"`
		URL          string   `json:"url"`
	} `json:"values"`
}

func (l *listed) ids() []int64 {
	ids := []int64{}
	for _, v := range l.Values {
		ids = append(ids, v.ID)
	}
	return ids
}

func (h *house) list(token, query string) *listed {
	h.t.Helper()
	var l listed
	h.decode(h.do("GET", v3+query, token, ""), 200, &l)
	return &l
}
