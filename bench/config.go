package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Config configures [E2E] and [Isolation]. The zero value is a run with the defaults.
type Config struct {
	// For is the time for which each side of a comparison is measured. The run takes a little more than
	// twice as long.
	//
	// Defaults to 5 seconds.
	For time.Duration

	// Publishers is the number of goroutines that call Publish. Each waits for the disk, and those that wait
	// together share one sync: with few, what is measured is how long a sync takes and not what the engine can do.
	//
	// Defaults to 256.
	Publishers int

	// Hosts is the number of receivers, each of which is a host of its own to the dispatcher. One alone
	// would measure the limit of requests in flight per host.
	//
	// Defaults to 4.
	Hosts int

	// HostLimit is the number of requests in flight to each receiver, for the engine and for the bare
	// client.
	//
	// Defaults to 20.
	HostLimit int

	// Body is the size of an event's body in bytes.
	//
	// Defaults to 2048.
	Body int

	// Webhooks is the number of webhooks registered for each receiver. Every event matches one at least,
	// and all that it matches share one request.
	//
	// Defaults to 25.
	Webhooks int

	// Window bounds the events of [E2E] that are accepted and not delivered yet. Publishers wait for
	// room in it, so that what is measured is a steady state and not a backlog that grows.
	//
	// Defaults to 512.
	Window int

	// Rate is the number of events that [Isolation] publishes for each receiver in a second.
	//
	// Defaults to 500.
	Rate int

	// Seed chooses the bodies and filters.
	Seed uint64

	// Dir is where the data directory is made; it is removed at the end. The figures depend on how fast
	// the disk under it syncs.
	//
	// Defaults to the directory for temporary files.
	Dir string

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)

	// Profile gets a CPU profile of the last slice in which the engine of [E2E] is measured.
	Profile io.Writer
}

func (c Config) withDefaults() Config {
	c.For = cmp.Or(c.For, 5*time.Second)
	c.Publishers = cmp.Or(c.Publishers, 256)
	c.Hosts = cmp.Or(c.Hosts, 4)
	c.HostLimit = cmp.Or(c.HostLimit, 20)
	c.Body = cmp.Or(c.Body, 2048)
	c.Webhooks = cmp.Or(c.Webhooks, 25)
	c.Window = cmp.Or(c.Window, 512)
	c.Rate = cmp.Or(c.Rate, 500)
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	return c
}

// maxWebhooks is what the dynamic flavour allows an app; each receiver belongs to an app of its own.
const maxWebhooks = 100

// ConfigError says what is wrong with a Config.
type ConfigError struct{ Problem string }

func (e *ConfigError) Error() string { return "bench: " + e.Problem }

// validate names every problem at once.
func (c *Config) validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, &ConfigError{fmt.Sprintf(format, args...)})
		}
	}
	check(c.For > 0, "For is %v; use a time above 0", c.For)
	check(c.Publishers > 0, "Publishers is %d; use at least 1", c.Publishers)
	check(c.Hosts > 0, "Hosts is %d; use at least 1", c.Hosts)
	check(c.HostLimit > 0, "HostLimit is %d; use at least 1", c.HostLimit)
	check(c.Body >= minBody, "Body is %d; use at least %d", c.Body, minBody)
	check(c.Webhooks > 0 && c.Webhooks <= maxWebhooks, "Webhooks is %d; use 1 to %d", c.Webhooks, maxWebhooks)
	check(c.Window > 0, "Window is %d; use at least 1", c.Window)
	check(c.Rate > 0, "Rate is %d; use at least 1", c.Rate)
	if c.Dir != "" {
		info, err := os.Stat(c.Dir)
		check(err == nil && info.IsDir(), "Dir %q is not a directory", c.Dir)
	}
	return errors.Join(problems...)
}
