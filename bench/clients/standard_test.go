package clients

import (
	"context"
	"strings"
	"testing"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	nouns "hookline/engine/webhook"
)

// embedded is an engine with one webhook, for what has no path of its own at the server.
type embedded struct {
	*engine.Engine
	endpoint uint64
}

func newEmbedded(t *testing.T, url string) embedded {
	t.Helper()
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), CacheSize: 1 << 20, Egress: egress.Options{Allow: egress.Loopback()},
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true})},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ctx, owner := t.Context(), nouns.Owner{Tenant: "acme", App: "ci"}
	if err := e.PutTenant(ctx, nouns.Tenant{ID: owner.Tenant}); err != nil {
		t.Fatal(err)
	}
	if err := e.PutApp(ctx, nouns.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		t.Fatal(err)
	}
	results, err := e.Register(ctx, engine.Registration{
		Owner: owner, URL: url, Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_created"}}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
	list, err := e.Registry().List(owner, jira.DynamicFlavor)
	if err != nil {
		t.Fatal(err)
	}
	return embedded{e, list[0].Endpoint}
}

// signed sets a way of signing and rotates it, so that deliveries have a signature by each of two secrets.
func (e embedded) signed(t *testing.T, kind nouns.SigningKind) (before, after string) {
	t.Helper()
	before, err := e.SetSigning(t.Context(), "acme", e.endpoint, kind, "")
	if err != nil {
		t.Fatal(err)
	}
	after, err = e.RotateSigning(t.Context(), "acme", e.endpoint, kind, "", engine.DefaultOverlap)
	if err != nil {
		t.Fatal(err)
	}
	return before, after
}

// TestStandardWebhooks: standardwebhooks takes a delivery by either secret of a rotation, and by no other; node's own Ed25519
// does the same by the public keys.
func TestStandardWebhooks(t *testing.T) {
	verify, r := start(t, "verify.mjs", nil), newReceiver(t, 200)
	e := newEmbedded(t, r.url)
	before, after := e.signed(t, nouns.Standard)
	e.signed(t, nouns.Ed25519)
	states, err := e.Signing("acme", e.endpoint)
	if err != nil || len(states) != 2 || len(states[1].Before) != 1 {
		t.Fatalf("%+v, %v", states, err)
	}
	if _, err := e.Publish(t.Context(), nouns.Event{Tenant: "acme", Body: []byte(issueCreated)}); err != nil {
		t.Fatal(err)
	}
	got := r.next()
	headers := map[string]string{}
	for name := range got.header {
		headers[strings.ToLower(name)] = got.header.Get(name)
	}
	changed := strings.Replace(got.body, "EX-1", "EX-2", 1)
	other := newEmbedded(t, r.url)
	_, unknown := other.signed(t, nouns.Standard)
	_, _ = other.signed(t, nouns.Ed25519)
	others, err := other.Signing("acme", other.endpoint)
	if err != nil || changed == got.body {
		t.Fatal(err, changed)
	}

	for _, secret := range []string{before, after} {
		verify.ask(map[string]any{"verifier": "standardwebhooks", "secret": secret, "body": got.body, "headers": headers}, nil)
	}
	for secret, body := range map[string]string{unknown: got.body, after: changed} {
		_, refused := verify.try(map[string]any{"verifier": "standardwebhooks", "secret": secret, "body": body, "headers": headers})
		if refused == nil || refused.Message != "No matching signature found" {
			t.Errorf("a signature that does not fit is answered with %+v", refused)
		}
	}

	for _, c := range []struct {
		public, body string
		want         bool
	}{
		{states[1].PublicKey, got.body, true}, {states[1].Before[0].PublicKey, got.body, true},
		{others[1].PublicKey, got.body, false}, {states[1].PublicKey, changed, false},
	} {
		var fits bool
		verify.ask(map[string]any{"verifier": "ed25519", "publicKey": c.public, "body": c.body, "headers": headers}, &fits)
		if fits != c.want {
			t.Errorf("by %s the signature fits %s: %v", c.public, c.body, fits)
		}
	}
}
