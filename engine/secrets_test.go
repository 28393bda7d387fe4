package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"hookline/engine"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// inbox answers deliveries in memory with 200 and hands on what came.
type inbox struct {
	*receiver
	requests chan *fasthttp.Request
}

func newInbox(t *testing.T) *inbox {
	in := &inbox{
		receiver: &receiver{listener: fasthttputil.NewInmemoryListener()}, requests: make(chan *fasthttp.Request, 100),
	}
	s := &fasthttp.Server{NoDefaultDate: true, Handler: func(ctx *fasthttp.RequestCtx) {
		var req fasthttp.Request
		ctx.Request.CopyTo(&req)
		in.requests <- &req
	}}
	done := make(chan error, 1)
	go func() { done <- s.Serve(in.listener) }()
	t.Cleanup(func() {
		in.listener.Close()
		<-done
	})
	return in
}

// signature checks that the next request is signed with the secret, and that it is not where that is "".
func (in *inbox) signature(t *testing.T, secret string) {
	t.Helper()
	req := <-in.requests
	value := string(req.Header.Peek("X-Hub-Signature"))
	if secret == "" {
		if value != "" {
			t.Errorf("signed: %s", value)
		}
		return
	}
	if err := sign.VerifyHub(value, req.Body(), sign.NewSecret(secret)); err != nil {
		t.Errorf("%s: %v", value, err)
	}
	if all := req.Header.PeekAll("X-Hub-Signature"); len(all) > 1 {
		t.Errorf("%d signatures", len(all))
	}
}

const (
	firstSecret  = "the first secret of a callback"
	secondSecret = "the second secret of a callback"
)

func withAdmin(in *inbox, fs vfs.FS) engine.Options {
	o := options(fs, in.receiver)
	o.Flavors = append(o.Flavors, jira.NewAdmin(jira.AdminOptions{PlainHTTP: true}))
	return o
}

