package config_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine"
	"hookline/engine/config"
	"hookline/engine/egress"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

func open(t *testing.T, c *config.Config) *engine.Engine {
	t.Helper()
	c.Data, c.CacheSize = t.TempDir(), 1<<20
	e, err := engine.Open(c.Engine())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func apply(t *testing.T, e *engine.Engine, text string) {
	t.Helper()
	c := load(t, text, nil)
	if err := c.Apply(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	c := config.Default()
	e := open(t, &c)
	if err := e.PutTenant(t.Context(), webhook.Tenant{ID: "other"}); err != nil {
		t.Fatal(err)
	}
	apply(t, e, everything)
	tenant, ok := e.Registry().Tenant("acme")
	if !ok || tenant.EpicLink != 10020 || !tenant.Admits("a publisher's token") {
		t.Fatalf("tenant %+v", tenant)
	}
	caller, ok := e.Registry().Authenticate("acme", "a token of one user")
	if !ok || caller.Owner != (webhook.Owner{Tenant: "acme", App: "ci", User: "u1"}) || caller.App.BaseURL != "https://ci.example/" {
		t.Fatalf("caller %+v", caller)
	}

	apply(t, e, "tenants:\n- id: acme\n  epic_link: 7\n")
	if tenant, _ = e.Registry().Tenant("acme"); tenant.EpicLink != 7 {
		t.Errorf("the setting of the file did not replace the old one: %+v", tenant)
	}
	if _, ok := e.Registry().App("acme", "ci"); !ok {
		t.Error("an app that the file does not name was removed")
	}
	if _, ok := e.Registry().Tenant("other"); !ok {
		t.Error("a tenant that the file does not name was removed")
	}
}

// A restart takes nothing away that was added over the API, and brings back what is in the file.
func TestApplyAdds(t *testing.T) {
	t.Parallel()
	c := config.Default()
	e := open(t, &c)
	apply(t, e, everything)
	ctx, hash := t.Context(), webhook.HashToken
	_, err := e.Registry().ChangeTenant(ctx, "acme", func(t *webhook.Tenant) {
		t.Hosts, t.Tokens = []string{"api.example"}, []webhook.TokenHash{hash("a token made over the API")}
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Registry().ChangeApp(ctx, "acme", "ci", func(a *webhook.App) {
		a.BaseURL = ""
		a.Tokens = []webhook.AppToken{{Hash: hash("an app's token made over the API"), User: "u9"}, {Hash: hash("a token of one user"), User: "u8"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time adds nothing
		apply(t, e, everything)
		tenant, _ := e.Registry().Tenant("acme")
		if len(tenant.Tokens) != 2 || !tenant.Admits("a publisher's token") || !tenant.Admits("a token made over the API") {
			t.Errorf("the tenant's tokens are not those of the API and the file: %+v", tenant)
		}
		if want := []string{"api.example", "acme.example"}; !slices.Equal(tenant.Hosts, want) {
			t.Errorf("hosts %q; want %q", tenant.Hosts, want)
		}
		for token, user := range map[string]string{"a token of one user": "u1", "an app's token made over the API": "u9"} {
			if caller, ok := e.Registry().Authenticate("acme", token); !ok || caller.Owner.User != user || caller.App.BaseURL != "https://ci.example/" || len(caller.App.Tokens) != 2 {
				t.Errorf("%s: caller %+v", token, caller)
			}
		}
	}
}

// Secrets are kept sealed, and the file's replace those of the API; without any in the file, the API's stay.
func TestApplySecrets(t *testing.T) {
	t.Parallel()
	c := config.Default()
	e := open(t, &c)
	check := func(issuer string, want ...string) {
		t.Helper()
		a, _ := e.Registry().App("acme", "ci")
		if a.Issuer != issuer || len(a.Secrets) != len(want) {
			t.Fatalf("issuer %q, %d secrets; want %q, %d", a.Issuer, len(a.Secrets), issuer, len(want))
		}
		for i, sealed := range a.Secrets {
			secret, err := e.Keys().Open(sealed, a.SecretRecord())
			if err != nil || secret.Reveal() != want[i] || strings.Contains(sealed, want[i]) {
				t.Errorf("secret %d opens to %q, %v", i, secret.Reveal(), err)
			}
		}
	}
	for range 2 {
		apply(t, e, everything)
		check("client-id", "a client secret of ci", "the one before it")
	}
	sealed, err := e.Keys().Seal(sign.NewSecret("a secret made over the API"), (&webhook.App{Tenant: "acme", Key: "ci"}).SecretRecord())
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Registry().ChangeApp(t.Context(), "acme", "ci", func(a *webhook.App) { a.Issuer, a.Secrets = "api", []string{sealed} })
	if err != nil {
		t.Fatal(err)
	}
	apply(t, e, "tenants: [{id: acme, apps: [{key: ci, kind: oauth}]}]")
	check("api", "a secret made over the API")
	apply(t, e, everything)
	check("client-id", "a client secret of ci", "the one before it")
	if tenant, _ := e.Registry().Tenant("acme"); tenant.Limits != (webhook.Limits{ConnectLimit: 300, OAuthLimit: 20}) {
		t.Errorf("limits %+v", tenant.Limits)
	}
}

func TestApplyNamesWhatFailed(t *testing.T) {
	t.Parallel()
	c := config.Default()
	e := open(t, &c)
	if err := e.PutTenant(t.Context(), webhook.Tenant{ID: "other", Hosts: []string{"taken.example"}}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"tenants: [{id: acme, hosts: [taken.example]}]":                                                        "tenant acme: host taken.example",
		"tenants: [{id: b, apps: [{key: k, kind: forge}]}]":                                                    "tenant b: app k",
		"tenants: [{id: c, apps: [{key: k, tokens: [{token: s3cret}]}, {key: l, tokens: [{token: s3cret}]}]}]": "tenant c: app l",
	} {
		c := load(t, text, nil)
		err := c.Apply(t.Context(), e)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %v; want %q", text, err, want)
		}
	}
}

func TestEngineOptions(t *testing.T) {
	t.Parallel()
	c := load(t, everything, nil)
	o := c.Engine()
	if o.Dir != "/var/lib/hookline" || o.HostLimit != 7 || o.ReplayLimit != 3 || !o.FixedLimit || o.MaxBody != 1000 || o.CacheSize != 2000 || o.MemoryBudget != 6000 || o.KeepAttempts != 24*time.Hour || o.KeepDelivered != 6*time.Hour || o.KeepAttemptsBytes != 3_000_000_000 || o.KeepDeadBytes != 4000 || len(o.Flavors) != 6 {
		t.Fatalf("options %+v", o)
	}
	if e := o.Egress; !e.Off || len(e.Allow) != 2 || len(e.Ports) != 2 || e.Proxy != c.Egress.Proxy || e.TLS != egress.TLS(c.TLS) {
		t.Errorf("egress %+v", e)
	}
	rules, policy := o.Flavors[0].Rules(), o.Flavors[0].Policy()
	connect, oauth := rules.Limit(&webhook.Tenant{}, &webhook.App{Kind: webhook.Connect}), rules.Limit(&webhook.Tenant{}, &webhook.App{Kind: webhook.OAuth})
	if connect != 10 || oauth != 2 || rules.Life != 720*time.Hour || rules.OneURL || !rules.PlainHTTP {
		t.Errorf("limits %d and %d, rules %+v", connect, oauth, rules)
	}
	if policy.Timeout != 3*time.Second || policy.ConnectTimeout != 3*time.Second || len(policy.Backoff) != 2 {
		t.Errorf("policy %+v", policy)
	}

	if !rules.AutoExtend || rules.Warning != 48*time.Hour {
		t.Errorf("extension and warning: %+v", rules)
	}

	if rules := o.Flavors[1].Rules(); rules.Flavor != "jira-admin" || rules.Limit(nil, nil) != 30 || !rules.PlainHTTP || o.Flavors[1].Policy().Timeout != 3*time.Second {
		t.Errorf("admin rules %+v", rules)
	}
	rules, policy = o.Flavors[2].Rules(), o.Flavors[2].Policy()
	if rules.System != webhook.Migration || rules.Limit(nil, nil) != 7 || !rules.PlainHTTP || policy.Timeout != 6*time.Second ||
		policy.ConnectTimeout != 5*time.Second || len(policy.Backoff) != 2 || policy.GiveUp != 0 || !policy.Accepts(204) {
		t.Errorf("migration: rules %+v, policy %+v", rules, policy)
	}
	arc := o.Flavors[3]
	if p := arc.Policy(); arc.Rules().Limit(nil, nil) != 7 || !arc.Rules().PlainHTTP || p.Timeout != 4*time.Second || len(p.Backoff) != 1 {
		t.Errorf("arcxp: rules %+v, policy %+v", arc.Rules(), p)
	}

	plain := config.Default()
	rules, policy = plain.Engine().Flavors[0].Rules(), plain.Engine().Flavors[0].Policy()
	if rules.Limit(&webhook.Tenant{}, &webhook.App{}) != 100 || rules.Limit(&webhook.Tenant{}, &webhook.App{Kind: webhook.OAuth}) != 5 || rules.Life != 30*24*time.Hour || !rules.OneURL || rules.PlainHTTP {
		t.Errorf("default rules %+v", rules)
	}
	if rules.AutoExtend || rules.Warning != 72*time.Hour {
		t.Errorf("default extension and warning: %+v", rules)
	}
	if policy.Timeout != 20*time.Second || len(policy.Backoff) != 5 {
		t.Errorf("default policy %+v", policy)
	}
	rules, policy = plain.Engine().Flavors[2].Rules(), plain.Engine().Flavors[2].Policy()
	if rules.Limit(nil, nil) != 20 || policy.Timeout != 5*time.Second || policy.GiveUp != 72*time.Hour || !policy.Repeat || policy.Accepts(204) {
		t.Errorf("migration: default limit %d, policy %+v", rules.Limit(nil, nil), policy)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := config.Config{LogLevel: slog.LevelWarn, LogFormat: "json"}
	log := c.Logger(&out)
	log.Info("quiet")
	log.Warn("loud", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "loud" || line["n"] != 1.0 {
		t.Errorf("the log is %q (%v)", out.String(), err)
	}
	out.Reset()
	c = config.Default()
	c.Logger(&out).Info("text")
	if !strings.Contains(out.String(), "msg=text") {
		t.Errorf("the log is %q", out.String())
	}
}
