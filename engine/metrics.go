package engine

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/queue"
)

// metrics are the engine's counters and histograms. Children are resolved once, at the start, because a
// look-up by label for every event costs several times the count itself. Label values come from
// closed sets: never a tenant, URL or id.
type metrics struct {
	all []prometheus.Collector

	received   [2]map[string]prometheus.Counter // by source, then event type
	rejected   map[Rejection]prometheus.Counter
	size       prometheus.Histogram
	match      prometheus.Histogram
	fanOut     prometheus.Histogram
	candidates prometheus.Histogram
	matches    prometheus.Counter
	unmatched  prometheus.Counter
	enqueued   prometheus.Counter

	attempts  map[webhook.Class]prometheus.Counter
	duration  map[bool]prometheus.Histogram // by success
	latency   prometheus.Histogram
	tries     prometheus.Histogram
	succeeded prometheus.Counter
	retried   prometheus.Counter
	failed    prometheus.Counter
	dead      [queue.Corrupt + 1]prometheus.Counter // by reason
	scheduled map[retryReason]prometheus.Counter
	objective [2]objective // by lane
	sent      prometheus.Counter
	answered  prometheus.Counter

	again          map[by]prometheus.Counter
	skipped        prometheus.Counter
	replays        map[webhook.ReplayState]prometheus.Counter
	replaysRunning prometheus.Gauge

	commits map[bool]prometheus.Histogram // by whether they are synced
	passed  prometheus.Histogram

	extended prometheus.Counter
	warned   map[int32]prometheus.Counter           // by stage in percent
	disabled map[webhook.Stopped]prometheus.Counter // by reason
	trim     map[queue.Kept]prometheus.Counter      // by what
}

// by says how deliveries came to be sent again: the label of hookline_deliveries_resent_total.
type by string

const (
	byHand   by = "hand"
	byReplay by = "replay"
)

// retryReason is why a delivery is due again: the reason label of hookline_retries_scheduled_total.
type retryReason string

const (
	retryStatus     retryReason = "status"
	retryTimeout    retryReason = "timeout"
	retryNetwork    retryReason = "network"
	retryRetryAfter retryReason = "retry_after" // the answer said when
)

func retryReasonOf(a *webhook.Attempt) retryReason {
	switch {
	case a.RetryAfter > 0:
		return retryRetryAfter
	case a.Status != 0:
		return retryStatus
	case a.Outcome == webhook.Timeout:
		return retryTimeout
	}
	return retryNetwork
}

// Rejection is why an event was not accepted: the reason label of hookline_events_rejected_total.
type Rejection string

// The reasons for which events are not accepted.
const (
	RejectedInvalid      Rejection = "invalid_json"
	RejectedTooLarge     Rejection = "too_large"
	RejectedUnauthorized Rejection = "unauthorized"
	RejectedOverloaded   Rejection = "overloaded"
	RejectedReadOnly     Rejection = "read_only" // the disk has no room
	RejectedOther        Rejection = "other"
)

var rejections = []Rejection{RejectedInvalid, RejectedTooLarge, RejectedUnauthorized, RejectedOverloaded, RejectedReadOnly, RejectedOther}

// unknownType is the event label of types that are not in the catalogue.
const unknownType = "other"

