package config_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hookline/engine/config"
	"hookline/engine/egress"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/webhook"
)

// file writes a configuration file and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hookline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, environ map[string]string) config.Config {
	t.Helper()
	c, err := config.Load(file(t, text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := config.Config{
		Listen: "127.0.0.1:8080", Operations: "127.0.0.1:8081", Data: "hookline-data", HostLimit: 20, MaxBody: 25_000_000,
		CacheSize: 256 << 20, KeepAttempts: 72 * time.Hour, ShutdownTimeout: 30 * time.Second, LogFormat: "text",
		Disk:      config.Disk{Ballast: -1},
		Jira:      config.Jira{ExpiryWarning: 72 * time.Hour},
		Migration: config.Migration{GiveUp: 72 * time.Hour, StripBase: true},
	}
	for name, text := range map[string]string{"empty": "", "white": " \n\n", "comment": "# nothing yet\n", "null": "~\n", "markers": "---\n...\n"} {
		if got := load(t, text, nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%s file: %+v", name, got)
		}
	}
	got, err := config.Load("", map[string]string{"LISTEN": "0.0.0.0:1", "HOME": "/"})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("no file: %+v, %v", got, err)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

const everything = `
listen: 0.0.0.0:80
operations: 127.0.0.1:81
data: /var/lib/hookline
admin_token: an admin token for tests
allow_http: true
egress: {off: true, allow: [10.0.0.0/8, "fd00::/8"], ports: [443, 8443], proxy: "http://proxy.example:3128"}
tls: {ca: ca.pem, cert: cert.pem, key: key.pem, min_version: "1.3"}
host_limit: 7
replay_limit: 3
fixed_limit: true
breaker: {failures: 5, open: 4s, max_open: 1m}
max_body: 1000
cache_size: 2000
memory_budget: 6000
keep_attempts: 24h
trust_clock: true
disk: {read_only_below: 5000, scarce_below: 3000, ballast: 1000}
keep_delivered: 6h
keep_attempts_bytes: 3000000000
keep_dead_bytes: 4000
shutdown_timeout: 90s
log_level: debug
log_format: json
jira:
  connect_limit: 10
  oauth_limit: 2
  admin_limit: 30
  descriptor_limit: 40
  life: 720h
  auto_extend: true
  expiry_warning: 48h
  many_urls: true
  seed_events: true
  bare_array: true
  patch: true
  failed_connect_only: true
  waits: [1s, 1m30s]
  timeout: 3s
migration:
  give_up: 0
  accept_2xx: true
  waits: [4s, 5s]
  timeout: 6s
  endpoints: 7
  strip_base: false
arcxp:
  limit: 7
  untagged: all
  created: true
  raw_token: true
  keep_queued: true
  waits: [5s]
  timeout: 4s
tenants:
  - id: acme
    hosts: [acme.example]
    epic_link: 10020
    custom_fields:
      - {id: 10016, name: Story points, type: number}
    priorities: [Low, High]
    time_zone: Etc/UTC
    week_start: sunday
    display_names: true
    filter_projects: true
    projects:
      - {id: 10000, key: EX, name: Example, boards: [5]}
    dialect: full
    connect_limit: 300
    oauth_limit: 20
    region: EU
    tokens: [a publisher's token]
    apps:
      - key: ci
        kind: oauth
        base_url: https://ci.example/
        issuer: client-id
        secrets: [a client secret of ci, the one before it]
        tokens:
          - {token: a token of one user, user: u1}
`

func TestFile(t *testing.T) {
	t.Parallel()
	got := load(t, everything, nil)
	want := config.Config{
		Listen: "0.0.0.0:80", Operations: "127.0.0.1:81", Data: "/var/lib/hookline", AdminToken: "an admin token for tests",
		Egress: config.Egress{
			Off: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, Ports: []uint16{443, 8443},
			Proxy: "http://proxy.example:3128",
		},
		TLS:  config.TLS{CA: "ca.pem", Cert: "cert.pem", Key: "key.pem", MinVersion: "1.3"},
		Disk: config.Disk{ReadOnlyBelow: 5000, ScarceBelow: 3000, Ballast: 1000}, TrustClock: true,
		AllowHTTP: true, HostLimit: 7, ReplayLimit: 3, FixedLimit: true, Breaker: config.Breaker{Failures: 5, Open: 4 * time.Second, MaxOpen: time.Minute}, MaxBody: 1000, CacheSize: 2000, MemoryBudget: 6000, KeepAttempts: 24 * time.Hour, KeepDelivered: 6 * time.Hour, KeepAttemptsBytes: 3_000_000_000, KeepDeadBytes: 4000, ShutdownTimeout: 90 * time.Second,
		LogLevel: slog.LevelDebug, LogFormat: "json",
		Jira: config.Jira{
			ConnectLimit: 10, OAuthLimit: 2, AdminLimit: 30, DescriptorLimit: 40, Life: 720 * time.Hour, AutoExtend: true, ExpiryWarning: 48 * time.Hour, ManyURLs: true, SeedEvents: true, BareArray: true, Patch: true, FailedConnectOnly: true,
			Waits: []time.Duration{time.Second, 90 * time.Second}, Timeout: 3 * time.Second,
		},
		Migration: config.Migration{
			Accept2xx: true, Waits: []time.Duration{4 * time.Second, 5 * time.Second}, Timeout: 6 * time.Second, Endpoints: 7,
		},
		ArcXP: config.ArcXP{
			Limit: 7, Untagged: arcxp.All, Created: true, RawToken: true, KeepQueued: true, Waits: []time.Duration{5 * time.Second}, Timeout: 4 * time.Second,
		},
		Tenants: []config.Tenant{{
			ID: "acme", Hosts: []string{"acme.example"}, Tokens: []string{"a publisher's token"},
			Site: webhook.Site{
				EpicLink: 10020, CustomFields: []webhook.CustomField{{ID: 10016, Name: "Story points", Type: "number"}},
				Priorities: []string{"Low", "High"}, TimeZone: "Etc/UTC", WeekStart: "sunday", DisplayNames: true, Dialect: "full",
				FilterProjects: true, Projects: []webhook.Project{{ID: 10000, Key: "EX", Name: "Example", Boards: []int64{5}}},
			},
			Limits: webhook.Limits{ConnectLimit: 300, OAuthLimit: 20}, Region: "EU",
			Apps: []config.App{{
				Key: "ci", Kind: webhook.OAuth, BaseURL: "https://ci.example/",
				Issuer: "client-id", Secrets: []string{"a client secret of ci", "the one before it"},
				Tokens: []config.AppToken{{Token: "a token of one user", User: "u1"}},
			}},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	got.TLS = config.TLS{} // whose files are not there
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	c := load(t, everything, map[string]string{
		"HOOKLINE_LISTEN": "127.0.0.1:9", "HOOKLINE_OPERATIONS": "127.0.0.1:10", "HOOKLINE_DATA": "d",
		"HOOKLINE_ADMIN_TOKEN": "another admin token", "HOOKLINE_ALLOW_HTTP": "false", "HOOKLINE_HOST_LIMIT": "8", "HOOKLINE_REPLAY_LIMIT": "4", "HOOKLINE_FIXED_LIMIT": "false",
		"HOOKLINE_EGRESS_OFF": "false", "HOOKLINE_EGRESS_ALLOW": "127.0.0.0/8,::1/128", "HOOKLINE_EGRESS_PORTS": "80,81",
		"HOOKLINE_EGRESS_PROXY": "http://other.example", "HOOKLINE_TLS_CA": "a", "HOOKLINE_TLS_CERT": "b", "HOOKLINE_TLS_KEY": "c",
		"HOOKLINE_TLS_MIN_VERSION":  "1.2",
		"HOOKLINE_BREAKER_FAILURES": "-1", "HOOKLINE_BREAKER_OPEN": "22s", "HOOKLINE_BREAKER_MAX_OPEN": "23s",
		"HOOKLINE_KEEP_ATTEMPTS": "7h", "HOOKLINE_KEEP_DELIVERED": "0",
		"HOOKLINE_DISK_READ_ONLY_BELOW": "-1", "HOOKLINE_DISK_SCARCE_BELOW": "6", "HOOKLINE_DISK_BALLAST": "0", "HOOKLINE_TRUST_CLOCK": "false",
		"HOOKLINE_KEEP_ATTEMPTS_BYTES": "71", "HOOKLINE_KEEP_DEAD_BYTES": "72",
		"HOOKLINE_MAX_BODY": "9", "HOOKLINE_CACHE_SIZE": "10", "HOOKLINE_MEMORY_BUDGET": "30", "HOOKLINE_SHUTDOWN_TIMEOUT": "11s",
		"HOOKLINE_LOG_LEVEL": "warn", "HOOKLINE_LOG_FORMAT": "text",
		"HOOKLINE_JIRA_CONNECT_LIMIT": "12", "HOOKLINE_JIRA_OAUTH_LIMIT": "13", "HOOKLINE_JIRA_ADMIN_LIMIT": "31", "HOOKLINE_JIRA_DESCRIPTOR_LIMIT": "41", "HOOKLINE_JIRA_LIFE": "14h",
		"HOOKLINE_JIRA_MANY_URLS": "false", "HOOKLINE_JIRA_WAITS": "15s,16m", "HOOKLINE_JIRA_TIMEOUT": "17s",
		"HOOKLINE_JIRA_REPLACE_ON_CONFLICT": "true", "HOOKLINE_JIRA_SEED_EVENTS": "false", "HOOKLINE_JIRA_BARE_ARRAY": "false", "HOOKLINE_JIRA_PATCH": "false",
		"HOOKLINE_JIRA_FAILED_CONNECT_ONLY": "false", "HOOKLINE_JIRA_AUTO_EXTEND": "false", "HOOKLINE_JIRA_EXPIRY_WARNING": "16h",
		"HOOKLINE_MIGRATION_GIVE_UP": "18h", "HOOKLINE_MIGRATION_ACCEPT_2XX": "false", "HOOKLINE_MIGRATION_WAITS": "19s",
		"HOOKLINE_MIGRATION_TIMEOUT": "20s", "HOOKLINE_MIGRATION_ENDPOINTS": "21", "HOOKLINE_MIGRATION_STRIP_BASE": "true",
		"HOOKLINE_ARCXP_LIMIT": "18", "HOOKLINE_ARCXP_UNTAGGED": "none", "HOOKLINE_ARCXP_CREATED": "false",
		"HOOKLINE_ARCXP_RAW_TOKEN": "false", "HOOKLINE_ARCXP_KEEP_QUEUED": "false", "HOOKLINE_ARCXP_WAITS": "19s,20m", "HOOKLINE_ARCXP_TIMEOUT": "21s",
	})
	want := config.Config{
		Listen: "127.0.0.1:9", Operations: "127.0.0.1:10", Data: "d", AdminToken: "another admin token", HostLimit: 8, ReplayLimit: 4,
		Disk:         config.Disk{ReadOnlyBelow: -1, ScarceBelow: 6},
		Egress:       config.Egress{Allow: egress.Loopback(), Ports: []uint16{80, 81}, Proxy: "http://other.example"},
		TLS:          config.TLS{CA: "a", Cert: "b", Key: "c", MinVersion: "1.2"},
		Breaker:      config.Breaker{Failures: -1, Open: 22 * time.Second, MaxOpen: 23 * time.Second},
		KeepAttempts: 7 * time.Hour, KeepAttemptsBytes: 71, KeepDeadBytes: 72,
		MaxBody: 9, CacheSize: 10, MemoryBudget: 30, ShutdownTimeout: 11 * time.Second, LogLevel: slog.LevelWarn, LogFormat: "text",
		Jira: config.Jira{
			ConnectLimit: 12, OAuthLimit: 13, AdminLimit: 31, DescriptorLimit: 41, Life: 14 * time.Hour, ExpiryWarning: 16 * time.Hour, ReplaceOnConflict: true,
			Waits: []time.Duration{15 * time.Second, 16 * time.Minute}, Timeout: 17 * time.Second,
		},
		Migration: config.Migration{
			GiveUp: 18 * time.Hour, Waits: []time.Duration{19 * time.Second}, Timeout: 20 * time.Second, Endpoints: 21, StripBase: true,
		},
		ArcXP: config.ArcXP{
			Limit: 18, Untagged: arcxp.None, Waits: []time.Duration{19 * time.Second, 20 * time.Minute}, Timeout: 21 * time.Second,
		},
		Tenants: c.Tenants,
	}
	if !reflect.DeepEqual(c, want) || len(c.Tenants) != 1 {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
	kept := load(t, everything, map[string]string{"HOOKLINE_HOST_LIMIT": "8"})
	if kept.HostLimit != 8 || kept.Listen != "0.0.0.0:80" || kept.Jira.Life != 720*time.Hour {
		t.Errorf("one variable changed more than its setting: %+v", kept)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		environ    map[string]string
		want       []string
	}{
		{name: "unknown key", text: "data: d\nliste: x\n", want: []string{"hookline.yaml", "line 2", "liste"}},
		{name: "unknown key below jira", text: "jira:\n  lief: 1h\n", want: []string{"hookline.yaml", "line 2", "lief"}},
		{name: "unknown key of a tenant", text: "tenants:\n- id: a\n  token: x\n", want: []string{"line 3", "token"}},
		{name: "unknown key of an app", text: "tenants:\n- id: a\n  apps:\n  - key: k\n    url: x\n", want: []string{"line 5", "url"}},
		{name: "key twice", text: "data: a\ndata: b\n", want: []string{"hookline.yaml", `"data"`}},
		{name: "two documents", text: "data: a\n---\ndata: b\n", want: []string{"more than one document"}},
		{name: "no mapping", text: "- a\n", want: []string{"hookline.yaml", "line 1"}},
		{name: "no YAML", text: "a: b: c\n", want: []string{"hookline.yaml", "L1"}},
		{name: "duration without unit", text: "jira:\n  life: 30\n", want: []string{"line 2", "time.Duration"}},
		{name: "number", text: "host_limit: many\n", want: []string{"line 1", "int"}},
		{name: "network", text: "egress:\n  allow: [10.0.0.1]\n", want: []string{"line 2", "netip.ParsePrefix"}},
		{name: "port", text: "egress: {ports: [65536]}\n", want: []string{"line 1", "uint16"}},
		{name: "level", text: "log_level: loud\n", want: []string{"line 1", "loud"}},
		{name: "number in a variable", environ: map[string]string{"HOOKLINE_HOST_LIMIT": "many"}, want: []string{"HOOKLINE_HOST_LIMIT"}},
		{name: "network in a variable", environ: map[string]string{"HOOKLINE_EGRESS_ALLOW": "10.0.0.1"}, want: []string{"HOOKLINE_EGRESS_ALLOW"}},
		{name: "duration in a variable", environ: map[string]string{"HOOKLINE_JIRA_LIFE": "30"}, want: []string{"HOOKLINE_JIRA_LIFE", "unit"}},
		{
			name:    "two variables",
			environ: map[string]string{"HOOKLINE_LOG_LEVEL": "loud", "HOOKLINE_JIRA_WAITS": "soon"},
			want:    []string{"HOOKLINE_LOG_LEVEL", "HOOKLINE_JIRA_WAITS"},
		},
	}
	for _, tt := range tests {
		_, err := config.Load(file(t, tt.text), tt.environ)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		for _, part := range tt.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not name %q", tt.name, err, part)
			}
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A secret that is written in the wrong form or place does not end up in an error, and so in a log.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"tenants:\n- id: a\n  tokens: s3cret\n",
		"tenants:\n- id: a\n  tokens: s3cret-and-more-of-it\n",
		"tenants:\n- id: a\n  tokens: \"s3cre`t\"\n",
		"tenants:\n- id: a\n  tokens: \"s3cret\\nx\"\n",
		"tenants:\n- id: a\n  apps:\n  - key: k\n    tokens: [s3cret]\n",
		"host_limit: s3cret\nmax_body: s3cret\n",
		"admin_token: [s3cret]\n",
		"admin_token: {s3cret: 1}\n",
		"admin_token: *s3cret\n",
		"admin_token: \"s3cret\n",
		"admin_token: s3cret\nlisten: nowhere\n",
		"tenants:\n- id: a\n  tokens: [s3cret]\n  apps: [{key: k, tokens: [{token: s3cret}]}, {key: /, tokens: [{token: s3cret}]}]\n",
	} {
		c, err := config.Load(file(t, text), nil)
		if err == nil {
			err = c.Validate()
		}
		if err == nil || strings.Contains(err.Error(), "s3cre") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
