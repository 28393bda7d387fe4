package dispatch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/engine/webhook"
	"hookline/queue"
)

// down waits until the breaker of the only host has opened, and returns the number of attempts until then: the limit more
// at most than it takes, less one, as they were in flight together.
func (r *rig) down() int {
	r.t.Helper()
	synctest.Wait()
	n := len(r.log())
	if n < 20 || n > 39 {
		r.t.Fatalf("%d attempts before the breaker opened", n)
	}
	return n
}

// TestBreakerSchedule holds the attempts at a host that is down against the times that a breaker is to be open, and the
// queue against what it is to notice of that: nothing.
func TestBreakerSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const waiting = 1000
		r := newRig(t, nil)
		q := &takes{fakeQueue: r.queue}
		r.Start(q)
		r.target(1, "down:80", jiraPolicy())
		start := time.Now()
		r.queue.accept(1, waiting)
		before, taken := r.down(), q.count()
		time.Sleep(time.Hour)
		synctest.Wait()
		log := r.log()
		for i, a := range log[:before] {
			if !a.Start.Equal(start) || a.Outcome != webhook.ConnectFailed {
				t.Errorf("attempt %d before the breaker opened: %+v", i+1, a)
			}
		}
		last, open := start, time.Second
		for i, a := range log[before:] {
			if wait := a.Start.Sub(last); wait < open || wait > open+open/5 {
				t.Errorf("probe %d came after %v, want %v to %v", i+1, wait, open, open+open/5)
			}
			last, open = a.Start, min(2*open, time.Minute)
		}
		if until := time.Since(last); until > 72*time.Second {
			t.Errorf("no probe for %v", until)
		}
		if n := q.count() - taken; n != len(log)-before {
			t.Errorf("%d takes for %d probes", n, len(log)-before)
		}
		if n := r.queue.count(queue.Again); n != len(log) || len(r.queue.waiting[1]) != waiting {
			t.Errorf("%d settlements for %d attempts, %d waiting", n, len(log), len(r.queue.waiting[1]))
		}
		s := r.Stats()
		if probes := uint64(len(log) - before); s.OpenBreakers != 1 || s.Opened != probes+1 || s.HalfOpened != probes || s.Closed != 0 || s.InFlight != 0 {
			t.Errorf("after %d probes: %+v", probes, s)
		}
	})
}

// TestBreakerClosesWhenAProbeSucceeds lets a host recover slowly: one request is with it until it has answered, and the
// whole limit right after that.
func TestBreakerClosesWhenAProbeSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const endpoints, each = 5, 100
		r := newRig(t, nil).start()
		for ep := range queue.EndpointID(endpoints) {
			r.target(ep, "a:80", jiraPolicy())
			r.queue.accept(ep, each)
		}
		failed := r.down()
		var g gauge
		var first atomic.Bool
		took := 4 * time.Second
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
			g.enter()
			defer g.leave()
			if first.CompareAndSwap(false, true) {
				time.Sleep(took)
				return
			}
			time.Sleep(100 * time.Millisecond)
		})
		for !first.Load() {
			time.Sleep(time.Second)
		}
		for ep := range queue.EndpointID(endpoints) { // wake-ups while the probe is out
			r.queue.accept(ep, each)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if most, s := g.most.Load(), r.Stats(); most != 1 || s.HalfOpenBreakers != 1 || s.InFlight != 1 {
			t.Errorf("%d requests at once while a probe is out: %+v", most, s)
		}
		r.queue.wait(1)
		drain := time.Now()
		r.queue.wait(2*endpoints*each - failed) // those that failed come again later
		if took := time.Since(drain); took > 6*time.Second {
			t.Errorf("the rest took %v", took)
		}
		if most := g.most.Load(); most != 20 {
			t.Errorf("%d requests at once after the probe, want 20", most)
		}
		if s := r.Stats(); s.Closed != 1 || s.OpenBreakers+s.HalfOpenBreakers != 0 {
			t.Errorf("%+v", s)
		}
		r.queue.wait(2 * endpoints * each)
	})
}

