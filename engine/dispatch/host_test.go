package dispatch

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// gauge counts what is going on at once, and the most of it.
type gauge struct{ now, most atomic.Int64 }

func (g *gauge) enter() {
	n := g.now.Add(1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
}

func (g *gauge) leave() { g.now.Add(-1) }

func (g *gauge) handler(d time.Duration) fasthttp.RequestHandler {
	return func(*fasthttp.RequestCtx) {
		g.enter()
		time.Sleep(d)
		g.leave()
	}
}

func TestHostLimitIsReachedAndNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 7 }).start()
		var g gauge
		r.serve("a:80", g.handler(100*time.Millisecond))
		for ep := range queue.EndpointID(5) {
			r.target(ep, "a:80", jiraPolicy())
		}
		start := time.Now()
		for ep := range queue.EndpointID(5) {
			r.queue.accept(ep, 28)
		}
		r.queue.wait(140)
		if most := g.most.Load(); most != 7 {
			t.Errorf("up to %d requests at once, want 7", most)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("140 requests of 100ms took %v, want 2s", took)
		}
	})
}

func TestBacklogOfOneWakeUpUsesTheWholeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		var g gauge
		r.serve("a:80", g.handler(time.Second))
		r.target(1, "a:80", jiraPolicy())
		wake := r.queue.ready
		r.queue.ready = func(queue.EndpointID, time.Time) {}
		r.queue.accept(1, 40)
		r.start()
		wake(1, time.Now())
		r.queue.wait(40)
		if most := g.most.Load(); most != 20 {
			t.Errorf("up to %d requests at once, want 20", most)
		}
	})
}

func TestBlackHoleHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.blackHole("hole:80")
		r.serve("good:80", func(*fasthttp.RequestCtx) { time.Sleep(10 * time.Millisecond) })
		r.target(1, "hole:80", jiraPolicy())
		r.target(2, "good:80", jiraPolicy())
		for range 100 {
			r.queue.accept(1, 5)
			r.queue.accept(2, 5)
		}
		start := time.Now()
		r.queue.wait(500)
		if took := time.Since(start); took != 250*time.Millisecond {
			t.Errorf("500 deliveries beside a black hole took %v, want 250ms", took)
		}
		for _, a := range r.log() {
			if a.Endpoint != 2 || a.Outcome != webhook.Delivered {
				t.Fatalf("unexpected attempt %+v", a)
			}
		}
		synctest.Wait() // the workers of the good host have left
		if s := r.Stats(); s.InFlight != 20 {
			t.Errorf("%d in flight at the black hole, want 20", s.InFlight)
		}
		time.Sleep(25 * time.Second)
		synctest.Wait()
		log := r.log()
		if n := len(log) - 500; n != 20 {
			t.Fatalf("%d attempts have timed out, want 20", n)
		}
		if a := log[len(log)-1]; a.Outcome != webhook.Timeout || a.Duration != 25*time.Second || a.Settled {
			t.Errorf("unexpected attempt %+v", a)
		}
	})
}

func TestEndpointsOfAHostTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 1 })
		r.serve("a:80", status(200))
		for ep := queue.EndpointID(1); ep <= 3; ep++ {
			r.target(ep, "a:80", jiraPolicy())
			r.queue.accept(ep, 50)
		}
		r.start()
		r.queue.wait(150)
		for i, a := range r.log() {
			if want := uint64(i%3 + 1); a.Endpoint != want {
				t.Fatalf("attempt %d went to endpoint %d, want %d", i, a.Endpoint, want)
			}
		}
	})
}

func TestMaxInFlightIsSharedByTheHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts, each = 12, 6
		r := newRig(t, func(o *Options) { o.MaxInFlight = 4 })
		var g gauge
		for i := range hosts {
			addr := fmt.Sprintf("h%d:80", i)
			r.serve(addr, g.handler(time.Second))
			r.target(queue.EndpointID(i), addr, jiraPolicy())
			r.queue.accept(queue.EndpointID(i), each)
		}
		r.start()
		// After a round of 12 requests by 4 slots, every host has had one.
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		seen := make(map[uint64]int)
		for _, a := range r.log() {
			seen[a.Endpoint]++
		}
		if len(seen) != hosts {
			t.Errorf("after one round %d of %d hosts had a turn: %v", len(seen), hosts, seen)
		}
		r.queue.wait(hosts * each)
		if most := g.most.Load(); most != 4 {
			t.Errorf("up to %d requests at once, want 4", most)
		}
		synctest.Wait()
		if s := r.Stats(); s.InFlight != 0 || s.WaitingHosts != 0 || s.ReadyEndpoints != 0 {
			t.Errorf("left over: %+v", s)
		}
	})
}

func TestEndpointThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.queue.accept(9, 3)
		r.queue.wait(3)
		for _, o := range r.queue.dead {
			if !reflect.DeepEqual(o, queue.Outcome{Verdict: queue.Dead, Reason: queue.Gone}) {
				t.Errorf("settled with %+v", o)
			}
		}
		if n := len(r.log()); n != 0 {
			t.Errorf("%d attempts were made", n)
		}
	})
}

func TestNewTargetTakesEffectWithTheNextDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 1 }).start()
		var old, young gauge
		r.serve("old:80", old.handler(time.Second))
		r.serve("new:80", young.handler(time.Second))
		r.target(1, "old:80", jiraPolicy())
		r.queue.accept(1, 10)
		time.Sleep(2500 * time.Millisecond)
		r.target(1, "new:80", jiraPolicy())
		start := time.Now()
		r.queue.wait(10)
		// The third request is at the old host, so seven go to the new one; they do not wait for it.
		if took := time.Since(start); took != 7500*time.Millisecond {
			t.Errorf("took %v, want 7.5s", took)
		}
		if young.most.Load() != 1 {
			t.Error("the limit of the new host was exceeded")
		}
	})
}

func TestIdleHostsAndConnectionsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", func(*fasthttp.RequestCtx) { time.Sleep(time.Second) })
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 20)
		r.queue.wait(20)
		if s := r.Stats(); s.Connections != 20 || s.Hosts != 1 {
			t.Errorf("after the burst: %+v", s)
		}
		// One request now and then keeps few connections, not twenty.
		for range 10 {
			r.queue.accept(1, 1)
			time.Sleep(2 * time.Second)
		}
		if s := r.Stats(); s.Connections > 2 {
			t.Errorf("with one request at a time: %+v", s)
		}
		time.Sleep(11 * time.Second)
		if s := r.Stats(); s.Connections != 0 || s.Hosts != 1 {
			t.Errorf("after a while without work: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := r.Stats(); s.Hosts != 0 {
			t.Errorf("after a long while without work: %+v", s)
		}
		r.queue.accept(1, 1)
		r.queue.wait(31)
	})
}

func TestBusyHostIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit, o.IdleConn, o.IdleHost = 1, time.Second, time.Second }).start()
		var g gauge
		r.serve("a:80", g.handler(20*time.Second))
		r.target(1, "a:80", jiraPolicy())
		for range 10 {
			r.queue.accept(1, 1)
			time.Sleep(5 * time.Second)
		}
		r.queue.wait(10)
		if most := g.most.Load(); most != 1 {
			t.Errorf("up to %d requests at once, want 1", most)
		}
	})
}
