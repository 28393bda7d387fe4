package config

import (
	"time"

	"hookline/engine/flavor/migration"
	"hookline/engine/webhook"
)

// Migration are the settings of the App Migration Platform's flavour.
type Migration struct {
	// Policy names the delivery policy, which takes the place of GiveUp, Accept2xx, Waits and Timeout. Empty is
	// until-acknowledged, with these settings.
	Policy string `yaml:"policy" env:"POLICY"`

	// GiveUp is the age at which a message that was not acknowledged is given up; 0 is never.
	GiveUp time.Duration `yaml:"give_up" env:"GIVE_UP"`

	// Accept2xx takes every 2xx for an acknowledgement, where the platform names 200 alone.
	Accept2xx bool `yaml:"accept_2xx" env:"ACCEPT_2XX"`

	// Waits between attempts, each lengthened at random by up to half; the last one goes on.
	Waits []time.Duration `yaml:"waits" env:"WAITS"`

	// Timeout bounds an attempt.
	Timeout time.Duration `yaml:"timeout" env:"TIMEOUT"`

	// Endpoints is how many URLs an app may have in a tenant.
	Endpoints int `yaml:"endpoints" env:"ENDPOINTS"`

	// StripBase leaves the path of an app's base URL out of what the tokens sent to it are bound to, as apps on
	// atlassian-connect-express do when they verify. It is on unless it is set to false.
	StripBase bool `yaml:"strip_base" env:"STRIP_BASE"`
}

func (c *Config) migration() migration.Options {
	return migration.Options{
		Endpoints: c.Migration.Endpoints,
		PlainHTTP: c.AllowHTTP,
		StripBase: c.Migration.StripBase,
		Policy:    c.migrationPolicy(),
	}
}

func (c *Config) migrationPolicy() *webhook.Policy {
	if c.Migration.Policy != "" {
		return c.policies()[c.Migration.Policy]
	}
	policy := migration.Seed()
	policy.GiveUp = c.Migration.GiveUp
	if c.Migration.Accept2xx {
		policy.Accept = webhook.Statuses{webhook.Any2xx}
	}
	if len(c.Migration.Waits) > 0 {
		policy.Backoff = c.Migration.Waits
	}
	if c.Migration.Timeout > 0 {
		policy.Timeout = c.Migration.Timeout
		policy.ConnectTimeout = min(policy.ConnectTimeout, policy.Timeout)
	}
	return policy
}
