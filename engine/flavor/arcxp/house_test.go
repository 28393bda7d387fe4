package arcxp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/server"
	"hookline/engine/webhook"
)

// Credentials of the tenants that a house has: acme, with an app, and rival.
const (
	tokenAcme  = "token of acme's own programs"
	tokenApp   = "token of app ci in acme"
	tokenRival = "token of rival's own programs"
	tokenAdmin = "token of the administrator"
)

// Paths below the server.
const (
	hooks  = "/t/acme/migrations/v3/webhook"
	events = "/t/acme/v1/events/arcxp"
)

// house is an installation in a temporary directory, spoken to over HTTP.
type house struct {
	t       testing.TB
	engine  *engine.Engine
	server  *server.Server
	client  *http.Client
	metrics *prometheus.Registry
}

func newHouse(t testing.TB, o arcxp.Options) *house {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	metrics := prometheus.NewRegistry()
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), Flavors: []flavor.Flavor{arcxp.New(o)}, CacheSize: 1 << 20, Logger: quiet, Metrics: metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{
		Engine: e, Metrics: metrics, Listen: "127.0.0.1:0", Operations: "127.0.0.1:0", AdminToken: tokenAdmin, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, engine: e, server: s, client: &http.Client{Transport: &http.Transport{}}, metrics: metrics}
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
	hash := webhook.HashToken
	for id, token := range map[string]string{"acme": tokenAcme, "rival": tokenRival} {
		if err := e.PutTenant(t.Context(), webhook.Tenant{ID: id, Tokens: []webhook.TokenHash{hash(token)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.PutApp(t.Context(), webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: hash(tokenApp)}}}); err != nil {
		t.Fatal(err)
	}
	return h
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house {
	other := *h
	other.t = t
	return &other
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// as sends a request with a token, "" for none.
func (h *house) as(token, method, path, contentType, body string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.server.Address()+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", contentType)
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

func (h *house) do(method, path, body string) answer {
	h.t.Helper()
	return h.as(tokenAcme, method, path, "application/json", body)
}

// want fails the test unless the answer has the status and, where one is given, exactly the body.
func (h *house) want(a answer, status int, body string) {
	h.t.Helper()
	if a.status != status || body != "" && a.body != body {
		h.t.Errorf("the answer is %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

// wantFailure fails the test unless the answer is in the API's error form, with a part of a message.
func (h *house) wantFailure(a answer, status int, part string) {
	h.t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != status || len(got) != 2 || got["success"] != false {
		h.t.Errorf("the answer is %d %s (%v); want %d in the API's error form", a.status, a.body, err, status)
		return
	}
	if message, _ := got["message"].(string); message == "" || !strings.Contains(message, part) || len(message) > 400 {
		h.t.Errorf("the message is %q; want %q in it", message, part)
	}
}

// hook is a webhook as a client reads it.
type hook struct {
	Success    *bool             `json:"success"`
	ID         int64             `json:"id"`
	Endpoint   string            `json:"endpoint"`
	Headers    map[string]string `json:"headers"`
	IsEnabled  bool              `json:"isEnabled"`
	CreateDate string            `json:"createDate"`
	UpdateDate string            `json:"updateDate"`
	Subscriber string            `json:"subscriber"`
}

func decode[T any](h *house, a answer, status int) T {
	h.t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || a.status != status {
		h.t.Fatalf("the answer is %d %s (%v); want %d", a.status, a.body, err, status)
	}
	return v
}

// register makes a webhook; more are further members of the body, as JSON.
func (h *house) register(endpoint, subscriber string, more ...string) hook {
	h.t.Helper()
	members := append([]string{fmt.Sprintf(`"endpoint":%q,"subscriber":%q`, endpoint, subscriber)}, more...)
	body := "{" + strings.Join(members, ",") + "}"
	if !strings.Contains(body, "authToken") {
		body = `{"authToken":"t0ken",` + body[1:]
	}
	return decode[hook](h, h.do("POST", hooks, body), 200)
}

func (h *house) patch(id int64, body string) hook {
	h.t.Helper()
	return decode[hook](h, h.do("PATCH", fmt.Sprint(hooks, "/", id), body), 200)
}

func (h *house) list() []hook {
	h.t.Helper()
	return decode[struct {
		HasMore  bool   `json:"hasMore"`
		Webhooks []hook `json:"webhooks"`
	}](h, h.do("GET", hooks, ""), 200).Webhooks
}

// receipt is the answer to one document.
type receipt struct {
	Line, Status, Matched, Deliveries int
	ID, Type                          string
	Error                             *struct{ Code, Message string }
}

func (h *house) publish(body string) receipt {
	h.t.Helper()
	a := h.do("POST", events, body)
	var r receipt
	if err := json.Unmarshal([]byte(a.body), &r); err != nil || a.status != 202 {
		h.t.Fatalf("%s: the answer is %d %s", body, a.status, a.body)
	}
	return r
}

// document is one that reached a status; an empty subscriber is none.
func document(id int, subscriber, status string) string {
	tags := ""
	if subscriber != "" {
		tags = fmt.Sprintf(`"tags":{"webhookSubscriber":%q},`, subscriber)
	}
	return fmt.Sprintf(`{%s"record":%s}`, tags, record(id, status))
}

func record(id int, status string) string {
	return fmt.Sprintf(`{"id": %d, "ansId":"T3GBOT63EBA4JGFU4RPTCQPK4Q", "ansType":"story", "status" :%q, "website":null,`+
		` "updateDate":"2022-12-07T19:49:00.157Z","priority":"historical","groupId":null}`, id, status)
}

// received is one request as a receiver saw it.
type received struct {
	method, path, body string
	header             http.Header
}

// receiver answers with the statuses in turn, and with 200 after that.
func receiver(t testing.TB, statuses ...int) (url string, got <-chan received) {
	t.Helper()
	requests := make(chan received, 2000)
	var count atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if n := int(count.Add(1)); n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
		}
		requests <- received{r.Method, r.URL.Path, string(body), r.Header}
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

// quick are options for tests with receivers: without the long waits.
func quick(waits int) arcxp.Options {
	p := arcxp.Default()
	p.Backoff = slices.Repeat([]time.Duration{time.Millisecond}, waits)
	return arcxp.Options{PlainHTTP: true, Policy: p}
}
