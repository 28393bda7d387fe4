package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/dispatch"
	"hookline/queue"
)

// collector reads sizes when it is scraped.
type collector struct{ e *Engine }

var (
	descWebhooks = desc("subscriptions", "Registered webhooks.", "state")
	descExpiring = desc("webhooks_expiring", "Webhooks that expire within the time of the warning.")
	descIndexed  = desc("index_tenants", "Tenants whose index is in memory.")
	descLoaded   = desc("loaded_tenants", "Tenants whose webhooks are in memory.")
	descLoadedB  = desc("loaded_bytes", "Memory that these take with their indexes, about.")
	descLoads    = desc("tenant_loads_total", "Times that the webhooks of a tenant were read.")
	descLoading  = desc("tenant_load_seconds_total", "Time that this took, with the building of their indexes.")
	descEvicted  = desc("tenant_evictions_total", "Times that the webhooks of a tenant were let go, to stay within the memory budget.")
	descInFlight = desc("delivery_inflight", "Requests to receivers in flight.")
	descHosts    = desc("hosts", "Hosts with state in memory.")
	descBreakers = desc("circuit_breakers", "Hosts that nothing is sent to (open) or one request at a time (half_open).", "state")
	descBroken   = desc("circuit_breaker_transitions_total", "Changes of hosts' circuit breakers, by the new state.", "to")
	descDepth    = desc("queue_depth", "Deliveries in the queue.", "state")
	descExpands  = desc("queue_expanding", "Deliveries of large fan-outs among those waiting that are not with their endpoints yet.")
	descOldest   = desc("queue_oldest_age_seconds", "Time since the oldest event was accepted that is still owed to someone.", "lane")
	descPast     = desc("queue_past_objective", "Deliveries owed for longer than the objective.", "lane")
	descOverdue  = desc("queue_overdue_seconds", "Time since the oldest waiting delivery that is known was due.")
	descConns    = desc("connections", "Open connections to receivers, or to the proxy.", "state")
	descConnects = desc("connections_opened_total", "Connections opened to receivers, or attempted, by result.", "result")
	descThrottle = desc("throttled_total", "Waits: for the rate of an endpoint, the rate or Retry-After of a host, or the requests in flight over all hosts.", "scope")
	descFailing  = desc("endpoints_failing", "Endpoints whose attempts have all failed since the last that succeeded.")
	descPutOff   = desc("retries_put_off_total", "Retries that were put off, without using up an attempt, because first attempts waited.")
	descProxy    = desc("egress_proxy_failures_total", "Connections for deliveries that ended at the egress proxy, which could not be reached.")
	descDropped  = desc("deliveries_dropped_total", "Deliveries removed before they were settled: their webhook was switched off or deleted.")
	descPassed   = desc("queue_unreadable_total", "Parts of the queue that were passed over because they are corrupt.")
	descUnswept  = desc("queue_sweeps_failed_total", "Sweeps that failed, and so freed nothing or not all that they could.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	r := c.e.registry.Counts(time.Now())
	gauge(descWebhooks, float64(r.Webhooks-r.Expired), "active")
	gauge(descWebhooks, float64(r.Expired), "expired")
	gauge(descExpiring, float64(c.e.registry.Expiring(time.Now(), c.e.lead)))
	gauge(descIndexed, float64(r.Indexed))
	c.index(gauge)
	gauge(descUncompiled, float64(r.Broken))
	m := c.e.registry.Memory()
	gauge(descLoaded, float64(m.Tenants))
	gauge(descLoadedB, float64(m.Bytes))
	total(descLoads, m.Loads)
	total(descEvicted, m.Evictions)
	ch <- prometheus.MustNewConstMetric(descLoading, prometheus.CounterValue, m.LoadTime.Seconds())
	d := c.e.dispatch.Stats()
	gauge(descInFlight, float64(d.InFlight))
	gauge(descHosts, float64(d.Hosts))
	gauge(descBreakers, float64(d.OpenBreakers), dispatch.BreakerOpen.String())
	gauge(descBreakers, float64(d.HalfOpenBreakers), dispatch.BreakerHalfOpen.String())
	for to, n := range map[dispatch.BreakerState]uint64{
		dispatch.BreakerOpen: d.Opened, dispatch.BreakerHalfOpen: d.HalfOpened, dispatch.BreakerClosed: d.Closed,
	} {
		total(descBroken, n, to.String())
	}
	gauge(descConns, float64(d.InUse), "active")
	gauge(descConns, float64(max(d.Connections-d.InUse, 0)), "idle")
	for result, n := range d.Connects {
		total(descConnects, n, result)
	}
	for scope, n := range d.Throttled {
		total(descThrottle, n, scope)
	}
	gauge(descFailing, float64(c.e.failing.n.Load()))
	total(descPutOff, uint64(d.PutOff))
	total(descProxy, d.ProxyFailures)
	q := c.e.queue.Stats()
	gauge(descDepth, float64(q.Waiting), "waiting")
	gauge(descDepth, float64(q.InHand), "in_hand")
	gauge(descDepth, float64(q.Dead), "dead")
	gauge(descExpands, float64(q.Expanding))
	gauge(descFiles, float64(q.Files))
	gauge(descFileSize, float64(q.FileBytes))
	total(descDropped, uint64(q.Purged))
	total(descPassed, q.Unreadable)
	total(descUnswept, q.SweepsFailed)
	overdue := 0.0
	if !q.OldestDue.IsZero() {
		overdue = max(0, time.Since(q.OldestDue).Seconds())
	}
	gauge(descOverdue, overdue)
	for lane, o := range c.e.metrics.objective {
		l := queue.Lane(lane)
		gauge(descOldest, c.e.queue.OldestAge(l).Seconds(), l.String())
		gauge(descPast, float64(c.e.queue.OlderThan(l, o.limit)), l.String())
	}
	c.storage(ch)
	c.syncs(ch)
}
