package engine

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/dispatch"
	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/queue"
)

// metrics are the engine's counters and histograms. Children are resolved once, at the start, because a
// look-up by label for every event costs several times the count itself. Label values come from
// closed sets: never a tenant, URL or id.
type metrics struct {
	all []prometheus.Collector

	received  [2]map[string]prometheus.Counter // by source, then event type
	rejected  map[Rejection]prometheus.Counter
	size      prometheus.Histogram
	match     prometheus.Histogram
	fanOut    prometheus.Histogram
	matches   prometheus.Counter
	unmatched prometheus.Counter
	enqueued  prometheus.Counter

	attempts  map[webhook.Outcome]prometheus.Counter
	duration  map[bool]prometheus.Histogram // by success
	latency   prometheus.Histogram
	tries     prometheus.Histogram
	succeeded prometheus.Counter
	retried   prometheus.Counter
	failed    prometheus.Counter
	dead      *prometheus.CounterVec // few enough to be looked up by label
	sent      prometheus.Counter
	answered  prometheus.Counter

	again          map[by]prometheus.Counter
	skipped        prometheus.Counter
	replays        *prometheus.CounterVec
	replaysRunning prometheus.Gauge

	extended prometheus.Counter
	warned   map[int32]prometheus.Counter           // by stage in percent
	disabled map[webhook.Stopped]prometheus.Counter // by reason
}

// by says how deliveries came to be sent again: the label of hookline_deliveries_resent_total.
type by string

const (
	byHand   by = "hand"
	byReplay by = "replay"
)

// Rejection is why an event was not accepted: the reason label of hookline_events_rejected_total.
type Rejection string

// The reasons for which events are not accepted.
const (
	RejectedInvalid      Rejection = "invalid_json"
	RejectedTooLarge     Rejection = "too_large"
	RejectedUnauthorized Rejection = "unauthorized"
	RejectedOverloaded   Rejection = "overloaded"
	RejectedOther        Rejection = "other"
)

var rejections = []Rejection{RejectedInvalid, RejectedTooLarge, RejectedUnauthorized, RejectedOverloaded, RejectedOther}

// unknownType is the event label of types that are not in the catalogue.
const unknownType = "other"

