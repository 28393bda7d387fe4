package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/config"
	"hookline/engine/webhook"
)

func TestValidateNamesEverything(t *testing.T) {
	t.Parallel()
	c := config.Config{
		Listen: "8080", AdminToken: "short", LogFormat: "xml", ShutdownTimeout: -time.Second, KeepAttempts: -time.Hour, KeepDelivered: -time.Minute, KeepAttemptsBytes: -1, KeepDeadBytes: -2, HostLimit: -1, ReplayLimit: -1,
		Egress: config.Egress{Ports: []uint16{0}, Proxy: "proxy:3128 of 123"}, TLS: config.TLS{CA: "nowhere.pem", Cert: "a.pem", MinVersion: "1"},
		Breaker:      config.Breaker{Open: -time.Second, MaxOpen: -time.Minute},
		Disk:         config.Disk{ReadOnlyBelow: 100, ScarceBelow: 101, Ballast: -2},
		MemoryBudget: -1,

		Jira:      config.Jira{ConnectLimit: -1, OAuthLimit: -2, AdminLimit: -3, DescriptorLimit: -4, Life: -time.Hour, Timeout: -time.Minute, ManyURLs: true, ReplaceOnConflict: true, Waits: []time.Duration{time.Second, 0}},
		Migration: config.Migration{GiveUp: -time.Second, Timeout: -time.Second, Endpoints: -1, Waits: []time.Duration{-time.Second}},
		ArcXP:     config.ArcXP{Limit: -1, Untagged: "some", Timeout: -time.Minute, Waits: []time.Duration{0}},
		Tenants: []config.Tenant{
			{ID: "Acme", Tokens: []string{"short"}},
			{ID: "one", Hosts: []string{"A.example"}, Apps: []config.App{
				{Key: "k", Kind: "forge", Tokens: []config.AppToken{{Token: "short"}}}, {Key: "k"}, {Key: "c", BaseURL: "nowhere", Tokens: []config.AppToken{{Token: "shared by c and d"}}},
				{Key: "d", Tokens: []config.AppToken{{Token: "shared by c and d"}}},
				{Key: "e", Secrets: []string{"123", ""}}, {Key: "f", Secrets: slices.Repeat([]string{"a secret that is long enough"}, 6)},
				{Key: "g", Issuer: strings.Repeat("i", 256)},
			}},
			{ID: "two", Hosts: []string{"a.example"}, Limits: webhook.Limits{ConnectLimit: -3}},
			{ID: "one", Site: webhook.Site{EpicLink: -1}},
		},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`listen is "8080"`, `operations is ""`, "data is missing", "admin_token: a token has 5 characters", `log_format is "xml"`,
		"egress.ports has 0", "egress.proxy is no URL", "tls.ca: open nowhere.pem", "tls.cert and tls.key are needed together", `tls.min_version is "1"`,
		"shutdown_timeout is -1s", "keep_attempts is -1h", "keep_delivered is -1m", "keep_attempts_bytes is -1", "keep_dead_bytes is -2", "disk.scarce_below is 101", "disk.ballast is -2", "host_limit is -1", "replay_limit is -1", "breaker.open is -1s", "breaker.max_open is -1m", "max_body is 0", "cache_size is 0", "memory_budget is -1",
		"jira.connect_limit is -1", "jira.oauth_limit is -2", "jira.admin_limit is -3", "jira.descriptor_limit is -4", "jira.life is -1h", "jira.timeout is -1m", "jira.waits is 0s",
		"migration.give_up is -1s", "migration.timeout is -1s", "migration.endpoints is -1", "migration.waits is -1s",
		"arcxp.limit is -1", `arcxp.untagged is "some"`, "arcxp.timeout is -1m", "arcxp.waits is 0s",
		`tenant id "Acme"`, "tenant Acme: a token has 5", `kind "forge"`, "tenant one: a token has 5", `apps has "k" twice`,
		"app c: baseURL", "app e: a secret has 3 characters", "app e: a secret has 0", "app f: 6 secrets", "app g: the issuer has 256 bytes",
		"tenant two: connectLimit -3", "jira.replace_on_conflict is for apps that may have one URL", "the apps c and d have the same token", "host a.example is given to the tenants one and two", `tenants has "one" twice`, "epicLink -1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named", want)
		}
	}
	if strings.Contains(err.Error(), "shared by") || strings.Contains(err.Error(), "123") || strings.Contains(err.Error(), "long enough") {
		t.Errorf("a token is shown: %v", err)
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, "config: ") {
			t.Errorf("line %q does not say where it comes from", line)
		}
	}
}

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*config.Config){
		"any port":          func(c *config.Config) { c.Listen, c.Operations = ":0", "[::1]:0" },
		"tenant":            func(c *config.Config) { c.Tenants = []config.Tenant{{ID: "a"}, {ID: "b"}} },
		"host twice in one": func(c *config.Config) { c.Tenants = []config.Tenant{{ID: "a", Hosts: []string{"x", "X"}}} },
		"same app in two": func(c *config.Config) {
			c.Tenants = []config.Tenant{{ID: "a", Apps: []config.App{{Key: "k"}}}, {ID: "b", Apps: []config.App{{Key: "k"}}}}
		},
	}
	for name, change := range tests {
		c := config.Default()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBreakerThatIsOpenLongerThanItMay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		breaker config.Breaker
		want    string
	}{
		{config.Breaker{Open: time.Minute, MaxOpen: time.Second}, "breaker.max_open is 1s, less than breaker.open; use 1m0s or more"},
		{config.Breaker{MaxOpen: time.Second / 2}, "use 1s or more"},
		{config.Breaker{Open: time.Minute, MaxOpen: time.Minute}, ""},
		{config.Breaker{Open: time.Hour}, ""}, // which the default of the other follows
		{config.Breaker{Failures: -1}, ""},
	} {
		c := config.Default()
		c.Breaker = tt.breaker
		if err := c.Validate(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.breaker, err)
		}
	}
}

// Backups in the data directory would be part of what they are of.
func TestBackupDir(t *testing.T) {
	t.Parallel()
	for dir, fine := range map[string]bool{
		"": true, "backups": true, "data/..": true, "data-backups": true, "/var/backups": true,
		"data": false, "data/backups": false, "./data/x/../y": false,
	} {
		c := config.Default()
		c.Data, c.BackupDir = "data", dir
		if err := c.Validate(); (err == nil) != fine {
			t.Errorf("%q: %v", dir, err)
		}
	}
}
