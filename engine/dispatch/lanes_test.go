package dispatch

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// Replays have a limit of their own, and what is fresh has room beside them from the first moment.
func TestReplaysLeaveRoom(t *testing.T) {
	for _, test := range []struct{ host, replay, want int }{
		{20, 0, 10}, {20, 3, 3}, {20, 50, 19}, {2, 0, 1}, {1, 0, 1}, {1, 5, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.HostLimit, o.ReplayLimit = test.host, test.replay })
			var g gauge
			r.serve("a:80", g.handler(time.Second))
			for ep := range queue.EndpointID(3) {
				r.target(ep, "a:80", jiraPolicy())
				r.queue.acceptIn(queue.Replay, ep, 30)
			}
			r.start()
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if n := g.now.Load(); n != int64(test.want) {
				t.Errorf("limits %d, %d: %d replays at once, want %d", test.host, test.replay, n, test.want)
			}
			if s := r.Stats(); s.ReadyEndpoints != 3 || s.InFlight != test.want {
				t.Errorf("limits %d, %d: %+v", test.host, test.replay, s)
			}
			r.queue.accept(0, 40)
			r.target(9, "a:80", jiraPolicy())
			r.queue.accept(9, 40)
			synctest.Wait()
			if n := g.now.Load(); n != int64(test.host) {
				t.Errorf("limits %d, %d: %d requests at once, want %d", test.host, test.replay, n, test.host)
			}
			r.queue.wait(170)
			if most := g.most.Load(); most > int64(test.host) {
				t.Errorf("limits %d, %d: up to %d requests at once", test.host, test.replay, most)
			}
			synctest.Wait()
			if s := r.Stats(); s.InFlight != 0 || s.ReadyEndpoints != 0 {
				t.Errorf("limits %d, %d: left over: %+v", test.host, test.replay, s)
			}
		})
	}
}

// While only replays wait, more of them cost nothing: nobody looks at endpoints for which there is no room.
func TestReplaysThatWaitAreNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const endpoints = 1000
		r := newRig(t, nil)
		q := &takes{fakeQueue: r.queue}
		r.serve("a:80", func(*fasthttp.RequestCtx) { time.Sleep(time.Second) })
		for ep := range queue.EndpointID(endpoints) {
			r.target(ep, "a:80", jiraPolicy())
			r.queue.acceptIn(queue.Replay, ep, 1)
		}
		r.Start(q)
		r.queue.wait(endpoints)
		synctest.Wait()
		// Each is found to have nothing fresh, has its replay taken, and is found to have no more; more than once where several workers look.
		if n := q.count(); n > 3*endpoints+100 {
			t.Errorf("%d takes for %d deliveries", n, endpoints)
		}
	})
}

// Replays that hang do not keep a host that was down from being tried, where only replays wait for it, and leave room for what is
// fresh once it has recovered.
func TestHungReplaysDoNotKeepAHostFromBeingTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		var n atomic.Int64
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
			switch {
			case string(ctx.Path()) == "/down":
				ctx.SetStatusCode(500)
			case n.Add(1) <= 10:
				time.Sleep(time.Hour)
			default:
				time.Sleep(100 * time.Millisecond)
			}
		})
		p := jiraPolicy()
		p.Timeout, p.Retry = 2*time.Hour, nil
		r.path(1, "a:80", "/hook")
		r.path(2, "a:80", "/down")
		r.path(3, "a:80", "/hook")
		for ep := range queue.EndpointID(3) {
			r.change(ep+1, func(t *Target) { t.Policy = p })
		}
		r.queue.acceptIn(queue.Replay, 1, 1000)
		r.start()
		time.Sleep(time.Second)
		r.queue.accept(2, 20)
		time.Sleep(time.Second / 2)
		synctest.Wait()
		if s := r.Stats(); s.OpenBreakers != 1 || s.InFlight != 10 {
			t.Fatalf("%+v", s)
		}
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if done, s := r.queue.count(queue.Done), r.Stats(); done < 100 || s.InFlight != 19 {
			t.Errorf("%d replays delivered after a probe, %+v", done, s)
		}
		r.queue.accept(3, 1)
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		if !slices.ContainsFunc(r.log(), func(a webhook.Attempt) bool { return a.Endpoint == 3 }) {
			t.Error("replays leave no room for what is fresh")
		}
		_ = r.Close(t.Context())
	})
}

// What is fresh and due later is sent when it is due, although its endpoint has replays for which there is no room then.
func TestFreshRetriesDoNotWaitForReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) { time.Sleep(time.Hour) })
		p := jiraPolicy()
		p.Timeout = 2 * time.Hour
		r.target(1, "a:80", p)
		r.queue.acceptIn(queue.Replay, 1, 30)
		r.start()
		time.Sleep(time.Second)
		start := time.Now()
		for i := range 5 { // of which a timer stands for the first alone
			due := start.Add(time.Duration(i+1) * time.Minute)
			r.queue.mu.Lock()
			r.queue.next++
			r.queue.insert(&queue.Delivery{Event: r.queue.next, Endpoint: 1, Due: due, Accepted: start, Payload: []byte("{}"), Attempts: 1})
			r.queue.mu.Unlock()
			r.Ready(1, due)
		}
		for i := range 5 {
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := r.Stats().InFlight - 10; n != i+1 {
				t.Errorf("%d retries are made after %d minutes", n, i+1)
			}
		}
		_ = r.Close(t.Context())
	})
}

// Nor where the last place among the replays was taken just before.
func TestFreshRetriesDoNotWaitForTheLastReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.ReplayLimit = 1 }).start()
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) { time.Sleep(time.Hour) })
		p := jiraPolicy()
		p.Timeout = 2 * time.Hour
		r.target(1, "a:80", p)
		start := time.Now()
		for _, d := range []*queue.Delivery{
			{Lane: queue.Fresh, Due: start.Add(time.Minute)}, {Lane: queue.Replay, Due: start.Add(time.Minute)},
			{Lane: queue.Replay, Due: start.Add(time.Minute)}, {Lane: queue.Fresh, Due: start.Add(2 * time.Minute)},
		} {
			r.queue.mu.Lock()
			r.queue.next++
			d.Event, d.Endpoint, d.Accepted, d.Payload, d.Attempts = r.queue.next, 1, start, []byte("{}"), 1
			r.queue.insert(d)
			r.queue.mu.Unlock()
			r.Ready(1, d.Due)
		}
		for i, want := range []int{2, 3} {
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := r.Stats().InFlight; n != want {
				t.Errorf("%d requests in flight after %d minutes, want %d", n, i+1, want)
			}
		}
		_ = r.Close(t.Context())
	})
}