var (
	secondsFine   = []float64{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2, 0.1}
	secondsWire   = []float64{5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20}
	secondsUntil  = []float64{1e-3, 2e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800}
	bytesBody     = []float64{256, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 25 << 20}
	countFanOut   = []float64{0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
	countAttempts = []float64{1, 2, 3, 4, 5, 6, 8, 10, 15}
)

func newMetrics(e *Engine) *metrics {
	m := &metrics{
		rejected: map[Rejection]prometheus.Counter{},
		attempts: map[webhook.Outcome]prometheus.Counter{},
		duration: map[bool]prometheus.Histogram{},
	}
	received := m.counterVec("events_received_total", "Events taken in, accepted or not, by way in and event type.", "source", "event")
	for _, source := range []webhook.Source{webhook.Embedded, webhook.HTTP} {
		m.received[source] = map[string]prometheus.Counter{}
		for _, name := range append(event.Names(), unknownType) {
			m.received[source][name] = received.WithLabelValues(source.String(), name)
		}
	}
	rejected := m.counterVec("events_rejected_total", "Events refused, by reason.", "reason")
	for _, r := range rejections {
		m.rejected[r] = rejected.WithLabelValues(string(r))
	}
	m.size = m.histogram("event_size_bytes", "Size of the bodies of events.", bytesBody)
	m.match = m.histogram("match_duration_seconds", "Time to read an event and find the webhooks that match.", secondsFine)
	m.fanOut = m.histogram("match_fanout", "Deliveries owed per event.", countFanOut)
	matches := m.counterVec("matches_total", "Events by whether any webhook matched.", "result")
	m.matches, m.unmatched = matches.WithLabelValues("matched"), matches.WithLabelValues("unmatched")
	m.enqueued = m.counter("deliveries_enqueued_total", "Deliveries made durable.")
	warned := m.counterVec("endpoint_warnings_total", "Endpoints that came this far on the way to being disabled because nothing can be delivered, in percent of the time.", "percent")
	m.warned = map[int32]prometheus.Counter{}
	for _, stage := range warnings {
		m.warned[stage] = warned.WithLabelValues(strconv.Itoa(int(stage)))
	}
	disabled := m.counterVec("endpoints_disabled_total", "Endpoints that were disabled, by reason.", "reason")
	m.disabled = map[webhook.Stopped]prometheus.Counter{}
	for _, why := range webhook.StopReasons {
		m.disabled[why] = disabled.WithLabelValues(string(why))
	}
	m.extended = m.counter("webhooks_extended_total", "Webhooks that were given a new life because deliveries to them succeed.")
	m.deliveryMetrics()
	m.replayMetrics()
	m.all = append(m.all, &collector{e})
	return m
}

func (m *metrics) deliveryMetrics() {
	attempts := m.counterVec("delivery_attempts_total", "HTTP requests made for deliveries, by how they ended.", "class")
	for _, o := range webhook.Outcomes {
		m.attempts[o] = attempts.WithLabelValues(string(o))
	}
	duration := m.histogramVec("delivery_attempt_duration_seconds", "Time of one attempt, from dial to the end of the answer.", secondsWire, "class")
	m.duration[true], m.duration[false] = duration.WithLabelValues("success").(prometheus.Histogram), duration.WithLabelValues("failure").(prometheus.Histogram)
	m.latency = m.histogram("delivery_latency_seconds", "Time from accepting an event to its delivery.", secondsUntil)
	m.tries = m.histogram("delivery_attempts_per_success", "Attempts that a delivery took.", countAttempts)
	deliveries := m.counterVec("deliveries_total", "Attempts by what became of the delivery.", "outcome")
	m.succeeded, m.retried, m.failed = deliveries.WithLabelValues("success"), deliveries.WithLabelValues("retry"), deliveries.WithLabelValues("failed")
	m.dead = m.counterVec("dead_letters_total", "Deliveries given up, by reason.", "reason")
	for r := queue.Rejected; r <= queue.Corrupt; r++ {
		m.dead.WithLabelValues(reasonLabel(r))
	}
	traffic := m.counterVec("delivery_bytes_total", "Bytes of bodies sent to receivers and read from them.", "direction")
	m.sent, m.answered = traffic.WithLabelValues("sent"), traffic.WithLabelValues("received")
}

func (m *metrics) replayMetrics() {
	resent := m.counterVec("deliveries_resent_total", "Deliveries queued again after they had ended, one by hand or by a replay.", "by")
	m.again = map[by]prometheus.Counter{byHand: resent.WithLabelValues(string(byHand)), byReplay: resent.WithLabelValues(string(byReplay))}
	m.skipped = m.counter("replay_skipped_total", "Deliveries that replays selected and could not queue again.")
	m.replays = m.counterVec("replays_total", "Replays that have ended, by how.", "state")
	for _, state := range []webhook.ReplayState{webhook.ReplayDone, webhook.ReplayCancelled, webhook.ReplayFailed} {
		m.replays.WithLabelValues(string(state))
	}
	m.replaysRunning = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "replays_running", Help: "Replays that are running."})
	m.all = append(m.all, m.replaysRunning)
}

func (m *metrics) resent(how by, n int) { m.again[how].Add(float64(n)) }

func reasonLabel(r queue.Reason) string { return strings.ReplaceAll(r.String(), " ", "_") }

const namespace = "hookline"

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.all = append(m.all, c)
	return c
}

func (m *metrics) counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.all = append(m.all, c)
	return c
}

func (m *metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.all = append(m.all, h)
	return h
}

func (m *metrics) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.all = append(m.all, h)
	return h
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for i, c := range m.all {
		if err := r.Register(c); err != nil {
			for _, done := range m.all[:i] {
				r.Unregister(done)
			}
			return err
		}
	}
	return nil
}

func (m *metrics) unregister(r prometheus.Registerer) {
	if r != nil {
		for _, c := range m.all {
			r.Unregister(c)
		}
	}
}

// read counts an event whose body could be read, and what it matched.
func (m *metrics) read(ev *webhook.Event, typ string, matched, deliveries int, took time.Duration) {
	counter, ok := m.received[ev.Source][typ]
	if !ok {
		counter = m.received[ev.Source][unknownType]
	}
	counter.Inc()
	m.size.Observe(float64(len(ev.Body)))
	m.match.Observe(took.Seconds())
	m.fanOut.Observe(float64(deliveries))
	if matched > 0 {
		m.matches.Inc()
	} else {
		m.unmatched.Inc()
	}
}

func (m *metrics) refused(err error) {
	var bad *event.Error
	var large *TooLargeError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		m.rejected[RejectedInvalid].Inc()
	case errors.As(err, &large):
		m.rejected[RejectedTooLarge].Inc()
	case errors.Is(err, queue.ErrOverloaded):
		m.rejected[RejectedOverloaded].Inc()
	default:
		m.rejected[RejectedOther].Inc()
	}
}

