package engine

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/queue"
)

// Objectives are the times within which deliveries should be made, from the accept of their event to the answer that
// acknowledges them, by lane.
type Objectives struct {
	// Fresh is for new events, Replay for what is sent again by hand, counted from then.
	//
	// Default to 30 seconds and 15 minutes, which Jira Cloud names for its Primary and Secondary flow.
	Fresh, Replay time.Duration
}

// WithDefaults returns the objectives with the defaults in place of zeros.
func (o Objectives) WithDefaults() Objectives {
	o.Fresh = cmp.Or(o.Fresh, 30*time.Second)
	o.Replay = cmp.Or(o.Replay, 15*time.Minute)
	return o
}

// objective counts the deliveries of a lane by whether they were made in time.
type objective struct {
	limit        time.Duration
	within, late prometheus.Counter
}

// ended counts a delivery that ended at an age. One that was given up is late however soon that was.
func (o *objective) ended(v queue.Verdict, age time.Duration) {
	if v == queue.Done && age <= o.limit {
		o.within.Inc()
	} else {
		o.late.Inc()
	}
}

func (m *metrics) objectiveMetrics(o Objectives) {
	ended := m.counterVec("deliveries_objective_total",
		"Deliveries that have ended, by whether they were made within the objective; one given up is late.", "lane", "result")
	limits := [...]time.Duration{queue.Fresh: o.Fresh, queue.Replay: o.Replay}
	seconds := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "delivery_objective_seconds", Help: "Time within which deliveries should be made.",
	}, []string{"lane"})
	m.all = append(m.all, seconds)
	for l, limit := range limits {
		lane := queue.Lane(l).String()
		seconds.WithLabelValues(lane).Set(limit.Seconds())
		m.objective[l] = objective{limit, ended.WithLabelValues(lane, "within"), ended.WithLabelValues(lane, "late")}
	}
}
