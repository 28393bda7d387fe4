package flavortest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/server"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Credentials of every house: of the installation, and of its tenants acme and rival, which can be called by the
// host names acme.example and rival.example too. Apps are added by the tests.
const (
	TokenAdmin = "token of the administrator"
	TokenAcme  = "token of acme's publishers"
	TokenRival = "token of rival's publishers"
)

// Options of a house; each may be left out.
type Options struct {
	Flavors []flavor.Flavor
	MaxBody int                   // of an event, in bytes
	Engine  func(*engine.Options) // changes what the engine is opened with
	Server  func(*server.Options) // changes what the server is opened with
}

// House is an engine and a server with the tenants acme and rival.
type House struct {
	T       testing.TB
	Engine  *engine.Engine
	Server  *server.Server
	Metrics *prometheus.Registry
	Client  *http.Client

	// Check, where it is set, is told of every request that was sent to the public listener, with its body, and its answer.
	Check func(sent *http.Request, body string, a Answer)

	// Stop ends the server as its process would, and returns what Run returns. The end of the test stops it otherwise.
	Stop func() error
}

// Open opens a house for as long as the test lasts.
func Open(t testing.TB, o Options) *House {
	t.Helper()
	h := &House{T: t, Metrics: prometheus.NewRegistry(), Client: &http.Client{Transport: &http.Transport{}}}
	quiet := slog.New(slog.DiscardHandler)
	var err error
	opened := engine.Options{
		Egress: egress.Options{Allow: egress.Loopback()},
		Dir:    t.TempDir(), FS: disk{vfs.Default}, Flavors: o.Flavors, CacheSize: 1 << 20, MaxBody: o.MaxBody, Metrics: h.Metrics, Logger: quiet,
	}
	if o.Engine != nil {
		o.Engine(&opened)
	}
	if h.Engine, err = engine.Open(opened); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.tenant("acme", TokenAcme)
	h.tenant("rival", TokenRival)
	options := server.Options{
		Engine: h.Engine, Metrics: h.Metrics, Listen: "127.0.0.1:0", Operations: "127.0.0.1:0", AdminToken: TokenAdmin, Logger: quiet,
	}
	if o.Server != nil {
		o.Server(&options)
	}
	if h.Server, err = server.New(options); err != nil {
		t.Fatal(err)
	}
	h.run()
	return h
}

func (h *House) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Server.Run(ctx); close(ended) }()
	h.Stop = func() error {
		h.Client.CloseIdleConnections()
		cancel()
		return <-ended
	}
	h.T.Cleanup(func() {
		if err := h.Stop(); err != nil {
			h.T.Error(err)
		}
	})
}

func (h *House) tenant(id, token string) {
	h.T.Helper()
	err := h.Engine.PutTenant(h.T.Context(), webhook.Tenant{
		ID: id, Hosts: []string{id + ".example"}, Tokens: []webhook.TokenHash{webhook.HashToken(token)},
	})
	if err != nil {
		h.T.Fatal(err)
	}
}

// PutApp adds an app, or replaces one. The secrets are in the clear, and come after those that the app has already.
func (h *House) PutApp(a webhook.App, secrets ...string) {
	h.T.Helper()
	for _, text := range secrets {
		sealed, err := h.Engine.Keys().Seal(sign.NewSecret(text), a.SecretRecord())
		if err != nil {
			h.T.Fatal(err)
		}
		a.Secrets = append(a.Secrets, sealed)
	}
	if err := h.Engine.PutApp(h.T.Context(), a); err != nil {
		h.T.Fatal(err)
	}
}

// Token is a token of an app; of one of its users for an OAuth app.
func Token(token, user string) webhook.AppToken {
	return webhook.AppToken{Hash: webhook.HashToken(token), User: user}
}

// In returns the house for use in another test, as that of a fuzz target.
func (h *House) In(t testing.TB) *House {
	other := *h
	other.T = t
	return &other
}

// Eventually asks until the answer is yes: what is asked for has been set off and comes about by itself.
func (h *House) Eventually(what string, ask func() bool) {
	h.T.Helper()
	for end := time.Now().Add(time.Minute); !ask(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.T.Fatalf("it does not come about: %s", what)
		}
	}
}
