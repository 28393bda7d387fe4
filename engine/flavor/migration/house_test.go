package migration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/server"
	"hookline/engine/sign"
)

// Credentials of the tenants that a house has: acme with the Connect apps mover and other, which have secrets,
// the Connect app bare, which has none, and the OAuth app mobile; and rival with a mover of its own.
const (
	tokenMover  = "token of app mover in acme"
	tokenOther  = "token of app other in acme"
	tokenBare   = "token of app bare in acme"
	tokenMobile = "token of user anna of app mobile"
	tokenAcme   = "token of acme's publishers"
	tokenRival  = "token of rival's publishers"
	tokenMoverR = "token of app mover in rival"
	tokenAdmin  = "token of the administrator"

	secretMover, oldMover = "secret of mover in acme", "secret that mover had before"
	secretOther           = "secret of other in acme"
	secretMobile          = "secret of mobile in acme"
	secretMoverR          = "secret of mover in rival"

	clientKey = "client key of acme"
)

// hook is the path of the API below a tenant.
const hook = "/rest/atlassian-connect/1/migration/webhook"

// house is an installation in a temporary directory, spoken to over HTTP.
type house struct {
	t      testing.TB
	engine *engine.Engine
	server *server.Server
	client *http.Client
}

func newHouse(t testing.TB, o migration.Options) *house {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	migrations := migration.New(o)
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), CacheSize: 1 << 20, Logger: quiet,
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{}), migrations, migrations.Descriptor()},
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
	for _, r := range []struct{ path, body string }{
		{"acme", fmt.Sprintf(`{"hosts":["acme.example"],"tokens":[%q]}`, tokenAcme)},
		{"rival", fmt.Sprintf(`{"tokens":[%q]}`, tokenRival)},
		{"acme/apps/mover", fmt.Sprintf(`{"baseURL":"https://mover.example/base","issuer":%q,"secrets":[%q,%q],"tokens":[{"token":%q}]}`, clientKey, secretMover, oldMover, tokenMover)},
		{"acme/apps/other", fmt.Sprintf(`{"issuer":%q,"secrets":[%q],"tokens":[{"token":%q}]}`, clientKey, secretOther, tokenOther)},
		{"acme/apps/bare", fmt.Sprintf(`{"tokens":[{"token":%q}]}`, tokenBare)},
		{"acme/apps/mobile", fmt.Sprintf(`{"kind":"oauth","issuer":"mobile","secrets":[%q],"tokens":[{"token":%q,"user":"anna"}]}`, secretMobile, tokenMobile)},
		{"rival/apps/mover", fmt.Sprintf(`{"issuer":"client key of rival","secrets":[%q],"tokens":[{"token":%q}]}`, secretMoverR, tokenMoverR)},
	} {
		h.want(h.do("PUT", "/v1/tenants/"+r.path, "Bearer "+tokenAdmin, r.body), 201, "")
	}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends one request; credentials are the value of Authorization.
func (h *house) do(method, path, credentials, body string) answer {
	h.t.Helper()
	return h.send(method, path, credentials, body, "")
}

func (h *house) send(method, path, credentials, body, host string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.server.Address()+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = host
	if credentials != "" {
		req.Header.Set("Authorization", credentials)
	}
	req.Header.Set("Content-Type", "application/json")
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

// wantError fails the test unless the answer is an error in the system's form that says a text.
func (h *house) wantError(a answer, status int, text string) {
	h.t.Helper()
	var got struct {
		Message string `json:"message"`
		Status  int    `json:"statusCode"`
	}
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil || a.status != status || got.Status != status || got.Message == "" || !strings.Contains(got.Message, text) {
		h.t.Errorf("the answer is %d %s (%v)\nwant %d %q", a.status, a.body, err, status, text)
	}
}

// jwt makes the credentials of a Connect app for one request.
func jwt(issuer, secret, method, target string) string {
	return jwtAt(time.Now(), issuer, secret, sign.Request{Method: method, URL: target})
}

func jwtAt(now time.Time, issuer, secret string, r sign.Request) string {
	token, err := sign.Connect(sign.Claims{Issuer: issuer}, r, sign.NewSecret(secret), now)
	if err != nil {
		panic(err)
	}
	return "JWT " + token
}

func set(urls ...string) string {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{"endpoints": append([]string{}, urls...)}) // strings can be encoded
	return strings.TrimSuffix(text.String(), "\n")
}

// register replaces the URLs of app mover in acme.
func (h *house) register(urls ...string) {
	h.t.Helper()
	h.want(h.do("PUT", "/t/acme"+hook, jwt("mover", secretMover, "PUT", hook), set(urls...)), 200, set(urls...))
}

// publish sends an event of acme and returns how many webhooks it matched.
func (h *house) publish(body string) int {
	h.t.Helper()
	a := h.do("POST", "/t/acme/v1/events/migration", "Bearer "+tokenAcme, body)
	var got struct {
		Matched    int `json:"matched"`
		Deliveries int `json:"deliveries"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 202 || got.Matched != got.Deliveries {
		h.t.Fatalf("the event is answered %d %s", a.status, a.body)
	}
	return got.Matched
}