// attempted counts one attempt.
func (m *metrics) attempted(a *webhook.Attempt) {
	m.attempts[a.Outcome].Inc()
	m.duration[a.Outcome == webhook.Delivered].Observe(a.Duration.Seconds())
	m.sent.Add(float64(a.Sent))
	m.answered.Add(float64(a.Received))
	switch {
	case !a.Settled:
		m.retried.Inc()
	case a.Outcome == webhook.Delivered:
		m.succeeded.Inc()
		m.latency.Observe(a.Start.Add(a.Duration).Sub(a.Accepted).Seconds())
		m.tries.Observe(float64(a.Number))
	default:
		m.failed.Inc()
	}
}

// collector reads sizes when it is scraped.
type collector struct{ e *Engine }

var (
	descWebhooks = desc("subscriptions", "Registered webhooks.", "state")
	descExpiring = desc("webhooks_expiring", "Webhooks that expire within the time of the warning.")
	descIndexed  = desc("index_tenants", "Tenants whose index is in memory.")
	descInFlight = desc("delivery_inflight", "Requests to receivers in flight.")
	descHosts    = desc("hosts", "Hosts with state in memory.")
	descBreakers = desc("circuit_breakers", "Hosts that nothing is sent to (open) or one request at a time (half_open).", "state")
	descBroken   = desc("circuit_breaker_transitions_total", "Changes of hosts' circuit breakers, by the new state.", "to")
	descDepth    = desc("queue_depth", "Deliveries in the queue.", "state")
	descOldest   = desc("queue_oldest_age_seconds", "Time since the oldest waiting delivery that is known was due.")
	descFailing  = desc("endpoints_failing", "Endpoints whose attempts have all failed since the last that succeeded, or since the start.")
	descPutOff   = desc("retries_put_off_total", "Retries that were put off, without using up an attempt, because first attempts waited.")
	descProxy    = desc("egress_proxy_failures_total", "Connections for deliveries that ended at the egress proxy, which could not be reached.")
	descDropped  = desc("deliveries_dropped_total", "Deliveries removed before they were settled: their webhook was switched off or deleted.")
	descStore    = desc("store_size_bytes", "Bytes that the store has on disk.")
	descDebt     = desc("store_compaction_debt_bytes", "Bytes that the store still has to compact.")
	descMisuse   = desc("store_misuse_total", "Keys that the store found deleted in a way its contract excludes; must stay 0.")
	descStalls   = desc("store_write_stalls_total", "Times that writes had to wait for the store's compactions.")
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
	r := c.e.registry.Counts(time.Now())
	gauge(descWebhooks, float64(r.Webhooks-r.Expired), "active")
	gauge(descWebhooks, float64(r.Expired), "expired")
	gauge(descExpiring, float64(len(c.e.registry.Expiring(time.Now(), c.e.lead))))
	gauge(descIndexed, float64(r.Indexed))
	d := c.e.dispatch.Stats()
	gauge(descInFlight, float64(d.InFlight))
	gauge(descHosts, float64(d.Hosts))
	gauge(descBreakers, float64(d.OpenBreakers), dispatch.BreakerOpen.String())
	gauge(descBreakers, float64(d.HalfOpenBreakers), dispatch.BreakerHalfOpen.String())
	for to, n := range map[dispatch.BreakerState]uint64{
		dispatch.BreakerOpen: d.Opened, dispatch.BreakerHalfOpen: d.HalfOpened, dispatch.BreakerClosed: d.Closed,
	} {
		ch <- prometheus.MustNewConstMetric(descBroken, prometheus.CounterValue, float64(n), to.String())
	}
	gauge(descFailing, float64(c.e.failing.n.Load()))
	ch <- prometheus.MustNewConstMetric(descPutOff, prometheus.CounterValue, float64(d.PutOff))
	ch <- prometheus.MustNewConstMetric(descProxy, prometheus.CounterValue, float64(d.ProxyFailures))
	q := c.e.queue.Stats()
	gauge(descDepth, float64(q.Waiting), "waiting")
	gauge(descDepth, float64(q.InHand), "in_hand")
	gauge(descDepth, float64(q.Dead), "dead")
	ch <- prometheus.MustNewConstMetric(descDropped, prometheus.CounterValue, float64(q.Purged))
	if !q.OldestDue.IsZero() {
		gauge(descOldest, max(0, time.Since(q.OldestDue).Seconds()))
	}
	s := c.e.store.Stats()
	gauge(descStore, float64(s.Size))
	gauge(descDebt, float64(s.CompactionDebt))
	ch <- prometheus.MustNewConstMetric(descStalls, prometheus.CounterValue, float64(s.Stalls))
	ch <- prometheus.MustNewConstMetric(descMisuse, prometheus.CounterValue, float64(s.Misuse))
}
