package config

import (
	"time"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// Jira are the settings of the Jira flavours.
type Jira struct {
	// Limits of webhooks per tenant: of a Connect app, and of a user of an OAuth app. A tenant may have limits of its own.
	ConnectLimit int `yaml:"connect_limit" env:"CONNECT_LIMIT"`
	OAuthLimit   int `yaml:"oauth_limit" env:"OAUTH_LIMIT"`

	// AdminLimit is how many admin webhooks a tenant may have.
	AdminLimit int `yaml:"admin_limit" env:"ADMIN_LIMIT"`

	// DescriptorLimit is how many webhooks the descriptor of an app may have.
	DescriptorLimit int `yaml:"descriptor_limit" env:"DESCRIPTOR_LIMIT"`

	// Life is how long a dynamic webhook matches after it was registered or refreshed.
	Life time.Duration `yaml:"life" env:"LIFE"`

	// AutoExtend gives dynamic webhooks a new life while deliveries to them succeed, unless one says otherwise for itself.
	AutoExtend bool `yaml:"auto_extend" env:"AUTO_EXTEND"`

	// ExpiryWarning is how long before it expires a dynamic webhook is warned of in the log, in a metric and in a header of
	// its deliveries: at most half of Life. 0 is not at all.
	ExpiryWarning time.Duration `yaml:"expiry_warning" env:"EXPIRY_WARNING"`

	// ManyURLs allows an app to register webhooks with different URLs.
	ManyURLs bool `yaml:"many_urls" env:"MANY_URLS"`

	// ReplaceOnConflict lets webhooks with another URL take the place of those that an app has.
	ReplaceOnConflict bool `yaml:"replace_on_conflict" env:"REPLACE_ON_CONFLICT"`

	// SeedEvents restricts dynamic webhooks to the events of issues and comments, as in 2019.
	SeedEvents bool `yaml:"seed_events" env:"SEED_EVENTS"`

	// BareArray answers a registration with the array of results alone, as the guide of 2019 prints it.
	BareArray bool `yaml:"bare_array" env:"BARE_ARRAY"`

	// Patch opens PATCH of a dynamic webhook, which Jira does not have.
	Patch bool `yaml:"patch" env:"PATCH"`

	// FailedConnectOnly keeps the list of failed deliveries from users of OAuth apps, as in Jira.
	FailedConnectOnly bool `yaml:"failed_connect_only" env:"FAILED_CONNECT_ONLY"`

	// Policy names the delivery policy. Empty is jira-2019, with the settings below.
	Policy string `yaml:"policy" env:"POLICY"`

	// Waits between attempts, in place of those of Jira's guide; each is lengthened at random by up to half.
	Waits []time.Duration `yaml:"waits" env:"WAITS"`

	// Timeout bounds an attempt.
	Timeout time.Duration `yaml:"timeout" env:"TIMEOUT"`
}

func (c *Config) admin() jira.AdminOptions {
	return jira.AdminOptions{Limit: c.Jira.AdminLimit, PlainHTTP: c.AllowHTTP, Policy: c.jiraPolicy()}
}

func (c *Config) descriptor() jira.DescriptorOptions {
	return jira.DescriptorOptions{Limit: c.Jira.DescriptorLimit, PlainHTTP: c.AllowHTTP, Policy: c.jiraPolicy()}
}

func (c *Config) dynamic() jira.DynamicOptions {
	return jira.DynamicOptions{
		ConnectLimit:      c.Jira.ConnectLimit,
		OAuthLimit:        c.Jira.OAuthLimit,
		Life:              c.Jira.Life,
		AutoExtend:        c.Jira.AutoExtend,
		ExpiryWarning:     c.Jira.ExpiryWarning,
		ManyURLs:          c.Jira.ManyURLs,
		ReplaceOnConflict: c.Jira.ReplaceOnConflict,
		SeedEvents:        c.Jira.SeedEvents,
		BareArray:         c.Jira.BareArray,
		Patch:             c.Jira.Patch,
		FailedConnectOnly: c.Jira.FailedConnectOnly,
		PlainHTTP:         c.AllowHTTP,
		Policy:            c.jiraPolicy(),
	}
}

func (c *Config) jiraPolicy() *webhook.Policy {
	j := &c.Jira
	if j.Policy != "" {
		return c.policies()[j.Policy]
	}
	p := jira.Seed()
	if len(j.Waits) > 0 {
		p.Backoff, p.LastBy = j.Waits, 0
	}
	if j.Timeout > 0 {
		p.Timeout = j.Timeout
		p.ConnectTimeout = min(p.ConnectTimeout, p.Timeout)
	}
	return p
}