// register registers one webhook for everything in project EX.
func register(t *testing.T, e *engine.Engine, flavor string, owner webhook.Owner, s *webhook.Settings) *webhook.Webhook {
	t.Helper()
	results, err := e.Register(ctx, engine.Registration{
		Flavor: flavor, Owner: owner, URL: "http://receiver.example/hook",
		Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}, Settings: s}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
	w, err := e.Registry().Webhook(owner.Tenant, results[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func prepared(t *testing.T, o engine.Options) *engine.Engine {
	t.Helper()
	e := open(t, o)
	if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
		t.Fatal(err)
	}
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestSetSecret: what is sent to an endpoint is signed from the next attempt on, also after a restart, until the secret is
// taken away.
func TestSetSecret(t *testing.T) {
	fs, in := vfs.NewMem(), newInbox(t)
	e := prepared(t, options(fs, in.receiver))
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	send := func(secret string) {
		t.Helper()
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		in.signature(t, secret)
		if e.Signed(w) != (secret != "") {
			t.Errorf("signed: %v", e.Signed(w))
		}
	}
	set := func(secret string) {
		t.Helper()
		if err := e.SetSecret(ctx, owner.Tenant, w.Endpoint, secret); err != nil {
			t.Fatal(err)
		}
	}
	send("")
	set(firstSecret)
	send(firstSecret)
	set(secondSecret)
	send(secondSecret)
	if ep, _ := e.Registry().Endpoint(w.Endpoint); strings.Contains(fmt.Sprint(ep.Signing), secondSecret) {
		t.Error("the secret is kept in the clear")
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	e = open(t, options(fs, in.receiver))
	send(secondSecret)
	set("")
	send("")

	var invalid *webhook.InvalidError
	if err := e.SetSecret(ctx, owner.Tenant, w.Endpoint, "short"); !errors.As(err, &invalid) || strings.Contains(err.Error(), `"short"`) {
		t.Errorf("a short secret: %v", err)
	}
	if err := e.SetSecret(ctx, "other", w.Endpoint, firstSecret); !errors.Is(err, registry.ErrUnknownEndpoint) {
		t.Errorf("another tenant's endpoint: %v", err)
	}
	if err := e.SetWebhookSecret(ctx, owner.Tenant, 7, firstSecret); !errors.Is(err, registry.ErrUnknownWebhook) {
		t.Errorf("an unknown webhook: %v", err)
	}
	send("")
}

// TestSetWebhookSecret: an admin webhook has its own secret, which wins over that of its endpoint; others have that of
// their endpoint.
func TestSetWebhookSecret(t *testing.T) {
	in := newInbox(t)
	e := prepared(t, withAdmin(in, vfs.NewMem()))
	admin := register(t, e, jira.AdminFlavor, webhook.Owner{Tenant: owner.Tenant}, &webhook.Settings{Name: "n", Description: "d"})
	now := func() *webhook.Webhook { w, _ := e.Registry().Webhook(owner.Tenant, admin.ID); return w }
	send := func(secret string) {
		t.Helper()
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		in.signature(t, secret)
		if e.Signed(now()) != (secret != "") {
			t.Errorf("signed: %v", e.Signed(now()))
		}
	}
	if err := e.SetSecret(ctx, owner.Tenant, admin.Endpoint, firstSecret); err != nil {
		t.Fatal(err)
	}
	send(firstSecret)
	if err := e.SetWebhookSecret(ctx, owner.Tenant, admin.ID, secondSecret); err != nil {
		t.Fatal(err)
	}
	send(secondSecret)
	made, err := e.RotateWebhookSecret(ctx, owner.Tenant, admin.ID)
	if err != nil || webhook.CheckSecret(made) != nil {
		t.Fatal(made, err)
	}
	send(made)
	if s := now().Settings; s.Name != "n" || s.Description != "d" || strings.Contains(s.Secret, made) {
		t.Errorf("settings %+v", s)
	}
	if err := e.SetWebhookSecret(ctx, owner.Tenant, admin.ID, ""); err != nil {
		t.Fatal(err)
	}
	send("")

	dynamic := register(t, e, jira.DynamicFlavor, owner, nil)
	if _, err := e.RotateWebhookSecret(ctx, owner.Tenant, dynamic.ID); err != nil {
		t.Fatal(err)
	}
	if ep, _ := e.Registry().Endpoint(dynamic.Endpoint); len(ep.Signing) != 1 || !e.Signed(dynamic) {
		t.Error("the callback of a dynamic webhook has no secret")
	}
}

// TestRotateSecret: the new secret is the first, the others stay until the overlap ends, and what the app sends is
// verified with either.
func TestRotateSecret(t *testing.T) {
	in := newInbox(t)
	e := prepared(t, options(vfs.NewMem(), in.receiver))
	secrets := func() (open []string) {
		a, _ := e.Registry().App(owner.Tenant, owner.App)
		for _, sealed := range a.Secrets {
			s, err := e.Keys().Open(sealed, a.SecretRecord())
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, s.Reveal())
		}
		return open
	}
	var want []string
	for n, given := range []string{firstSecret, "", secondSecret, "", "", ""} {
		secret, err := e.RotateSecret(ctx, owner.Tenant, owner.App, given)
		if err != nil || given != "" && secret != given || len(secret) < webhook.MinToken || slices.Contains(want, secret) {
			t.Fatalf("rotation %d: %q, %v", n, secret, err)
		}
		want = append([]string{secret}, want...)
		want = want[:min(len(want), webhook.MaxSecrets)]
		if got := secrets(); !slices.Equal(got, want) {
			t.Fatalf("rotation %d: %q, want %q", n, got, want)
		}
	}
	var invalid *webhook.InvalidError
	if _, err := e.RotateSecret(ctx, owner.Tenant, owner.App, "short"); !errors.As(err, &invalid) {
		t.Errorf("a short secret: %v", err)
	}
	for range 2 {
		if err := e.EndOverlap(ctx, owner.Tenant, owner.App); err != nil {
			t.Fatal(err)
		}
		if got := secrets(); !slices.Equal(got, want[:1]) {
			t.Fatalf("%q, want %q", got, want[:1])
		}
	}
	if _, err := e.RotateSecret(ctx, owner.Tenant, "nobody", ""); !errors.Is(err, webhook.ErrUnknownApp) {
		t.Error(err)
	}
	if err := e.EndOverlap(ctx, "nobody", "nobody"); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Error(err)
	}
}

// TestLostKeyOfEndpoint: a directory does not open without the key of the secret of an endpoint.
func TestLostKeyOfEndpoint(t *testing.T) {
	fs, in := vfs.NewMem(), newInbox(t)
	o := options(fs, in.receiver)
	o.SecretKeys = []sign.Secret{sign.NewSecret(strings.Repeat("ab", 32))}
	e := prepared(t, o)
	w := register(t, e, jira.DynamicFlavor, owner, nil)
	if err := e.SetSecret(ctx, owner.Tenant, w.Endpoint, firstSecret); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	o.SecretKeys = nil
	if _, err := engine.Open(o); err == nil || !strings.Contains(err.Error(), "add its key to SecretKeys") {
		t.Errorf("opened without the key: %v", err)
	}
}
