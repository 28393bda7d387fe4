package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
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
	if c.AdminToken != "" && len(c.AdminToken) < minToken {
		add("admin_token has %d characters; use at least %d, at random", len(c.AdminToken), minToken)
	}
	number("host_limit", int64(c.HostLimit), 1)
	number("max_body", int64(c.MaxBody), 1)
	number("cache_size", c.CacheSize, 1)
	duration("shutdown_timeout", c.ShutdownTimeout, 1)
	if c.LogFormat != "text" && c.LogFormat != "json" {
		add("log_format is %q; use text or json", c.LogFormat)
	}
	// What is zero here is left to the flavour's defaults.
	number("jira.connect_limit", int64(c.Jira.ConnectLimit), 0)
	number("jira.oauth_limit", int64(c.Jira.OAuthLimit), 0)
	duration("jira.life", c.Jira.Life, 0)
	duration("jira.timeout", c.Jira.Timeout, 0)
	for _, wait := range c.Jira.Waits {
		duration("jira.waits", wait, 1)
	}
	return errors.Join(append(problems, c.validateTenants()...)...)
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

// minToken is the shortest token that is taken; see package server.
const minToken = 16

func (t *Tenant) validate() []error {
	var problems []error
	info := t.tenant()
	if err := info.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("config: tenants: %w", err))
	}
	short := func(token string) {
		if len(token) < minToken {
			problems = append(problems, fmt.Errorf("config: tenant %s: a token has %d characters; use at least %d, at random", t.ID, len(token), minToken))
		}
	}
	for _, token := range t.Tokens {
		short(token)
	}
	apps := map[string]bool{}
	for _, a := range t.Apps {
		if apps[a.Key] {
			problems = append(problems, fmt.Errorf("config: tenant %s: apps has %q twice", t.ID, a.Key))
		}
		apps[a.Key] = true
		app := a.app(t.ID)
		if err := app.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("config: tenant %s: %w", t.ID, err))
		}
		for _, token := range a.Tokens {
			short(token.Token)
		}
	}
	return problems
}
