package bench

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"
)

// Config is what the measurements of the engine have in common. The zero value is a run with the defaults.
type Config struct {
	// For is the time for which each side of a comparison is measured. What else it is spent on, and how it is divided, is
	// said with each measurement.
	//
	// Defaults to 5 seconds, unless a measurement says otherwise.
	For time.Duration

	// Quick makes the defaults of a run such that it ends in under 40 seconds.
	Quick bool

	// Publishers is the number of goroutines that call Publish. Each waits for the disk, and those that wait
	// together share one sync: with few, what is measured is how long a sync takes and not what the engine can do.
	//
	// Defaults to 256.
	Publishers int

	// Hosts is the number of receivers, each of which is a host of its own to the dispatcher. One alone
	// would measure the limit of requests in flight per host.
	//
	// The default depends on the measurement.
	Hosts int

	// Body is the size of an event's body in bytes.
	//
	// Defaults to 2048.
	Body int

	// Webhooks is the number of webhooks registered for each endpoint. Every event matches one at least,
	// and all that it matches at an endpoint share one request.
	//
	// Defaults to 25.
	Webhooks int

	// Seed chooses the bodies and filters.
	Seed uint64

	// Dir is where the data directory is made; it is removed at the end. The figures depend on how fast
	// the disk under it syncs.
	//
	// Defaults to the directory for temporary files.
	Dir string

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

func (c Config) withDefaults() Config {
	c.For = cmp.Or(c.For, 5*time.Second)
	c.Publishers = cmp.Or(c.Publishers, 256)
	c.Body = cmp.Or(c.Body, 2048)
	c.Webhooks = cmp.Or(c.Webhooks, 25)
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	return c
}

// maxWebhooks is what the dynamic flavour allows an app; each endpoint belongs to an app of its own.
const maxWebhooks = 100

// ConfigError says what is wrong with a configuration.
type ConfigError struct{ Problem string }

func (e *ConfigError) Error() string { return "bench: " + e.Problem }

// problems are all that is wrong with a configuration.
type problems []error

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, &ConfigError{fmt.Sprintf(format, args...)})
	}
}

func (p problems) err() error { return errors.Join(p...) }

func (c *Config) check(p *problems) {
	p.check(c.For > 0, "For is %v; use a time above 0", c.For)
	p.check(c.Publishers > 0, "Publishers is %d; use at least 1", c.Publishers)
	p.check(c.Hosts > 0, "Hosts is %d; use at least 1", c.Hosts)
	p.check(c.Body >= minBody, "Body is %d; use at least %d", c.Body, minBody)
	p.check(c.Webhooks > 0 && c.Webhooks <= maxWebhooks, "Webhooks is %d; use 1 to %d", c.Webhooks, maxWebhooks)
	if c.Dir != "" {
		info, err := os.Stat(c.Dir)
		p.check(err == nil && info.IsDir(), "Dir %q is not a directory", c.Dir)
	}
}