var (
	secondsFine     = []float64{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2, 0.1}
	secondsWire     = []float64{5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20}
	secondsUntil    = []float64{1e-3, 2e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800}
	bytesBody       = []float64{256, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 25 << 20}
	countFanOut     = []float64{0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
	countCandidates = []float64{0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5}
	countAttempts   = []float64{1, 2, 3, 4, 5, 6, 8, 10, 15}
	secondsDisk     = []float64{2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10}
	countPassed     = []float64{0, 10, 100, 1e3, 1e4, 1e5, 1e6}
)

func newMetrics(e *Engine) *metrics {
	m := &metrics{
		rejected: map[Rejection]prometheus.Counter{},
		attempts: map[webhook.Class]prometheus.Counter{},
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
	m.candidates = m.histogram("match_candidates", "Filters looked at per event.", countCandidates)
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
	m.objectiveMetrics(e.options.Objectives)
	m.replayMetrics()
	m.queueMetrics()
	m.all = append(m.all, &collector{e})
	return m
}

func (m *metrics) deliveryMetrics() {
	attempts := m.counterVec("delivery_attempts_total", "HTTP requests made for deliveries, by how they ended.", "class")
	for _, c := range webhook.Classes {
		m.attempts[c] = attempts.WithLabelValues(string(c))
	}
	duration := m.histogramVec("delivery_attempt_duration_seconds", "Time of one attempt, from dial to the end of the answer.", secondsWire, "class")
	m.duration[true], m.duration[false] = duration.WithLabelValues("success").(prometheus.Histogram), duration.WithLabelValues("failure").(prometheus.Histogram)
	m.latency = m.histogram("delivery_latency_seconds", "Time from accepting an event to its delivery.", secondsUntil)
	m.tries = m.histogram("delivery_attempts_per_success", "Attempts that a delivery took.", countAttempts)
	deliveries := m.counterVec("deliveries_total", "Attempts by what became of the delivery.", "outcome")
	m.succeeded, m.retried, m.failed = deliveries.WithLabelValues("success"), deliveries.WithLabelValues("retry"), deliveries.WithLabelValues("failed")
	dead := m.counterVec("dead_letters_total", "Deliveries given up, by reason.", "reason")
	for r := queue.Rejected; r <= queue.Corrupt; r++ {
		m.dead[r] = dead.WithLabelValues(reasonLabel(r))
	}
	trim := m.counterVec("retention_trimmed_bytes_total", "Bytes of what was removed early as it took more room than it may, by what it was.", "what")
	m.trim = map[queue.Kept]prometheus.Counter{}
	for _, what := range []queue.Kept{queue.KeptAttempts, queue.KeptDeadLetters} {
		m.trim[what] = trim.WithLabelValues(strings.ReplaceAll(what.String(), " ", "_"))
	}
	scheduled := m.counterVec("retries_scheduled_total", "Deliveries that are due again after an attempt, by why.", "reason")
	m.scheduled = map[retryReason]prometheus.Counter{}
	for _, r := range []retryReason{retryStatus, retryTimeout, retryNetwork, retryRetryAfter} {
		m.scheduled[r] = scheduled.WithLabelValues(string(r))
	}
	traffic := m.counterVec("delivery_bytes_total", "Bytes of bodies sent to receivers and read from them.", "direction")
	m.sent, m.answered = traffic.WithLabelValues("sent"), traffic.WithLabelValues("received")
}

func (m *metrics) replayMetrics() {
	resent := m.counterVec("deliveries_resent_total", "Deliveries queued again after they had ended, one by hand or by a replay.", "by")
	m.again = map[by]prometheus.Counter{byHand: resent.WithLabelValues(string(byHand)), byReplay: resent.WithLabelValues(string(byReplay))}
	m.skipped = m.counter("replay_skipped_total", "Deliveries that replays selected and could not queue again.")
	replays := m.counterVec("replays_total", "Replays that have ended, by how.", "state")
	m.replays = map[webhook.ReplayState]prometheus.Counter{}
	for _, state := range []webhook.ReplayState{webhook.ReplayDone, webhook.ReplayCancelled, webhook.ReplayFailed} {
		m.replays[state] = replays.WithLabelValues(string(state))
	}
	m.replaysRunning = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "replays_running", Help: "Replays that are running."})
	m.all = append(m.all, m.replaysRunning)
}

func (m *metrics) queueMetrics() {
	commits := m.histogramVec("queue_commit_duration_seconds", "Time to commit what was accepted, which waits for the disk, or the outcomes of attempts, which wait for none.", secondsDisk, "of")
	m.commits = map[bool]prometheus.Histogram{
		true: commits.WithLabelValues("accepts").(prometheus.Histogram), false: commits.WithLabelValues("outcomes").(prometheus.Histogram),
	}
	m.passed = m.histogram("queue_refill_passed_keys", "Deleted keys passed over by each read of more deliveries of an endpoint.", countPassed)
}

func (m *metrics) committed(synced bool, took time.Duration) {
	m.commits[synced].Observe(took.Seconds())
}

func (m *metrics) refilled(passed int) { m.passed.Observe(float64(passed)) }

// trimmed counts what the queue removes for its size.
func (m *metrics) trimmed(what queue.Kept, bytes int64) { m.trim[what].Add(float64(bytes)) }

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
	h := prometheus.NewHistogram(histogramOpts(name, help, buckets))
	m.all = append(m.all, h)
	return h
}

func (m *metrics) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(histogramOpts(name, help, buckets), labels)
	m.all = append(m.all, h)
	return h
}

// histogramOpts has native buckets beside the classic ones, for servers that ask for them (scrape_native_histograms).
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}
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
	case errors.Is(err, queue.ErrReadOnly):
		m.rejected[RejectedReadOnly].Inc()
	case errors.Is(err, queue.ErrOverloaded):
		m.rejected[RejectedOverloaded].Inc()
	default:
		m.rejected[RejectedOther].Inc()
	}
}

// attempted counts one attempt.
func (m *metrics) attempted(a *webhook.Attempt) {
	if a.Outcome == webhook.Unsendable { // which is no attempt
		m.failed.Inc()
		return
	}
	m.attempts[a.Class].Inc()
	m.duration[a.Outcome == webhook.Delivered].Observe(a.Duration.Seconds())
	m.sent.Add(float64(a.Sent))
	m.answered.Add(float64(a.Received))
	switch {
	case !a.Settled:
		m.retried.Inc()
		m.scheduled[retryReasonOf(a)].Inc()
	case a.Outcome == webhook.Delivered:
		m.succeeded.Inc()
		m.latency.Observe(a.Start.Add(a.Duration).Sub(a.Accepted).Seconds())
		m.tries.Observe(float64(a.Number))
	default:
		m.failed.Inc()
	}
}
