package server

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/fasthttp/router"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"

	"hookline/engine/store"
)

// operations is the handler of the second listener. Profiles are there only where it is a loopback address.
func (s *Server) operations() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.options.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, 200, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	if loopback(s.options.Operations) {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// readyz says whether the server takes requests, in a word or, with ?verbose, with the sizes of what it holds.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	status, text, draining := 200, "ready", s.draining.Load()
	switch {
	case draining:
		status, text = 503, "draining"
	case s.options.Engine.Space().Level != store.Ample:
		status, text = 503, "read-only"
	}
	if !r.URL.Query().Has("verbose") {
		health(w, status, text)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(s.readiness(status == 200, draining)) // it fails only where the client is gone
}

// readiness is the answer to /readyz?verbose.
type readiness struct {
	Ready    bool       `json:"ready"`
	Draining bool       `json:"draining"`
	Disk     diskView   `json:"disk"`
	Webhooks int        `json:"webhooks"`
	Queue    queueSizes `json:"queue"`
}

type queueSizes struct {
	Waiting int64 `json:"waiting"`
	InHand  int64 `json:"in_hand"`
	Dead    int64 `json:"dead"`
}

func (s *Server) readiness(ready, draining bool) readiness {
	e := s.options.Engine
	q := e.Queue().Stats()
	return readiness{
		Ready: ready, Draining: draining, Disk: viewDisk(e.Space()), Webhooks: e.Registry().Counts(time.Now()).Webhooks,
		Queue: queueSizes{Waiting: q.Waiting, InHand: q.InHand, Dead: q.Dead},
	}
}

func health(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// requestMetrics are the metrics of the public listener.
type requestMetrics struct {
	durations *prometheus.HistogramVec
	panics    prometheus.Counter

	mu       sync.RWMutex
	resolved map[series]prometheus.Observer // children of durations
}

// series are the labels of a request, in a form that costs nothing to make. They come from closed sets.
type series struct {
	route    string // template of the path; empty for none
	ofTenant bool
	method   string
	class    int // of the status
}

func newRequestMetrics(r *prometheus.Registry, version string) *requestMetrics {
	m := &requestMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "hookline", Name: "http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets:                     []float64{1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 2.5},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"route", "method", "code"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "hookline", Name: "panics_recovered_total", Help: "Requests that panicked; each is a defect.",
		}),
		resolved: map[series]prometheus.Observer{},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "hookline", Name: "build_info", Help: "Always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(m.durations, m.panics, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// revision is the commit that the binary was built from, "unknown" where the build does not say.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// observe counts a request under the template of its route, so that ids in paths make no series.
func (m *requestMetrics) observe(ctx *fasthttp.RequestCtx, took time.Duration) {
	route, _ := ctx.UserValue(router.MatchedRoutePathParam).(string)
	s := series{route, ctx.UserValue(tenantKey) != nil, method(ctx), ctx.Response.StatusCode() / 100}
	m.mu.RLock()
	duration := m.resolved[s]
	m.mu.RUnlock()
	if duration == nil {
		duration = m.resolve(s)
	}
	duration.Observe(took.Seconds())
}

// resolve makes the child of durations for labels that were not there yet. A look-up by label for every request costs several times the
// count itself.
func (m *requestMetrics) resolve(s series) prometheus.Observer {
	route := s.route
	switch {
	case route == "":
		route = "none"
	case s.ofTenant:
		route = "/t/{tenant}" + route
	}
	duration := m.durations.WithLabelValues(route, s.method, strconv.Itoa(s.class)+"xx")
	m.mu.Lock()
	m.resolved[s] = duration
	m.mu.Unlock()
	return duration
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// method keeps clients from making series with methods of their own.
func method(ctx *fasthttp.RequestCtx) string {
	for _, m := range methods {
		if string(ctx.Method()) == m {
			return m
		}
	}
	return "other"
}
