package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// HostsConfig configures [Hosts]. The zero value is a run with the defaults.
type HostsConfig struct {
	// Config is what the measurements have in common. Here For is the time of steady load with the bad hosts, 10 minutes by
	// default and 8 seconds with Quick. Before it come, without the bad hosts, a warm-up in which every endpoint has a turn,
	// or half of For if that is less, and a tenth of For that is measured. Hosts defaults to
	// 10,000, and to 500 with Quick; Webhooks, of each endpoint, to 1.
	Config

	// Endpoints is the number of endpoints, a multiple of Hosts.
	//
	// Defaults to 10 for each host.
	Endpoints int

	// BadShare is how many of the hosts are black holes, spread evenly.
	//
	// Defaults to 0.01.
	BadShare float64

	// Rate is the number of events a second in all. Each is owed to one endpoint, and all endpoints have their turn.
	//
	// Defaults to 500.
	Rate int
}

func (c HostsConfig) withDefaults() HostsConfig {
	if c.Quick {
		c.For = cmp.Or(c.For, 8*time.Second)
		c.Hosts = cmp.Or(c.Hosts, 500)
	}
	c.For = cmp.Or(c.For, 10*time.Minute)
	c.Hosts = cmp.Or(c.Hosts, 10_000)
	c.Webhooks = cmp.Or(c.Webhooks, 1)
	c.Config = c.Config.withDefaults()
	c.Endpoints = cmp.Or(c.Endpoints, 10*c.Hosts)
	c.BadShare = cmp.Or(c.BadShare, 0.01)
	c.Rate = cmp.Or(c.Rate, 500)
	return c
}

const (
	// hostsPerTenant makes bad hosts share their tenants with good ones.
	hostsPerTenant = 10

	// idleConn is for how long the dispatcher and a receiver keep a connection that is not used.
	idleConn = 10 * time.Second

	// maxLoopback is the number of hosts that hostAddress has addresses for.
	maxLoopback = 200 << 16
)

func (c *HostsConfig) validate() error {
	var p problems
	c.Config.check(&p)
	p.check(c.Hosts <= maxLoopback, "Hosts is %d; use at most %d", c.Hosts, maxLoopback)
	p.check(c.Hosts > 0 && c.Endpoints > 0 && c.Endpoints%c.Hosts == 0, "Endpoints is %d; use a multiple of the %d hosts", c.Endpoints, c.Hosts)
	p.check(c.perTenant() <= maxTenantProjects, "Endpoints is %d; use at most %d for each host", c.Endpoints, maxTenantProjects/hostsPerTenant)
	p.check(c.BadShare >= 0 && c.BadShare < 1, "BadShare is %v; use a number from 0 and below 1", c.BadShare)
	p.check(c.Rate > 0, "Rate is %d; use at least 1", c.Rate)
	if limit := fileLimit(); limit > 0 {
		p.check(c.files() <= limit, "%d hosts at %d events a second need %d open files and the limit is %d; "+
			"lower Rate, or raise the limit (ulimit -n)", c.Hosts, c.Rate, c.files(), limit)
	}
	return p.err()
}

// files is the most files that are open at a time: both ends of each connection, which are here of one process, for as
// long as connections are kept, and some for everything else.
func (c *HostsConfig) files() int64 {
	kept := int64(1.5*idleConn.Seconds()) * int64(c.Rate) // the dispatcher looks for idle ones at every half of the time
	return 2*min(int64(c.Hosts), kept) + 500
}

// perHost and perTenant are numbers of endpoints.
func (c *HostsConfig) perHost() int   { return c.Endpoints / max(c.Hosts, 1) }
func (c *HostsConfig) perTenant() int { return hostsPerTenant * c.perHost() }

// maxTenantProjects bounds the memory for bodies: each endpoint of a tenant has a project of its own.
const maxTenantProjects = 1000

// bad says whether a host is a black hole.
func (c *HostsConfig) bad(host int) bool {
	return int(float64(host+1)*c.BadShare+1e-9) > int(float64(host)*c.BadShare+1e-9)
}

