package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"time"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/webhook"
)

// Validate names every problem of the settings at once.
func (c *Config) Validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf("config: "+format, args...)) }
	number := func(name string, n, least int64) {
		if n < least {
			add("%s is %d; use %d or more", name, n, least)
		}
	}
	duration := func(name string, d, least time.Duration) {
		if d < least {
			add("%s is %v; use a positive duration", name, d)
		}
	}
	for name, address := range map[string]string{"listen": c.Listen, "operations": c.Operations} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			add("%s is %q; use host:port", name, address)
		}
	}
	if c.Data == "" {
		add("data is missing; name the data directory")
	}
	if c.BackupDir != "" && within(c.BackupDir, c.Data) {
		add("backup_dir is %q, which is in the data directory; use one beside it", c.BackupDir)
	}
	if c.AdminToken != "" {
		if err := webhook.CheckToken(c.AdminToken); err != nil {
			add("admin_token: %w", err)
		}
	}
	if _, err := egress.New(c.egress()); err != nil {
		for line := range strings.Lines(err.Error()) {
			add("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	number("host_limit", int64(c.HostLimit), 1)
	number("replay_limit", int64(c.ReplayLimit), 0)
	duration("breaker.open", c.Breaker.Open, 0)
	duration("breaker.max_open", c.Breaker.MaxOpen, 0)
	if b := engine.Breaker(c.Breaker).WithDefaults(); c.Breaker.MaxOpen > 0 && c.Breaker.MaxOpen < b.Open {
		add("breaker.max_open is %v, less than breaker.open; use %v or more", c.Breaker.MaxOpen, b.Open)
	}
	number("retry_budget.floor", int64(c.RetryBudget.Floor), 0)
	for name, rate := range map[string]float64{"rate.host": c.Rate.Host, "rate.endpoint": c.Rate.Endpoint} {
		if !(rate >= 0) || math.IsInf(rate, 1) {
			add("%s is %v; use a number of requests per second, or 0", name, rate)
		}
	}
	duration("disable_after", c.DisableAfter, 0)
	duration("objectives.fresh", c.Objectives.Fresh, 0)
	duration("objectives.replay", c.Objectives.Replay, 0)
	number("max_body", int64(c.MaxBody), 1)
	number("cache_size", c.CacheSize, 1)
	number("memory_budget", c.MemoryBudget, 0)
	if c.MemoryBudget > 0 && c.MemoryBudget/5*2 <= c.CacheSize {
		add("memory_budget is %d; two fifths of it must be more than cache_size, which is %d", c.MemoryBudget, c.CacheSize)
	}
	if d := c.Disk; d.ReadOnlyBelow > 0 && d.ScarceBelow > d.ReadOnlyBelow {
		add("disk.scarce_below is %d, more than disk.read_only_below; use %d or less", d.ScarceBelow, d.ReadOnlyBelow)
	}
	number("disk.ballast", c.Disk.Ballast, engine.AutoBallast)
	duration("keep_attempts", c.KeepAttempts, 1)
	duration("keep_delivered", c.KeepDelivered, 0)
	number("keep_attempts_bytes", c.KeepAttemptsBytes, 0)
	number("keep_dead_bytes", c.KeepDeadBytes, 0)
	duration("shutdown_timeout", c.ShutdownTimeout, 1)
	if c.LogFormat != "text" && c.LogFormat != "json" {
		add("log_format is %q; use text or json", c.LogFormat)
	}
	// What is zero here is left to the flavour's defaults.
	number("jira.connect_limit", int64(c.Jira.ConnectLimit), 0)
	number("jira.oauth_limit", int64(c.Jira.OAuthLimit), 0)
	number("jira.admin_limit", int64(c.Jira.AdminLimit), 0)
	number("jira.descriptor_limit", int64(c.Jira.DescriptorLimit), 0)
	duration("jira.life", c.Jira.Life, 0)
	duration("jira.expiry_warning", c.Jira.ExpiryWarning, 0)
	duration("jira.timeout", c.Jira.Timeout, 0)
	if c.Jira.ManyURLs && c.Jira.ReplaceOnConflict {
		add("jira.replace_on_conflict is for apps that may have one URL, and jira.many_urls lets them have several; use one of them")
	}
	for _, wait := range c.Jira.Waits {
		duration("jira.waits", wait, 1)
	}
	number("migration.endpoints", int64(c.Migration.Endpoints), 0)
	duration("migration.give_up", c.Migration.GiveUp, 0)
	duration("migration.timeout", c.Migration.Timeout, 0)
	for _, wait := range c.Migration.Waits {
		duration("migration.waits", wait, 1)
	}
	problems = append(problems, c.ArcXP.validate()...)
	problems = append(problems, c.validatePolicies()...)
	return errors.Join(append(problems, c.validateTenants()...)...)
}

// within says whether a path leads to a directory or below it. Where that cannot be told it does not.
func within(path, dir string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false
	}
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}

// validateTenants also sees to what two tenants, or two apps of one, cannot share.
func (c *Config) validateTenants() []error {
	var problems []error
	tenants, hosts := map[string]bool{}, map[string]string{}
	for _, t := range c.Tenants {
		problems = append(problems, t.validate()...)
		if tenants[t.ID] {
			problems = append(problems, fmt.Errorf("config: tenants has %q twice", t.ID))
		}
		tenants[t.ID] = true
		for _, h := range t.Hosts {
			h = strings.ToLower(h)
			if other, taken := hosts[h]; taken && other != t.ID {
				problems = append(problems, fmt.Errorf("config: host %s is given to the tenants %s and %s", h, other, t.ID))
			}
			hosts[h] = t.ID
		}
	}
	return problems
}

func (t *Tenant) validate() []error {
	var problems []error
	add := func(err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("config: tenant %s: %w", t.ID, err))
		}
	}
	info := t.tenant()
	if err := info.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("config: tenants: %w", err))
	}
	for _, token := range t.Tokens {
		add(webhook.CheckToken(token))
	}
	apps, owners := map[string]bool{}, map[string]string{}
	for _, a := range t.Apps {
		if apps[a.Key] {
			add(fmt.Errorf("apps has %q twice", a.Key))
		}
		apps[a.Key] = true
		app := a.app(t.ID)
		app.Secrets = a.Secrets // to be counted
		add(app.Validate())
		for _, secret := range a.Secrets {
			if err := webhook.CheckSecret(secret); err != nil {
				add(fmt.Errorf("app %s: %w", a.Key, err))
			}
		}
		for _, token := range a.Tokens {
			add(webhook.CheckToken(token.Token))
			if other, taken := owners[token.Token]; taken && other != a.Key {
				add(fmt.Errorf("the apps %s and %s have the same token; a token is to tell them apart", other, a.Key))
			}
			owners[token.Token] = a.Key
		}
	}
	return problems
}
