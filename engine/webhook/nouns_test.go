package webhook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hookline/engine/webhook"
)

// check compares an error of Validate with the part of its text that is expected; "" expects none.
func check(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	var invalid *webhook.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v; want an InvalidError with %q", what, err, want)
	}
}

func TestTenantValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tenant webhook.Tenant
		want   string
	}{
		{"shortest id", webhook.Tenant{ID: "a"}, ""},
		{"longest id", webhook.Tenant{ID: strings.Repeat("a", 63)}, ""},
		{"digits and hyphens", webhook.Tenant{ID: "0-9-"}, ""},
		{"no id", webhook.Tenant{}, `tenant id ""`},
		{"long id", webhook.Tenant{ID: strings.Repeat("a", 64)}, "use 1 to 63"},
		{"upper case", webhook.Tenant{ID: "Acme"}, "lower-case"},
		{"leading hyphen", webhook.Tenant{ID: "-acme"}, "starting with"},
		{"path in the id", webhook.Tenant{ID: "a/b"}, "tenant id"},
		{"line feed after the id", webhook.Tenant{ID: "acme\n"}, "tenant id"},
		{"hosts", webhook.Tenant{ID: "a", Hosts: []string{"acme.example", "x", "192.0.2.1", "Acme.EXAMPLE"}}, ""},
		{"host with port", webhook.Tenant{ID: "a", Hosts: []string{"acme.example:80"}}, "no scheme, port or path"},
		{"host with scheme", webhook.Tenant{ID: "a", Hosts: []string{"https://acme.example"}}, "not a host name"},
		{"empty host", webhook.Tenant{ID: "a", Hosts: []string{"x", ""}}, `host ""`},
		{"host ends in a dot", webhook.Tenant{ID: "a", Hosts: []string{"acme.example."}}, "not a host name"},
		{"epic link", webhook.Tenant{ID: "a", Site: webhook.Site{EpicLink: 10014}}, ""},
		{"negative epic link", webhook.Tenant{ID: "a", Site: webhook.Site{EpicLink: -1}}, "epicLink -1"},
	}
	for _, tt := range tests {
		check(t, tt.name, tt.tenant.Validate(), tt.want)
	}
	mixed := webhook.Tenant{ID: "a", Hosts: []string{"Acme.Example"}}
	if err := mixed.Validate(); err != nil || mixed.Hosts[0] != "acme.example" {
		t.Errorf("hosts are %q, %v; want them in lower case", mixed.Hosts, err)
	}
}

func TestAppValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		app  webhook.App
		want string
	}{
		{"plain", webhook.App{Tenant: "acme", Key: "ci"}, ""},
		{"all characters", webhook.App{Tenant: "acme", Key: "A.z_0-9"}, ""},
		{"oauth", webhook.App{Tenant: "acme", Key: "ci", Kind: webhook.OAuth, Tokens: []webhook.AppToken{{Hash: "ab", User: "u"}}}, ""},
		{"base", webhook.App{Tenant: "acme", Key: "ci", BaseURL: "https://app.example/base"}, ""},
		{"plain base", webhook.App{Tenant: "acme", Key: "ci", BaseURL: "http://app.example/base"}, ""},
		{"bad tenant", webhook.App{Tenant: "ACME", Key: "ci"}, `tenant id "ACME"`},
		{"no key", webhook.App{Tenant: "acme"}, "app key"},
		{"long key", webhook.App{Tenant: "acme", Key: strings.Repeat("k", 129)}, "1 to 128"},
		{"slash in the key", webhook.App{Tenant: "acme", Key: "a/b"}, "app key"},
		{"kind", webhook.App{Tenant: "acme", Key: "ci", Kind: "forge"}, "use connect or oauth"},
		{"relative base", webhook.App{Tenant: "acme", Key: "ci", BaseURL: "/base"}, "baseURL: the URL is not an absolute"},
		{"user of a Connect app", webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: "ab", User: "u"}}}, "only apps of kind oauth have users"},
	}
	for _, tt := range tests {
		check(t, tt.name, tt.app.Validate(), tt.want)
	}
	a := webhook.App{Tenant: "acme", Key: "ci"}
	if err := a.Validate(); err != nil || a.Kind != webhook.Connect {
		t.Errorf("an app without kind is %q, %v; want connect", a.Kind, err)
	}
}

func TestEventValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event webhook.Event
		want  string
	}{
		{"nothing", webhook.Event{}, ""},
		{"all", webhook.Event{Key: strings.Repeat("k", webhook.MaxKey), Trace: " ~" + strings.Repeat("t", webhook.MaxTrace-2), Flow: webhook.Secondary}, ""},
		{"long key", webhook.Event{Key: strings.Repeat("k", webhook.MaxKey+1)}, "idempotency key has 256 bytes"},
		{"long trace", webhook.Event{Trace: strings.Repeat("t", webhook.MaxTrace+1)}, "trace has 1025 bytes"},
		{"line feed in the trace", webhook.Event{Trace: "a\nb"}, "byte 0x0a at 1"},
		{"letter beyond ASCII in the trace", webhook.Event{Trace: "ä"}, "byte 0xc3 at 0"},
		{"flow", webhook.Event{Flow: 2}, "flow 2"},
	}
	for _, tt := range tests {
		check(t, tt.name, tt.event.Validate(), tt.want)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const token = "a token that is long enough"
	hash := webhook.HashToken(token)
	if len(hash) != 64 || strings.Contains(string(hash), "token") {
		t.Errorf("the hash is %q; want 64 hex digits", hash)
	}
	tenant := webhook.Tenant{Tokens: []webhook.TokenHash{webhook.HashToken("another"), hash}}
	for given, want := range map[string]bool{token: true, token + " ": false, "": false, string(hash): false} {
		if got := tenant.Admits(given); got != want {
			t.Errorf("Admits(%q) = %v", given, got)
		}
	}
	if new(webhook.Tenant).Admits("") {
		t.Error("a tenant without tokens admits the empty one")
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	w := webhook.Webhook{Expires: at}
	for now, want := range map[time.Time]bool{at.Add(-1): false, at: true, at.Add(1): true} {
		if got := w.Expired(now); got != want {
			t.Errorf("Expired(%v) = %v", now, got)
		}
	}
	if forever := new(webhook.Webhook); forever.Expired(at) {
		t.Error("a webhook without an end has expired")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		webhook.Primary.String(): "Primary", webhook.Secondary.String(): "Secondary",
		webhook.Embedded.String(): "embedded", webhook.HTTP.String(): "http",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