// TestProbesComeOneAtATime has a host that answers probes neither well nor badly, with requests from before still out.
func TestProbesComeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Breaker = Breaker{Failures: 3, Open: 10 * time.Second} }).start()
		var probes gauge
		var before, n atomic.Int64
		start := time.Now()
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
			switch early := time.Since(start) < 5*time.Second; {
			case early && before.Add(1) <= 17: // out while probes are made
				time.Sleep(18 * time.Second)
				ctx.SetStatusCode(500)
			case early:
				time.Sleep(time.Second)
				ctx.SetStatusCode(500)
			default:
				n.Add(1)
				probes.handler(time.Second)(ctx)
				ctx.SetStatusCode(429)
			}
		})
		p := jiraPolicy()
		p.Backoff = []time.Duration{time.Hour}
		for ep := range queue.EndpointID(3) {
			r.target(ep, "a:80", p)
			r.queue.accept(ep, 20)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if most := probes.most.Load(); most != 1 {
			t.Errorf("%d probes at once", most)
		}
		// The breaker opened once: what failed later began before.
		if s := r.Stats(); s.Opened != 1 || s.HalfOpened != 1 || s.HalfOpenBreakers != 1 {
			t.Errorf("%+v", s)
		}
		if made := n.Load(); made < 17 || made > 20 {
			t.Errorf("%d probes in 30 s", made)
		}
	})
}

// TestOneDeliveryIsNotHeldUpByTheBreaker holds the schedule of a delivery that is alone at a host that is down against the
// policy's.
func TestOneDeliveryIsNotHeldUpByTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.target(1, "down:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		checkSchedule(t, r.log(), 1)
		for i, a := range r.log()[1:] {
			if !a.Start.Equal(r.log()[i].Next) {
				t.Errorf("attempt %d started at %v, want %v", i+2, a.Start, r.log()[i].Next)
			}
		}
		if s := r.Stats(); s.Opened != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestHealthOf(t *testing.T) {
	for _, test := range []struct {
		status int
		err    error
		want   health
	}{
		{status: 200, want: alive}, {status: 204, want: alive},
		{status: 302, want: alive}, {status: 400, want: alive}, {status: 404, want: alive}, {status: 410, want: alive}, {status: 408, want: alive},
		{status: 429, want: unknown},
		{status: 500, want: failing}, {status: 503, want: failing}, {status: 599, want: failing},
		{err: dialError{errNobody}, want: failing}, {err: fasthttp.ErrTimeout, want: failing}, {err: errors.New("no HTTP"), want: failing},
	} {
		for _, p := range []*webhook.Policy{jiraPolicy(), retryNothing()} {
			a := &webhook.Attempt{Status: test.status, Err: test.err, Outcome: classify(test.status, test.err, p)}
			if got := healthOf(a); got != test.want {
				t.Errorf("status %d, error %v, outcome %s: %d, want %d", test.status, test.err, a.Outcome, got, test.want)
			}
		}
	}
	if got := healthOf(&webhook.Attempt{Outcome: webhook.Unsendable, Err: errNobody}); got != unknown {
		t.Errorf("unsendable: %d", got)
	}
}

func retryNothing() *webhook.Policy {
	p := jiraPolicy()
	p.Retry = nil
	return p
}

func TestResetSendsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		target := r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 100)
		left := 100 - r.down()
		if r.Reset(Host{Tenant: "other", Scheme: "http", Address: "a:80"}) {
			t.Error("another tenant's host was reset")
		}
		r.serve("a:80", status(200))
		start := time.Now()
		if !r.Reset(target.Host) || r.Reset(target.Host) {
			t.Error("a breaker is reset once")
		}
		r.queue.wait(left)
		if took := time.Since(start); took != 0 {
			t.Errorf("%d deliveries took %v after the reset", left, took)
		}
		time.Sleep(time.Minute) // the timer of the time that was cut short
		if s := r.Stats(); s.Opened != 1 || s.HalfOpened != 0 || s.Closed != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 10 }).start()
		r.blackHole("b-hole:80")
		r.serve("c-good:80", status(200))
		for i, addr := range []string{"a-down:80", "b-hole:80", "c-good:80"} {
			r.target(queue.EndpointID(i), addr, jiraPolicy())
			r.queue.accept(queue.EndpointID(i), 30)
		}
		r.queue.accept(9, 1) // an endpoint that is gone
		time.Sleep(time.Second)
		var list []HostState
		r.Hosts(func(s HostState) bool {
			list = append(list, s)
			return true
		})
		slices.SortFunc(list, func(a, b HostState) int { return strings.Compare(a.Host.Address, b.Host.Address) })
		host := func(addr string) Host { return Host{Tenant: "t", Scheme: "http", Address: addr} }
		if len(list) != 3 || !list[0].OpenUntil.After(time.Now()) {
			t.Fatalf("%+v", list)
		}
		list[0].OpenUntil = time.Time{}
		want := []HostState{
			{Host: host("a-down:80"), Limit: 1, Endpoints: 1, Failures: list[0].Failures, Breaker: BreakerOpen},
			{Host: host("b-hole:80"), InFlight: 10, Limit: 10, Endpoints: 1},
			{Host: host("c-good:80"), Limit: 10},
		}
		if !slices.Equal(list, want) || list[0].Failures < 20 || list[0].Failures > 29 {
			t.Errorf("got  %+v\nwant %+v", list, want)
		}
		if text := fmt.Sprint(list[0].Host, " ", list[0].Breaker); text != "http://a-down:80 open" {
			t.Errorf("text %s", text)
		}
		reset := false
		for s := range r.Hosts {
			if reset = r.Reset(s.Host); reset { // which is not held up by a lock
				break
			}
		}
		if !reset {
			t.Error("no breaker was reset")
		}
	})
}

