package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// Options of an Engine. Dir and Flavors are required.
type Options struct {
	// Dir is the data directory. It is made if it is not there, and belongs to one engine at a time.
	Dir string

	// Flavors are the systems whose webhooks can be registered and sent. Their names must differ. A
	// flavour that has registrations in Dir must not be left out: Open refuses.
	Flavors []flavor.Flavor

	// SecretKeys seal the secrets of webhooks and apps in the store: the first seals, all open. Each is 32 random bytes
	// in hexadecimal or base64. Where there is none, or none that fits, a key serves that lies in the store itself, which
	// keeps secrets out of sight and from nobody who has the directory.
	SecretKeys []sign.Secret

	// HostLimit is the number of requests in flight per tenant and host. It is the most: a host that answers 429 or 503, or
	// not in time, is sent less at once until it does better, and one that was down begins with a single request.
	//
	// Defaults to 20, as Jira Cloud documents for its Primary flow.
	HostLimit int

	// ReplayLimit is how many of HostLimit may be replays. It is taken for less than HostLimit, except where that is 1.
	//
	// Defaults to half of HostLimit: 10, as Jira Cloud documents for its Secondary flow.
	ReplayLimit int

	// FixedLimit lets HostLimit requests be in flight to every host, whatever it answers.
	FixedLimit bool

	// MaxInFlight bounds the requests in flight over all hosts. It is a last resort: where it is reached,
	// tenants take turns, and each tenant's hosts.
	//
	// Defaults to 16384.
	MaxInFlight int

	// Breaker keeps a host that is down from being sent to, until a request to it succeeds.
	Breaker Breaker

	// RetryBudget keeps retries from crowding out first attempts at a host.
	RetryBudget RetryBudget

	// Rate bounds the requests per second to each tenant's host and each endpoint. Defaults to no bounds.
	Rate Rate

	// Policies are the policies that webhooks can be given in place of their flavour's, by name (Engine.SetPolicy).
	Policies map[string]*webhook.Policy

	// DisableAfter is for how long nothing could be delivered to an endpoint, though it was tried, when it is disabled.
	// Operators are warned when half, 70 and 90 percent of that time have passed. It counts from the first attempt that failed after the
	// last success. It is kept over a restart, during which it stands still; a crash loses what began in the last minute, which then
	// counts from the next attempt that fails.
	//
	// Defaults to 0: endpoints are not disabled for that, and nobody is warned.
	DisableAfter time.Duration

	// Objectives say how soon after its event was accepted a delivery should have been made. Nothing but metrics depends on
	// them.
	Objectives Objectives

	// Limits bound what may be registered. What was registered before stays.
	//
	// Default to those of jql.DefaultLimits, and 1,000,000 webhooks a tenant; negative ones are none.
	Limits Limits

	// MaxBody is the largest event body in bytes.
	//
	// Defaults to 25 MB, above which Jira Cloud drops a webhook.
	MaxBody int

	// CacheSize is the memory for reading the store, in bytes.
	//
	// Defaults to 256 MiB.
	CacheSize int64

	// MemoryBudget is how many bytes of memory the process should take at most, as far as that depends on what is registered.
	// Webhooks and indexes of the tenants that were not used for longest are let go to stay below it, and read again when they are
	// needed, which takes about half a millisecond for a hundred webhooks. Two fifths of it, less CacheSize, are for registrations: Go's collector lets
	// memory grow to twice what is in use before it runs, and the rest is for all else. Tenants, apps and endpoints are
	// always in memory, some kilobytes for each.
	//
	// Defaults to 0: no bound, and what was read once stays in memory.
	MemoryBudget int64

	// Disk says how much room is left on the disk of Dir. Where there is less, Publish and whatever registers something new
	// are refused with an error that is queue.ErrReadOnly, and everything else goes on.
	Disk Disk

	// Fatal is called when the log or the MANIFEST of the store cannot be written; see store.Options.Fatal. It must not
	// return: nothing may be acknowledged any more.
	//
	// Defaults to a line in the log and the end of the process with store.ExitLog.
	Fatal func(error)

	// TrustClock believes a machine's clock at once that is more than three days ahead of when the directory was used last.
	// Otherwise that takes an hour, in which nothing expires or is given up for its age; see queue.Options.TrustClock.
	TrustClock bool

	// KeepDead is how long deliveries that were given up are kept.
	//
	// Defaults to 14 days.
	KeepDead time.Duration

	// KeepAttempts is how long the attempts at deliveries are kept, and with them the list of what was delivered. It goes in
	// whole hours.
	//
	// Defaults to 72 hours.
	KeepAttempts time.Duration

	// KeepAttemptsBytes and KeepDeadBytes bound what attempts and dead letters take, these with the bodies that nothing else
	// needs: beyond that the oldest hours of attempts and the oldest days of dead letters are removed, but not the present
	// ones. How the bytes are counted is said at queue.Options.
	//
	// Default to 0: no bound.
	KeepAttemptsBytes, KeepDeadBytes int64

	// KeepDelivered is how long the body of an event is kept after its last delivery was made, so that what was delivered
	// can be sent again. It goes in whole hours, and has no use beyond KeepAttempts. What is kept takes its room on
	// the disk.
	//
	// Defaults to 0: a body goes with its last delivery.
	KeepDelivered time.Duration

	// KeepKeys is how long an idempotency key is remembered.
	//
	// Defaults to 24 hours.
	KeepKeys time.Duration

	// Metrics is where the engine registers its metrics; nil registers none.
	Metrics prometheus.Registerer

	// Logger gets what an operator should know. Defaults to slog.Default.
	Logger *slog.Logger

	// FS is the file system of Dir. Defaults to the operating system's.
	FS vfs.FS

	// Egress says where deliveries may go, which is what callback URLs are held to as well, and how connections to there
	// are made.
	//
	// Defaults to public addresses alone.
	Egress egress.Options

	// Dial opens the connections to receivers, to an address (host:port) within the timeout. What it connects to is
	// its own affair: of Egress, only the check of callback URLs and the TLS settings apply then.
	//
	// Defaults to TCP with a DNS cache, as Egress has it.
	Dial func(addr string, timeout time.Duration) (net.Conn, error)
}

