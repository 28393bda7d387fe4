package dispatch

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// TestReceiverRestartsUnderLoad takes a receiver away for some seconds while it is sent to at full rate. When it is back it is slow at
// first. It has all of its rate again within 10 s, is never sent more than the limit at once, and gets everything.
func TestReceiverRestartsUnderLoad(t *testing.T) {
	for _, away := range []time.Duration{time.Second, 3 * time.Second, 5 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const deliveries = 4000
				r := newRig(t, nil)
				var g gauge
				var latency atomic.Int64
				latency.Store(int64(100 * time.Millisecond))
				var down atomic.Bool
				r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
					g.enter()
					defer g.leave()
					time.Sleep(time.Duration(latency.Load()))
					if down.Load() {
						ctx.HijackSetNoResponse(true)
						ctx.Hijack(func(net.Conn) {})
					}
				})
				dial := r.receivers["a:80"]
				for ep := range queue.EndpointID(4) {
					p := jiraPolicy()
					p.Backoff, p.Repeat = []time.Duration{2 * time.Second}, true
					r.target(ep, "a:80", p)
					r.queue.accept(ep, deliveries/4)
				}
				r.start()
				time.Sleep(2 * time.Second)
				r.reach("a:80", nil)
				down.Store(true) // which ends the connections that are open
				time.Sleep(away)
				down.Store(false)
				latency.Store(int64(400 * time.Millisecond))
				r.reach("a:80", dial)
				g.most.Store(g.now.Load())
				back := time.Now()
				full := time.Duration(0)
				for full == 0 && time.Since(back) < 20*time.Second {
					time.Sleep(50 * time.Millisecond)
					if g.now.Load() == 20 {
						full = time.Since(back)
					}
				}
				if full == 0 || full > 10*time.Second {
					t.Errorf("back at full rate after %v", full)
				}
				latency.Store(int64(100 * time.Millisecond))
				r.queue.wait(deliveries)
				if most := g.most.Load(); most > 20 {
					t.Errorf("%d requests at once", most)
				}
				if done := r.queue.count(queue.Done); done != deliveries {
					t.Errorf("%d of %d delivered", done, deliveries)
				}
			})
		})
	}
}

// TestOpenBreakerWritesNothing has the real queue hold a backlog for a host that is down: while the breaker is open nothing is written,
// and the first probe that succeeds starts the drain.
func TestOpenBreakerWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const waiting = 5000
		outcomes := make(chan webhook.Outcome, 2*waiting)
		r := newRig(t, func(o *Options) {
			o.Breaker = Breaker{Open: 10 * time.Minute, MaxOpen: 10 * time.Minute}
			o.OnAttempt = func(a *webhook.Attempt, _ *queue.Delivery) []byte {
				outcomes <- a.Outcome
				return nil
			}
		})
		p := jiraPolicy()
		p.Backoff, p.Repeat = []time.Duration{time.Minute}, true
		r.target(1, "a:80", p)
		o := &pebble.Options{FS: vfs.NewMem()}
		queue.Tune(o)
		db, err := pebble.Open("db", o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		q, err := queue.Open(db, queue.Options{Ready: r.Ready})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = q.Close() }()
		defer func() { _ = r.Close(context.Background()) }()
		for range waiting {
			_, err := q.Accept(context.Background(), queue.Message{Payload: []byte("{}"), Deliveries: []queue.Target{{Endpoint: 1}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		r.Start(q)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		failed := len(outcomes)
		if s := r.Stats(); s.OpenBreakers != 1 || failed > 39 {
			t.Fatalf("%d attempts, %+v", failed, s)
		}
		written := func() uint64 { return db.Metrics().WAL.BytesIn }
		before := written()
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if n := written() - before; n != 0 || len(outcomes) != failed {
			t.Errorf("%d bytes written and %d attempts made while the breaker is open", n, len(outcomes)-failed)
		}
		r.serve("a:80", status(200))
		time.Sleep(3*time.Minute + 2*time.Second)
		synctest.Wait()
		if n := len(outcomes); n != failed+waiting {
			t.Errorf("%d of %d delivered two seconds after the probe", n-failed, waiting)
		}
	})
}

// reach makes the address lead to a receiver, or to nobody.
func (r *rig) reach(addr string, dial func() (net.Conn, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.receivers[addr] = dial
}
