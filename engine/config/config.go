// Package config turns a file, the environment and flags into the options of the engine and the server. It is
// where a process chooses its flavours.
//
// Later sources win: built-in defaults, then the YAML file, then HOOKLINE_* variables, then flags. The
// file is read strictly: a key that is not known is an error, so that a misspelt setting is not taken for
// none.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/caarlos0/env/v11"
	"go.yaml.in/yaml/v4"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/sign"
	"hookline/engine/webhook"
	"hookline/jql"
)

// Config is everything that can be set. Environment variables carry the prefix HOOKLINE_.
type Config struct {
	// Listen is the address of the public listener, Operations of the one for metrics and health.
	Listen     string `yaml:"listen" env:"LISTEN"`
	Operations string `yaml:"operations" env:"OPERATIONS"`

	// Data is the data directory.
	Data string `yaml:"data" env:"DATA"`

	// BackupDir is the directory in which backups are made that are asked for over the API; none are without it. It lies
	// outside of Data, best on the same file system.
	BackupDir string `yaml:"backup_dir" env:"BACKUP_DIR"`

	// AdminToken opens the installation's API. Without it Listen has to be a loopback address.
	AdminToken string `yaml:"admin_token" env:"ADMIN_TOKEN"`

	// SecretKeys seal the secrets of webhooks and apps in the data directory: the first seals, all open. 32 random bytes
	// each, in hexadecimal or base64.
	SecretKeys []string `yaml:"secret_keys" env:"SECRET_KEYS"`

	// Disk says how much room is left on the disk of Data.
	Disk Disk `yaml:"disk" envPrefix:"DISK_"`

	// TrustClock believes a clock at once that is more than three days ahead of when Data was used last, not after an hour.
	TrustClock bool `yaml:"trust_clock" env:"TRUST_CLOCK"`

	// AllowHTTP admits callback URLs with http beside https.
	AllowHTTP bool `yaml:"allow_http" env:"ALLOW_HTTP"`

	// Egress says where deliveries may go and by which way, TLS how receivers are recognised.
	Egress Egress `yaml:"egress" envPrefix:"EGRESS_"`
	TLS    TLS    `yaml:"tls" envPrefix:"TLS_"`

	// HostLimit is the number of requests in flight per tenant and host, and ReplayLimit how many of them may be replays; 0
	// for half of HostLimit.
	HostLimit   int `yaml:"host_limit" env:"HOST_LIMIT"`
	ReplayLimit int `yaml:"replay_limit" env:"REPLAY_LIMIT"`

	// FixedLimit lets HostLimit requests be in flight to a host whatever it answers. Otherwise a host that shows that it has
	// too much to do is sent less at once.
	FixedLimit bool `yaml:"fixed_limit" env:"FIXED_LIMIT"`

	// Breaker keeps a host that is down from being sent to.
	Breaker Breaker `yaml:"breaker" envPrefix:"BREAKER_"`

	// RetryBudget keeps retries from crowding out first attempts at a host.
	RetryBudget RetryBudget `yaml:"retry_budget" envPrefix:"RETRY_BUDGET_"`

	// Rate bounds requests per second.
	Rate Rate `yaml:"rate" envPrefix:"RATE_"`

	// DisableAfter is for how long nothing could be delivered to an endpoint when it is disabled; 0 for never.
	DisableAfter time.Duration `yaml:"disable_after" env:"DISABLE_AFTER"`

	// Objectives are the times within which deliveries should be made, for metrics.
	Objectives Objectives `yaml:"objectives" envPrefix:"OBJECTIVES_"`

	// Policies are delivery policies by name, for the flavours here and for webhooks one by one.
	Policies map[string]webhook.Policy `yaml:"policies"`

	// Limits bound what may be registered.
	Limits Limits `yaml:"limits" envPrefix:"LIMITS_"`

	// MaxBody is the largest event body in bytes, CacheSize the memory for reading the store.
	MaxBody   int   `yaml:"max_body" env:"MAX_BODY"`
	CacheSize int64 `yaml:"cache_size" env:"CACHE_SIZE"`

	// MemoryBudget is how many bytes of memory the process should take at most, as far as that depends on what is registered; 0 for
	// no bound.
	MemoryBudget int64 `yaml:"memory_budget" env:"MEMORY_BUDGET"`

	// KeepAttempts is how long the attempts at deliveries are kept, and with them the list of what was delivered.
	// KeepDelivered is how long the bodies of events are kept after their last delivery, so that what was delivered can be
	// sent again; 0 is not at all. Both go in whole hours.
	KeepAttempts  time.Duration `yaml:"keep_attempts" env:"KEEP_ATTEMPTS"`
	KeepDelivered time.Duration `yaml:"keep_delivered" env:"KEEP_DELIVERED"`

	// KeepAttemptsBytes and KeepDeadBytes bound what attempts, and dead letters with their bodies, take; 0 is without bound.
	KeepAttemptsBytes int64 `yaml:"keep_attempts_bytes" env:"KEEP_ATTEMPTS_BYTES"`
	KeepDeadBytes     int64 `yaml:"keep_dead_bytes" env:"KEEP_DEAD_BYTES"`

	// ShutdownTimeout bounds how long a stop waits for requests and attempts in progress.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" env:"SHUTDOWN_TIMEOUT"`

	// LogLevel is debug, info, warn or error; LogFormat is text or json.
	LogLevel  slog.Level `yaml:"log_level" env:"LOG_LEVEL"`
	LogFormat string     `yaml:"log_format" env:"LOG_FORMAT"`

	Jira      Jira      `yaml:"jira" envPrefix:"JIRA_"`
	Migration Migration `yaml:"migration" envPrefix:"MIGRATION_"`
	ArcXP     ArcXP     `yaml:"arcxp" envPrefix:"ARCXP_"`

	// Tenants are made, or changed, when the process starts. What is registered in them stays. Tenants
	// that were made over the API are left alone, and so are hosts and tokens that were added over it. To take a host
	// or a token away, remove it here and send a PUT of the tenant or app with those that remain
	// ({"tokens": [...]}): what is still here comes back with the next start.
	Tenants []Tenant `yaml:"tenants"`
}