// Limits bound what may be registered; see registry.Limits.
type Limits = registry.Limits

// Disk says how much room is left on a disk; see store.Disk.
type Disk = store.Disk

// AutoBallast is the Disk.Ballast that depends on the size of the disk: 1 %, at most 1 GiB.
const AutoBallast = store.AutoBallast

func (o Options) withDefaults() Options {
	o.HostLimit = cmp.Or(o.HostLimit, 20)
	o.MaxInFlight = cmp.Or(o.MaxInFlight, 16384)
	o.Breaker = o.Breaker.WithDefaults()
	o.RetryBudget = o.RetryBudget.WithDefaults()
	o.Objectives = o.Objectives.WithDefaults()
	o.Limits = o.Limits.WithDefaults()
	o.MaxBody = cmp.Or(o.MaxBody, 25_000_000)
	o.CacheSize = cmp.Or(o.CacheSize, 256<<20)
	o.KeepDead = cmp.Or(o.KeepDead, 14*24*time.Hour)
	o.KeepAttempts = cmp.Or(o.KeepAttempts, 72*time.Hour)
	o.KeepKeys = cmp.Or(o.KeepKeys, 24*time.Hour)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// registrations is the part of the memory budget that is theirs.
func (o *Options) registrations() int64 {
	if o.MemoryBudget == 0 {
		return 0
	}
	return o.MemoryBudget/5*2 - o.CacheSize
}

// validate names every problem at once.
func (o *Options) validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf("engine: "+format, args...)) }
	if o.Dir == "" {
		add("Dir is missing; name the data directory")
	}
	if len(o.Flavors) == 0 {
		add("Flavors is empty; name at least one")
	}
	seen := map[string]bool{}
	for _, f := range o.Flavors {
		name := f.Rules().Flavor
		if seen[name] {
			add("Flavors has %s twice", name)
		}
		seen[name] = true
	}
	for name, n := range map[string]int64{
		"HostLimit": int64(o.HostLimit), "ReplayLimit": int64(o.ReplayLimit), "MaxInFlight": int64(o.MaxInFlight), "MaxBody": int64(o.MaxBody),
		"CacheSize": o.CacheSize, "MemoryBudget": o.MemoryBudget, "KeepDead": int64(o.KeepDead), "KeepKeys": int64(o.KeepKeys),
		"Breaker.Open": int64(o.Breaker.Open), "DisableAfter": int64(o.DisableAfter), "RetryBudget.Floor": int64(o.RetryBudget.Floor),
		"Objectives.Fresh": int64(o.Objectives.Fresh), "Objectives.Replay": int64(o.Objectives.Replay),
		"KeepAttempts": int64(o.KeepAttempts), "KeepDelivered": int64(o.KeepDelivered),
		"KeepAttemptsBytes": o.KeepAttemptsBytes, "KeepDeadBytes": o.KeepDeadBytes,
	} {
		if n < 0 {
			add("%s is negative", name)
		}
	}
	if o.MemoryBudget > 0 && o.registrations() <= 0 {
		add("MemoryBudget is %d; two fifths of it must be more than CacheSize, which is %d", o.MemoryBudget, o.CacheSize)
	}
	if o.Disk.Ballast < AutoBallast {
		add("Disk.Ballast is negative and not AutoBallast")
	}
	for name, perSecond := range map[string]float64{"Rate.Host": o.Rate.Host, "Rate.Endpoint": o.Rate.Endpoint} {
		if !(perSecond >= 0) || math.IsInf(perSecond, 1) {
			add("%s is %v; use a number of requests per second", name, perSecond)
		}
	}
	for name, p := range o.Policies {
		if p == nil {
			add("Policies: %s is nil; leave it out, or say what it is", name)
		} else if err := p.Validate(); err != nil {
			add("Policies: %s: %w", name, err)
		}
	}
	return errors.Join(problems...)
}