// TestBreakerIsRememberedAsLongAsItMatters has a host without work, whose breaker is open.
func TestBreakerIsRememberedAsLongAsItMatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Breaker.Open = 3 * time.Minute }).start()
		p := jiraPolicy()
		p.Backoff = nil
		r.target(1, "down:80", p)
		r.queue.accept(1, 20)
		r.queue.wait(20)
		time.Sleep(150 * time.Second)
		if s := r.Stats(); s.OpenBreakers != 1 {
			t.Errorf("while it is open: %+v", s)
		}
		time.Sleep(time.Minute + 2*time.Minute)
		if s := r.Stats(); s.HalfOpenBreakers != 1 {
			t.Errorf("after that: %+v", s)
		}
		time.Sleep(10 * time.Minute)
		if s := r.Stats(); s.Hosts != 0 {
			t.Errorf("long after that: %+v", s)
		}
	})
}

func TestBreakerThatIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Breaker.Failures = -1 }).start()
		r.target(1, "down:80", jiraPolicy())
		r.queue.accept(1, 300)
		synctest.Wait()
		if n := len(r.log()); n != 300 {
			t.Errorf("%d attempts", n)
		}
	})
}

// An endpoint that is led away from a host that is down is served at once, with all that waits for it.
func TestEndpointIsLedAwayFromAHostThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.target(1, "down:80", jiraPolicy())
		r.queue.accept(1, 100)
		left := 100 - r.down()
		r.serve("good:80", status(200))
		r.target(1, "good:80", jiraPolicy())
		start := time.Now()
		r.Ready(1, start)
		r.queue.wait(left)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// TestNothingIsLostWithABreaker has hosts that come and go, and an operator who resets breakers and pauses endpoints,