// Disk are the settings of the room that is left on the disk, in bytes.
type Disk struct {
	// ReadOnlyBelow is the free space below which nothing new is taken in, ScarceBelow that below which replays stop as well and
	// the oldest attempts go early. 0 has the engine's default; negative is never.
	ReadOnlyBelow int64 `yaml:"read_only_below" env:"READ_ONLY_BELOW"`
	ScarceBelow   int64 `yaml:"scarce_below" env:"SCARCE_BELOW"`

	// Ballast is the size of a file that is removed when the disk is full all the same; 0 for none, -1 for 1 % of the
	// disk, at most 1 GiB.
	Ballast int64 `yaml:"ballast" env:"BALLAST"`
}

// Limits are the settings of what may be registered: how many webhooks a tenant may have, and how much a filter may ask
// for (see jql.Limits). 0 has the engine's default; negative is no limit. What is registered already stays.
type Limits struct {
	TenantWebhooks int `yaml:"tenant_webhooks" env:"TENANT_WEBHOOKS"`
	Clauses        int `yaml:"clauses" env:"CLAUSES"`
	List           int `yaml:"list" env:"LIST"`
	Nesting        int `yaml:"nesting" env:"NESTING"`
	Conditions     int `yaml:"conditions" env:"CONDITIONS"`
	Size           int `yaml:"size" env:"SIZE"`
}

func (l Limits) engine() engine.Limits {
	return engine.Limits{
		Webhooks: l.TenantWebhooks,
		Filter:   jql.Limits{Clauses: l.Clauses, List: l.List, Nesting: l.Nesting, Conditions: l.Conditions, Size: l.Size},
	}
}

// Breaker are the settings of the breaker that every host of a tenant has. What is zero has the engine's default.
type Breaker struct {
	// Failures is the number of attempts that fail one after the other, after which nothing more is sent to the
	// host; negative for no breaker.
	Failures int `yaml:"failures" env:"FAILURES"`

	// Open is how long nothing is sent then, before one request is tried; it doubles with every one that fails, up to MaxOpen.
	Open    time.Duration `yaml:"open" env:"OPEN"`
	MaxOpen time.Duration `yaml:"max_open" env:"MAX_OPEN"`
}