// HostsResult is what [Hosts] measured. Times and rates are those of the good hosts.
type HostsResult struct {
	Kind      string  `json:"kind"` // "hosts"
	Endpoints int     `json:"endpoints"`
	Hosts     int     `json:"hosts"`
	BadShare  float64 `json:"bad_share"`
	Bad       int     `json:"bad"` // hosts that are black holes

	// RateRatio and P99Ratio are the figures with events for the black holes by those before there were any.
	RateRatio float64 `json:"rate_ratio"`
	P99Ratio  float64 `json:"p99_ratio"`

	// Lost are deliveries whose events were accepted, and that did not arrive at a good host, or are not kept for a bad one.
	Lost       int64 `json:"lost"`
	Duplicates int64 `json:"duplicates"`

	RateWithout float64 `json:"rate_without"`
	RateWith    float64 `json:"rate_with"`
	P50Without  float64 `json:"p50_without_ms"`
	P50With     float64 `json:"p50_with_ms"`
	P99Without  float64 `json:"p99_without_ms"`
	P99With     float64 `json:"p99_with_ms"`

	// RSSWarm is the resident memory of the process when all is warm and the black holes begin, RSSEnd that at the end, RSSMost the
	// most at the end of a slice, in MB of 10^6 bytes, and RSSGrowth what the line that fits all of these best rises in a
	// minute, in MB: 0 is flat. The Heap ones are those of what was reachable in Go's heap at the last
	// garbage collection. Receivers and tables of the measurement are in all of them; the RSS ones are 0 where the system
	// does not tell.
	//
	// Store is what the engine's store has reserved outside that heap at the end, all of which is bounded by its options. It
	// becomes resident as it is filled: 64 MiB of each memtable with the events of the first minutes, and the cache
	// with what is read. That is why resident memory rises in a run that is shorter.
	RSSWarm    float64 `json:"rss_warm_mb"`
	RSSEnd     float64 `json:"rss_end_mb"`
	RSSMost    float64 `json:"rss_mb"`
	RSSGrowth  float64 `json:"rss_growth_mb_per_min"`
	HeapWarm   float64 `json:"heap_warm_mb"`
	HeapEnd    float64 `json:"heap_end_mb"`
	HeapGrowth float64 `json:"heap_growth_mb_per_min"`
	Store      float64 `json:"store_mb"`

	Seconds        float64 `json:"seconds"`         // of load with the black holes
	SecondsWithout float64 `json:"seconds_without"` // and before
	Rate           int     `json:"rate"`            // events per second that were asked for
	BadRequests    int64   `json:"bad_requests"`    // what all black holes got
	BadInFlight    int64   `json:"bad_in_flight"`   // the most of it at once
	BodyBytes      int     `json:"body_bytes"`
}

// Hosts measures a steady load on many endpoints of many hosts, some of which are black holes: what they cost the others, and
// whether memory stays flat. Each host is an address of the loopback network, which takes an operating system that has all of
// 127.0.0.0/8, as Linux does; one listener serves the good ones and one the black holes.
//
// All is as a server would have it: the policy and the breaker are those of the defaults. Events are published on a
// timetable, first to the good hosts alone, then to all, in slices whose 99th percentiles the median is taken of. Times run
// from the moment at which an event was due to be published to its arrival.
func Hosts(ctx context.Context, c HostsConfig) (result HostsResult, err error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return HostsResult{}, err
	}
	run := &hostsRun{config: c}
	defer func() { err = errors.Join(err, run.close()) }()
	if err := run.open(ctx); err != nil {
		return HostsResult{}, err
	}
	if err := run.measure(ctx); err != nil {
		return HostsResult{}, err
	}
	return run.result(), nil
}

// place is where the event of a sequence number goes.
type place struct{ host, tenant, project int }

// place gives every host its turn before one has its second, and successive turns of a host to its endpoints.
func (c *HostsConfig) place(sequence int64) place {
	endpoint := int(sequence % int64(c.Endpoints))
	host := endpoint % c.Hosts
	return place{host: host, tenant: host / hostsPerTenant, project: host%hostsPerTenant*c.perHost() + endpoint/c.Hosts}
}

// hostAddress is the address of a host, without the port.
func hostAddress(host int) string {
	return fmt.Sprintf("127.%d.%d.%d", 1+host>>16, host>>8&0xff, host&0xff)
}