// while deliveries come.
func TestNothingIsLostWithABreaker(t *testing.T) {
	const endpoints, each = 4, 200
	p := jiraPolicy()
	p.Backoff, p.Jitter, p.Repeat = []time.Duration{time.Microsecond}, 0, true
	r := newRig(t, func(o *Options) {
		o.HostLimit, o.MaxInFlight = 3, 4
		o.OnAttempt = nil
		o.Breaker = Breaker{Failures: 2, Open: 50 * time.Microsecond, MaxOpen: 200 * time.Microsecond}
		o.IdleConn, o.IdleHost = 2*time.Millisecond, time.Nanosecond
		o.Dial = flaky
	})
	r.start()
	var hosts []Host
	for ep := range queue.EndpointID(endpoints) {
		hosts = append(hosts, r.target(ep, fmt.Sprintf("h%d:80", ep%2), p).Host)
	}
	var wg, meddlers sync.WaitGroup
	over := make(chan struct{})
	for ep := range queue.EndpointID(endpoints) {
		wg.Go(func() {
			for range each {
				r.queue.accept(ep, 1)
			}
		})
		meddlers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					r.pause(ep, false)
					return
				case <-time.After(100 * time.Microsecond):
					r.pause(ep, i%2 == 0)
					r.Reset(hosts[ep])
				}
			}
		})
	}
	wg.Wait()
	r.queue.wait(endpoints * each / 2)
	close(over)
	meddlers.Wait()
	r.queue.wait(endpoints * each)
	if s := r.Stats(); s.Opened == 0 || s.Closed == 0 {
		t.Errorf("the breakers had nothing to do: %+v", s)
	}
}

// flaky connects to a receiver that accepts what it gets once and closes, two times out of three.
func flaky(string, time.Duration) (net.Conn, error) {
	if rand.IntN(3) == 0 {
		return nil, errNobody
	}
	here, there := net.Pipe()
	go func() {
		defer func() { _ = there.Close() }()
		buf := make([]byte, 4096)
		if _, err := there.Read(buf); err == nil {
			_, _ = there.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		}
	}()
	return here, nil
}

// TestBreakerProperties drives a breaker with turns that end in any order.
func TestBreakerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Breaker{Failures: rapid.IntRange(1, 5).Draw(t, "failures"), Open: time.Second, MaxOpen: 5 * time.Second}
		var b breaker
		now := time.Unix(0, 0)
		var out []uint64 // turns that have not ended, by the number of their probe
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				if !b.admits() {
					t.Skip()
				}
				probe := b.begin()
				if (probe != 0) != (b.state == BreakerHalfOpen) || probe != 0 && slices.Contains(out, probe) {
					t.Fatalf("probe %d in state %v, %v are out", probe, b.state, out)
				}
				out = append(out, probe)
			},
			"end": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(out)-1).Draw(t, "turn")
				before, probed := b.state, out[i] != 0 && out[i] == b.probe
				h := rapid.SampledFrom([]health{unknown, alive, failing}).Draw(t, "health")
				trip := b.end(out[i], h, o.Failures)
				out = slices.Delete(out, i, i+1)
				switch {
				case h == alive && (b.state != BreakerClosed || b.failures != 0 || trip):
					t.Fatalf("after a success: %+v", b)
				case h == unknown && (trip || b.state != before):
					t.Fatalf("after a turn that says nothing: %+v", b)
				case h == failing && trip != (probed || before == BreakerClosed && b.failures >= o.Failures):
					t.Fatalf("a failure in state %v, of the probe %v: trip %v", before, probed, trip)
				}
				if trip {
					wait := b.trip(&o, now, rapid.Float64Range(0, 0.999).Draw(t, "random"))
					if wait < o.Open || wait > o.MaxOpen+o.MaxOpen/5 || !b.until.Equal(now.Add(wait)) {
						t.Fatalf("open for %v", wait)
					}
				}
			},
			"time": func(t *rapid.T) {
				if b.state != BreakerOpen {
					t.Skip()
				}
				now, b.state = b.until, BreakerHalfOpen
			},
			"": func(t *rapid.T) {
				probes := 0
				for _, probe := range out {
					if probe != 0 && probe == b.probe {
						probes++
					}
				}
				if b.state == BreakerOpen && b.admits() || probes > 1 || b.probe != 0 && probes != 1 {
					t.Fatalf("%+v with %v out", b, out)
				}
			},
		})
	})
}
