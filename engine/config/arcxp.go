package config

import (
	"fmt"
	"time"

	"hookline/engine/flavor/arcxp"
	"hookline/engine/webhook"
)

// ArcXP are the settings of the Arc XP flavour.
type ArcXP struct {
	// Limit of webhooks per tenant.
	Limit int `yaml:"limit" env:"LIMIT"`

	// Untagged says which webhooks a document without a subscriber is for: none, single (the one there is, if there is
	// exactly one) or all. Empty means single.
	Untagged arcxp.Untagged `yaml:"untagged" env:"UNTAGGED"`

	// Created answers a registration with 201 in place of 200.
	Created bool `yaml:"created" env:"CREATED"`

	// RawToken sends tokens as they are, without Bearer in front.
	RawToken bool `yaml:"raw_token" env:"RAW_TOKEN"`

	// KeepQueued keeps what is queued for a webhook while it is switched off, in place of dropping it.
	KeepQueued bool `yaml:"keep_queued" env:"KEEP_QUEUED"`

	// Policy names the delivery policy. Empty is arcxp, with the settings below.
	Policy string `yaml:"policy" env:"POLICY"`

	// Waits between attempts; each is lengthened at random by up to a quarter.
	Waits []time.Duration `yaml:"waits" env:"WAITS"`

	// Timeout bounds an attempt.
	Timeout time.Duration `yaml:"timeout" env:"TIMEOUT"`
}

func (c *Config) arcxp() arcxp.Options {
	a := &c.ArcXP
	return arcxp.Options{
		Limit: a.Limit, Untagged: a.Untagged, Created: a.Created, RawToken: a.RawToken, KeepQueued: a.KeepQueued, PlainHTTP: c.AllowHTTP,
		Policy: c.arcxpPolicy(),
	}
}

func (c *Config) arcxpPolicy() *webhook.Policy {
	a := &c.ArcXP
	if a.Policy != "" {
		return c.policies()[a.Policy]
	}
	policy := arcxp.Default()
	if len(a.Waits) > 0 {
		policy.Backoff = a.Waits
	}
	if a.Timeout > 0 {
		policy.Timeout, policy.ConnectTimeout = a.Timeout, a.Timeout
	}
	return policy
}

// validate leaves what is zero to the flavour's defaults.
func (a *ArcXP) validate() []error {
	var problems []error
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("config: arcxp."+format, args...))
	}
	if a.Limit < 0 {
		add("limit is %d; use 0 or more", a.Limit)
	}
	switch a.Untagged {
	case "", arcxp.None, arcxp.Single, arcxp.All:
	default:
		add("untagged is %q; use none, single or all", a.Untagged)
	}
	if a.Timeout < 0 {
		add("timeout is %v; use a positive duration", a.Timeout)
	}
	for _, wait := range a.Waits {
		if wait <= 0 {
			add("waits is %v; use a positive duration", wait)
		}
	}
	return problems
}
