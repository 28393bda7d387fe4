package engine_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// line is a receiver without a server, for tests in fake time: it refuses connections, or answers one request on each.
type line struct {
	mu      sync.Mutex
	down    bool
	refused int
	got     int
}

func (l *line) dial(string, time.Duration) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		l.refused++
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	go l.answer(there)
	return here, nil
}

func (l *line) answer(c net.Conn) {
	defer c.Close()
	var req fasthttp.Request
	if req.Read(bufio.NewReader(c)) != nil {
		return
	}
	l.mu.Lock()
	l.got++
	l.mu.Unlock()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

func (l *line) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *line) counts() (got, refused int) {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got, l.refused
}

func (l *line) options(fs vfs.FS) engine.Options {
	o := options(fs, new(receiver))
	o.Dial = l.dial
	return o
}

// only returns the one endpoint that install makes.
func only(t *testing.T, e *engine.Engine) *webhook.Endpoint {
	t.Helper()
	list := e.Registry().EndpointsOf(owner, jira.DynamicFlavor)
	if len(list) != 1 {
		t.Fatalf("%d endpoints", len(list))
	}
	return list[0]
}

// A paused endpoint is sent nothing, also after a restart, and everything when it is resumed.
func TestPauseSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, l := vfs.NewMem(), new(line)
		e := open(t, l.options(fs))
		install(t, e)
		id := only(t, e).ID
		paused, err := e.Pause(ctx, owner.Tenant, id)
		if err != nil || !paused.Paused || only(t, e) != paused {
			t.Fatalf("%+v, %v", paused, err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(time.Hour)
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
		e = open(t, l.options(fs))
		publish(t, e, webhook.Event{Body: body("EX", 2)})
		time.Sleep(time.Hour)
		if got, _ := l.counts(); got != 0 || e.Queue().Stats().Waiting != 2 {
			t.Errorf("%d requests while paused, %+v", got, e.Queue().Stats())
		}
		resumed, err := e.Resume(ctx, owner.Tenant, id)
		if err != nil || resumed.Paused {
			t.Fatalf("%+v, %v", resumed, err)
		}
		time.Sleep(time.Second)
		if got, _ := l.counts(); got != 2 {
			t.Errorf("%d requests after that, want 2", got)
		}
		for _, tenant := range []string{"rival", ""} {
			if _, err := e.Pause(ctx, tenant, id); !errors.Is(err, registry.ErrUnknownEndpoint) {
				t.Errorf("as tenant %q: %v", tenant, err)
			}
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// What is queued for a paused endpoint is dropped an hour after the last webhook went that led to it, as nobody can
// resume it any more; not while there still is one, and not where a new one came in that hour.
func TestPausedEndpointWithoutWebhooksIsGivenUp(t *testing.T) {
	for name, again := range map[string]bool{"given up": false, "registered again": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := new(line)
				e := open(t, l.options(vfs.NewMem()))
				install(t, e)
				id := only(t, e).ID
				if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
					t.Fatal(err)
				}
				publish(t, e, webhook.Event{Body: body("EX", 1)})
				waiting := func(when string, want int64) {
					t.Helper()
					e.Sweep(time.Time{}, time.Now())
					if got := e.Queue().Stats().Waiting; got != want {
						t.Errorf("%s: %d deliveries wait, want %d", when, got, want)
					}
				}
				time.Sleep(2 * time.Hour)
				waiting("with its webhook", 1)
				if err := e.DeleteWebhook(ctx, owner.Tenant, sole(t, e)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour - time.Second)
				waiting("within the hour", 1)
				if again {
					install(t, e)
				}
				time.Sleep(2 * time.Second)
				if again {
					waiting("with a new webhook", 1)
				} else {
					waiting("after the hour", 0)
				}
				if _, ok := e.Registry().Endpoint(id); ok != again {
					t.Errorf("the endpoint is there: %v", ok)
				}
				if got, _ := l.counts(); got != 0 {
					t.Errorf("%d requests while paused", got)
				}
				if err := e.Close(ctx); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A host that is down is left alone, in sight of metrics, until a probe succeeds or it is reset; nothing is lost.
func TestHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{down: true}
		o := l.options(vfs.NewMem())
		o.Breaker = engine.Breaker{Failures: 3, Open: time.Minute}
		metrics := prometheus.NewRegistry()
		o.Metrics = metrics
		e := open(t, o)
		install(t, e)
		const n = 100
		for i := range n {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(time.Second)
		_, before := l.counts()
		time.Sleep(58 * time.Second)
		if _, refused := l.counts(); refused != before || before < 3 {
			t.Errorf("%d attempts, and %d more while the breaker was open", before, refused-before)
		}
		if v := gathered(t, metrics); v["hookline_circuit_breakers/open"] != 1 || v["hookline_circuit_breaker_transitions_total/open"] != 1 {
			t.Errorf("metrics %v", v)
		}
		var host engine.HostState
		for s := range e.Hosts {
			host = s
		}
		if host.Breaker != engine.BreakerOpen || host.Host.String() != "http://receiver.example:80" || host.Host.Tenant != owner.Tenant {
			t.Errorf("%+v", host)
		}
		l.set(false)
		if !e.ResetHost(host.Host) || e.ResetHost(engine.Host{Tenant: "rival", Scheme: "http", Address: "receiver.example:80"}) {
			t.Error("not reset, or another tenant's host was")
		}
		time.Sleep(10 * time.Second)
		if got, _ := l.counts(); got+dead(t, e) != n || got < n-before {
			t.Errorf("%d arrived and %d were given up of %d", got, dead(t, e), n)
		}
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func dead(t *testing.T, e *engine.Engine) int {
	t.Helper()
	return int(e.Queue().Stats().Dead)
}

// gathered returns the values of metrics by name and, after a slash, the value of their last label.
func gathered(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += "/" + label.GetValue()
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}
