package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/engine/webhook"
	"hookline/queue"
)

// A pacer lets through no more than its rate and a burst in any span of time, and all of its rate to whoever asks
// whenever it says.
func TestPacer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.Float64Range(0.01, 20_000).Draw(t, "rate")
		var p pacer
		p.set(perSecond)
		start := time.Unix(1_000_000, 0)
		now := start
		var made []time.Time
		for range 100 {
			if wait := p.wait(now); wait > 0 {
				now = now.Add(wait)
				if early := p.wait(now); early > 0 {
					t.Fatalf("after a wait of %v another %v", wait, early)
				}
			}
			p.use(now)
			if made != nil && rapid.IntRange(0, 9).Draw(t, "unused") == 9 {
				p.giveBack()
			} else {
				made = append(made, now)
			}
		}
		for i := range made {
			for j := i; j < len(made); j++ {
				span := made[j].Sub(made[i]) + burst
				if most := span.Seconds()*perSecond*1.0001 + 1; float64(j-i+1) > most {
					t.Fatalf("%d requests in %v at %v a second", j-i+1, span, perSecond)
				}
			}
		}
		if took := now.Sub(start).Seconds(); took > float64(len(made))/perSecond+leastWait.Seconds() {
			t.Fatalf("%d requests at %v a second took %v s", len(made), perSecond, took)
		}
	})
}

// starts returns the attempts at an endpoint.
func (r *rig) starts(ep queue.EndpointID) (list []webhook.Attempt) {
	for _, a := range r.log() {
		if a.Endpoint == uint64(ep) {
			list = append(list, a)
		}
	}
	return list
}

func paced(t *testing.T, log []webhook.Attempt, perSecond float64) {
	t.Helper()
	for i := range log {
		for j := i; j < len(log); j++ {
			if span := log[j].Start.Sub(log[i].Start) + burst; float64(j-i+1) > span.Seconds()*perSecond+1 {
				t.Fatalf("%d attempts in %v at %v a second", j-i+1, span, perSecond)
			}
		}
		if log[i].Number != 1 {
			t.Fatalf("waiting used up an attempt: %+v", log[i])
		}
	}
}

// An endpoint with a limit is sent to at its rate; the others of its host are not held up.
func TestEndpointRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Rate.Endpoint = 1000 })
		r.serve("h:80", status(200))
		r.target(1, "h:80", jiraPolicy()).Rate = 10
		r.target(2, "h:80", jiraPolicy())
		start := time.Now()
		r.queue.accept(1, 100)
		r.queue.accept(2, 500)
		r.start()
		r.queue.wait(500)
		if took := time.Since(start); took > 600*time.Millisecond {
			t.Errorf("the endpoint beside it took %v", took)
		}
		r.queue.wait(600)
		if took := time.Since(start); took < 9700*time.Millisecond || took > 10*time.Second {
			t.Errorf("100 requests at 10 a second took %v", took)
		}
		paced(t, r.starts(1), 10)
		paced(t, r.starts(2), 1000)
	})
}

// A limit changes with the target, for what waits too.
func TestEndpointRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("h:80", status(200))
		r.target(1, "h:80", jiraPolicy()).Rate = 0.001
		r.queue.accept(1, 3)
		r.start()
		time.Sleep(30 * time.Minute) // far beyond the time for which a host without work is remembered
		if n := len(r.log()); n != 2 {
			t.Errorf("%d attempts in half an hour at one in 1000 s", n)
		}
		r.change(1, func(target *Target) { target.Rate = 0 })
		r.Ready(1, time.Time{})
		synctest.Wait()
		if n := len(r.log()); n != 3 {
			t.Errorf("%d attempts without a limit", n)
		}
	})
}

// A look into the queue that finds nothing is no request.
func TestRateCountsRequestsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Rate = Rate{Host: 2, Endpoint: 2} })
		r.serve("h:80", status(200))
		r.target(1, "h:80", jiraPolicy())
		r.start()
		for range 20 {
			r.queue.accept(1, 1)
			synctest.Wait()
			time.Sleep(500 * time.Millisecond)
		}
		for _, a := range r.log() {
			if !a.Start.Equal(a.Accepted) {
				t.Fatalf("waited %v", a.Start.Sub(a.Accepted))
			}
		}
	})
}

// A host with a limit is sent to at its rate, its endpoints taking turns; other hosts are not held up.
func TestHostRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Rate.Host = 10 })
		r.serve("h:80", func(*fasthttp.RequestCtx) { time.Sleep(300 * time.Millisecond) })
		r.serve("other:80", status(200))
		r.target(1, "h:80", jiraPolicy())
		r.target(2, "h:80", jiraPolicy())
		r.target(3, "other:80", jiraPolicy())
		start := time.Now()
		r.queue.accept(1, 50)
		r.queue.accept(2, 50)
		r.queue.accept(3, 10)
		r.start()
		r.queue.wait(110)
		if took := time.Since(start); took < 9700*time.Millisecond || took > 10500*time.Millisecond {
			t.Errorf("100 requests at 10 a second took %v", took)
		}
		var both []webhook.Attempt
		for _, a := range r.log() {
			if a.Endpoint != 3 {
				both = append(both, a)
			}
		}
		sortByStart(both)
		paced(t, both, 10)
		first := 0
		for _, a := range both[:20] {
			if a.Endpoint == 1 {
				first++
			}
		}
		if first < 8 || first > 12 {
			t.Errorf("%d of the first 20 requests went to the first endpoint", first)
		}
		if last := r.starts(3)[9].Start.Sub(start); last > time.Second {
			t.Errorf("the other host waited %v", last)
		}
	})
}

// High rates are reached though timers do not tick that often.
func TestHighRate(t *testing.T) {
	for name, rate := range map[string]Rate{"host": {Host: 5000}, "endpoint": {Endpoint: 5000}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.Rate = rate })
				r.serve("h:80", status(200))
				r.target(1, "h:80", jiraPolicy())
				r.queue.accept(1, 5000)
				start := time.Now()
				r.start()
				r.queue.wait(5000)
				if took := time.Since(start); took < 890*time.Millisecond || took > time.Second {
					t.Errorf("5000 requests at 5000 a second took %v", took)
				}
			})
		})
	}
}

// What limits and holds of endpoints leave behind is forgotten, also at a host that is never without work.
func TestBusyHostForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", asking(429, time.Second))
		r.path(1, "a:80", "/busy")
		r.path(2, "a:80", "/other")
		p := jiraPolicy()
		p.Retry, p.RetryAfter = nil, webhook.RetryAfter{Max: time.Hour}
		r.change(1, func(t *Target) { t.Policy, t.Rate = p, 100 })
		r.queue.accept(1, 2)
		synctest.Wait()
		r.change(1, func(t *Target) { t.Paused = true })
		for range 30 {
			time.Sleep(time.Second)
			r.queue.accept(2, 1)
		}
		h := r.hosts.find(Host{Tenant: "t", Scheme: "http", Address: "a:80"})
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.paces) != 0 || len(h.held) != 0 {
			t.Errorf("%d limits and %d holds are kept", len(h.paces), len(h.held))
		}
	})
}