// RetryBudget are the settings of the budget of retries. What is zero has the engine's default.
type RetryBudget struct {
	// Share is how much of a host's recent attempts may be retries while first attempts wait; negative for all.
	Share float64 `yaml:"share" env:"SHARE"`

	// Floor is how many retries may be made in ten seconds all the same.
	Floor int `yaml:"floor" env:"FLOOR"`
}

// Rate are bounds of requests per second; 0 is none.
type Rate struct {
	// Host is for each host of a tenant, Endpoint for each endpoint that has none of its own.
	Host     float64 `yaml:"host" env:"HOST"`
	Endpoint float64 `yaml:"endpoint" env:"ENDPOINT"`
}

// Objectives are the settings of the engine's objectives. What is zero has the engine's default.
type Objectives struct {
	// Fresh is for new events, Replay for what is sent again by hand.
	Fresh  time.Duration `yaml:"fresh" env:"FRESH"`
	Replay time.Duration `yaml:"replay" env:"REPLAY"`
}

// Default returns the settings of a process that is told nothing.
func Default() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		Operations:      "127.0.0.1:8081",
		Data:            "hookline-data",
		HostLimit:       20,
		MaxBody:         25_000_000,
		CacheSize:       256 << 20,
		KeepAttempts:    72 * time.Hour,
		ShutdownTimeout: 30 * time.Second,
		LogFormat:       "text",
		Disk:            Disk{Ballast: engine.AutoBallast},
		Jira:            Jira{ExpiryWarning: 72 * time.Hour},
		Migration:       Migration{GiveUp: migration.GiveUp, StripBase: true},
	}
}

// prefix begins the names of all environment variables.
const prefix = "HOOKLINE_"

// Load returns the settings of a file ("" for none) and the environment, over the defaults. The error names
// the file and line, or the variable.
func Load(path string, environ map[string]string) (Config, error) {
	c := Default()
	if path != "" {
		if err := c.readFile(path); err != nil {
			return c, err
		}
	}
	if err := env.ParseWithOptions(&c, env.Options{Prefix: prefix, Environment: environ}); err != nil {
		return c, fmt.Errorf("config: environment: %w", variables(err))
	}
	return c, nil
}

func (c *Config) readFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	documents, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithKnownFields())
	if err == nil {
		err = documents.Load(c)
	}
	if errors.Is(err, io.EOF) { // nothing but comments
		return nil
	}
	if err != nil {
		return fmt.Errorf("config: %s: %s", path, withoutValues(err))
	}
	if err := documents.Load(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("config: %s: the file has more than one document", path)
	}
	return nil
}

// Logger returns the logger that the settings ask for.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Engine returns the options of the engine.
func (c *Config) Engine() engine.Options {
	migrations := migration.New(c.migration())
	o := engine.Options{
		Dir: c.Data,
		Flavors: []flavor.Flavor{
			jira.NewDynamic(c.dynamic()), jira.NewAdmin(c.admin()), migrations,
			arcxp.New(c.arcxp()),
			jira.NewDescriptor(c.descriptor()), migrations.Descriptor(),
		},
		HostLimit:   c.HostLimit,
		ReplayLimit: c.ReplayLimit,
		FixedLimit:  c.FixedLimit,
		Breaker:     engine.Breaker(c.Breaker),
		Egress:      c.egress(),
		RetryBudget: engine.RetryBudget(c.RetryBudget), Rate: engine.Rate(c.Rate),
		Objectives:   engine.Objectives(c.Objectives),
		DisableAfter: c.DisableAfter, Policies: c.policies(),

		Limits:    c.Limits.engine(),
		MaxBody:   c.MaxBody,
		CacheSize: c.CacheSize,
		Disk:      engine.Disk(c.Disk),

		MemoryBudget: c.MemoryBudget,

		TrustClock: c.TrustClock,

		KeepAttempts: c.KeepAttempts, KeepDelivered: c.KeepDelivered,
		KeepAttemptsBytes: c.KeepAttemptsBytes, KeepDeadBytes: c.KeepDeadBytes,
	}
	for _, key := range c.SecretKeys {
		o.SecretKeys = append(o.SecretKeys, sign.NewSecret(key))
	}
	return o
}
