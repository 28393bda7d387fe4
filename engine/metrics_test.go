package engine_test

import (
	"net"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/webhook"
)

// wantMetrics compares values of metrics with what they should be.
func wantMetrics(t *testing.T, when string, r *prometheus.Registry, want map[string]float64) {
	t.Helper()
	got := gathered(t, r)
	for name, v := range want {
		if n, ok := got[name]; !ok || n != v {
			t.Errorf("%s: %s is %v (there: %v), want %v", when, name, n, ok, v)
		}
	}
}

// Attempts are counted by what the wire said, retries by why there is another, deliveries by whether they were made in time.
func TestDeliveriesAreCounted(t *testing.T) {
	answers := []int{503, 429, 302, 200, 404, 200} // in place of the first there is no connection, twice
	r := newReceiver(t, func(n int) int { return answers[n-1] })
	reg := prometheus.NewRegistry()
	o := options(vfs.NewMem(), r)
	o.Metrics = reg
	dial := o.Dial
	var tries atomic.Int64
	o.Dial = func(address string, timeout time.Duration) (net.Conn, error) {
		switch tries.Add(1) {
		case 1:
			return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
		case 2:
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		return dial(address, timeout)
	}
	e := open(t, o)
	install(t, e)
	ended := 0.0
	for n := range 5 {
		publish(t, e, webhook.Event{Body: body("EX", n)})
		for ended++; ; runtime.Gosched() {
			v := gathered(t, reg)
			if v["hookline_deliveries_objective_total/fresh/within"]+v["hookline_deliveries_objective_total/fresh/late"] == ended {
				break
			}
		}
	}
	wantMetrics(t, "in the end", reg, map[string]float64{
		"hookline_delivery_attempts_total/dns": 1, "hookline_delivery_attempts_total/connect": 1, "hookline_delivery_attempts_total/5xx": 1,
		"hookline_delivery_attempts_total/429": 1, "hookline_delivery_attempts_total/3xx": 1, "hookline_delivery_attempts_total/2xx": 2,
		"hookline_delivery_attempts_total/4xx": 1, "hookline_delivery_attempts_total/timeout": 0, "hookline_delivery_attempts_total/tls": 0,
		"hookline_retries_scheduled_total/network": 2, "hookline_retries_scheduled_total/status": 1,
		"hookline_deliveries_total/retry": 3, "hookline_deliveries_total/success": 2, "hookline_deliveries_total/failed": 3,
		"hookline_dead_letters_total/rejected": 2, "hookline_dead_letters_total/exhausted": 1,
		"hookline_deliveries_objective_total/fresh/within": 2, "hookline_deliveries_objective_total/fresh/late": 3,
		"hookline_connections_opened_total/dns": 1, "hookline_connections_opened_total/refused": 1,
	})
	if n := gathered(t, reg)["hookline_connections_opened_total/ok"]; n < 1 || n > 6 {
		t.Errorf("%v connections were opened", n)
	}
}

// During an outage what is owed is seen to grow old, from the accept and over retries and a restart, and counts as late in the
// end; what was dropped or given up is owed no more.
func TestOutageShowsInAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{down: true}
		o := l.options(vfs.NewMem())
		o.Metrics = prometheus.NewRegistry()
		o.Objectives = engine.Objectives{Fresh: time.Minute}
		e := open(t, o)
		install(t, e)
		id := only(t, e).ID
		if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(30 * time.Second)
		publish(t, e, webhook.Event{Body: body("EX", 2)})
		time.Sleep(45 * time.Second)
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewRegistry()
		o.Metrics = reg
		e = open(t, o)
		for !e.Queue().Stats().Counted {
			time.Sleep(time.Millisecond)
		}
		v := gathered(t, reg)
		if age := v["hookline_queue_oldest_age_seconds/fresh"]; age < 75 || age > 77 {
			t.Errorf("the oldest is %v s old", age)
		}
		wantMetrics(t, "past its objective", reg, map[string]float64{
			"hookline_queue_past_objective/fresh": 1, "hookline_queue_past_objective/replay": 0,
			"hookline_queue_oldest_age_seconds/replay": 0, "hookline_delivery_objective_seconds/fresh": 60, "hookline_delivery_objective_seconds/replay": 900,
			"hookline_deliveries_objective_total/fresh/within": 0, "hookline_deliveries_objective_total/fresh/late": 0,
		})
		l.set(false)
		if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		wantMetrics(t, "delivered", reg, map[string]float64{
			"hookline_deliveries_objective_total/fresh/within": 1, "hookline_deliveries_objective_total/fresh/late": 1,
			"hookline_queue_past_objective/fresh": 0, "hookline_queue_oldest_age_seconds/fresh": 0, "hookline_queue_overdue_seconds": 0,
		})
		if err := e.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// Waits for limits are counted by whose limit it is.
func TestThrottlingIsCounted(t *testing.T) {
	for scope, limit := range map[string]func(*engine.Options){
		"endpoint": func(o *engine.Options) { o.Rate.Endpoint = 10 },
		"host":     func(o *engine.Options) { o.Rate.Host = 10 },
	} {
		t.Run(scope, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, reg := new(line), prometheus.NewRegistry()
				o := l.options(vfs.NewMem())
				o.Metrics = reg
				limit(&o)
				e := open(t, o)
				install(t, e)
				for n := range 30 {
					publish(t, e, webhook.Event{Body: body("EX", n)})
				}
				time.Sleep(10 * time.Second)
				v := gathered(t, reg)
				for _, s := range []string{"endpoint", "host", "global"} {
					if waits := v["hookline_throttled_total/"+s]; (waits > 0) != (s == scope) {
						t.Errorf("%v waits for %s", waits, s)
					}
				}
				wantMetrics(t, "at rest", reg, map[string]float64{
					"hookline_connections/active": 0, "hookline_connections/idle": 0, "hookline_connections_opened_total/ok": 30,
					"hookline_delivery_attempts_total/2xx": 30, "hookline_deliveries_objective_total/fresh/within": 30,
				})
				if err := e.Close(ctx); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// What the queue gives up by itself, as it cannot be read any more, is counted like all that is given up.
func TestLostPayloadsAreCounted(t *testing.T) {
	r := newReceiver(t, always(200))
	o := options(vfs.NewMem(), r)
	e := open(t, o)
	install(t, e)
	id := only(t, e).ID
	if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		publish(t, e, webhook.Event{Body: body("EX", n)})
	}
	if err := e.Close(ctx); err != nil { // which leaves no payload in memory
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	o.Metrics = reg
	e = open(t, o)
	if err := e.LosePayloads(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	for gathered(t, reg)["hookline_dead_letters_total/payload_lost"] < 3 {
		runtime.Gosched()
	}
	wantMetrics(t, "lost", reg, map[string]float64{
		"hookline_dead_letters_total/payload_lost": 3, "hookline_dead_letters_total/corrupt": 0,
		"hookline_deliveries_objective_total/fresh/within": 0, "hookline_deliveries_objective_total/fresh/late": 3,
	})
}

// Commits, syncs of the log and reads of a backlog are measured, and what is on the disk is told by what it is of.
func TestStorageIsMeasured(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := options(vfs.NewMem(), newReceiver(t, always(200)))
	o.Metrics = reg
	e := open(t, o)
	install(t, e)
	id := only(t, e).ID
	if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	const events = 20
	for n := range events {
		publish(t, e, webhook.Event{Body: body("EX", n)})
	}
	if n := observed(t, reg, "hookline_queue_commit_duration_seconds", "accepts"); n != events {
		t.Errorf("%d commits of %d accepts one after the other", n, events)
	}
	if n := observed(t, reg, "hookline_store_sync_duration_seconds"); n < events {
		t.Errorf("%d syncs of %d accepts one after the other", n, events)
	}
	if v := gathered(t, reg); v["hookline_store_tables_bytes/payloads"] != 0 || v["hookline_store_wal_bytes"] == 0 {
		t.Errorf("before a flush there are %v bytes in tables, %v in the log", v["hookline_store_tables_bytes/payloads"], v["hookline_store_wal_bytes"])
	}
	if err := e.FlushTables(); err != nil {
		t.Fatal(err)
	}
	v := gathered(t, reg)
	for _, kind := range []string{"payloads", "deliveries", "registrations"} {
		if v["hookline_store_tables_bytes/"+kind] == 0 {
			t.Errorf("%s take nothing", kind)
		}
	}
	if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
		t.Fatal(err)
	}
	for gathered(t, reg)["hookline_deliveries_total/success"] < events {
		runtime.Gosched()
	}
	if err := e.Queue().Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n := observed(t, reg, "hookline_queue_commit_duration_seconds", "outcomes"); n == 0 || n > events {
		t.Errorf("%d commits of %d outcomes", n, events)
	}
	wantMetrics(t, "in the end", reg, map[string]float64{
		"hookline_store_background_errors_total": 0, "hookline_store_misuse_total": 0, "hookline_store_write_stall_seconds_total": 0,
	})
}

// observed is how many observations a histogram has, of the series with these values of labels.
func observed(t *testing.T, r *prometheus.Registry, name string, labels ...string) (n uint64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if h := m.GetHistogram(); f.GetName() == name && slices.Equal(values, labels) {
				n += h.GetSampleCount()
				for i, b := range h.GetBucket() {
					if b.GetCumulativeCount() > h.GetSampleCount() || i > 0 && b.GetUpperBound() < 1.3*h.GetBucket()[i-1].GetUpperBound() {
						t.Errorf("%s: bucket %v", name, b)
					}
				}
				if sum := h.GetSampleSum(); sum < 0 || sum > 3600 {
					t.Errorf("%s: %v seconds in all", name, sum)
				}
			}
		}
	}
	return n
}
