package dispatch

import (
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// asking is a receiver that answers the first request for a path with the status and a Retry-After.
func asking(code int, after time.Duration) fasthttp.RequestHandler {
	var asked atomic.Bool
	return func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/busy" && !asked.Swap(true) {
			ctx.SetStatusCode(code)
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(after/time.Second)))
		}
	}
}

// TestRetryAfterHoldsBack sends to a host of which one path asks for a wait, and to another one of it that does not.
func TestRetryAfterHoldsBack(t *testing.T) {
	const sec = time.Second
	for _, test := range []struct {
		name         string
		code         int
		asks, most   time.Duration // the answer, and what the policy follows
		busy, beside time.Duration // when the next requests of either path are made
	}{
		{"503 is the host's", 503, 20 * sec, time.Hour, 20 * sec, 20 * sec},
		{"429 is the endpoint's", 429, 20 * sec, time.Hour, 20 * sec, 0},
		{"no longer than a minute", 503, 600 * sec, time.Hour, 60 * sec, 60 * sec},
		{"no longer than the policy says", 429, 20 * sec, 5 * sec, 5 * sec, 0},
		{"a policy that does not follow it", 503, 20 * sec, 0, 0, 0},
		{"another status", 500, 20 * sec, time.Hour, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.HostLimit = 1 })
				q := &takes{fakeQueue: r.queue}
				r.serve("a:80", asking(test.code, test.asks))
				p := jiraPolicy()
				p.RetryAfter = webhook.RetryAfter{Max: test.most}
				r.path(1, "a:80", "/busy")
				r.path(2, "a:80", "/other")
				for ep := range queue.EndpointID(2) {
					r.change(ep+1, func(t *Target) { t.Policy = p })
				}
				r.queue.accept(1, 5)
				start := time.Now()
				r.Start(q)
				time.Sleep(time.Millisecond)
				r.queue.accept(1, 5)
				r.queue.accept(2, 5)
				synctest.Wait()
				before := q.count()
				for range 8 { // wake-ups bring nothing forward
					time.Sleep(500 * time.Millisecond)
					r.Ready(1, time.Time{})
				}
				synctest.Wait()
				if n := q.count() - before; test.busy > 0 && n > 2 {
					t.Errorf("%d takes while the endpoint is held back", n)
				}
				r.queue.wait(15)
				first := map[uint64]time.Duration{}
				for _, a := range r.log()[1:] {
					if _, ok := first[a.Endpoint]; !ok {
						first[a.Endpoint] = a.Start.Sub(start).Truncate(10 * time.Millisecond)
					}
					if a.Number > 2 {
						t.Errorf("attempt %d", a.Number)
					}
				}
				if first[1] != test.busy || first[2] != test.beside {
					t.Errorf("next requests after %v and %v, want %v and %v", first[1], first[2], test.busy, test.beside)
				}
				synctest.Wait()
				if s := r.Stats(); s.InFlight != 0 || s.ReadyEndpoints != 0 || s.WaitingEndpoints != 0 {
					t.Errorf("left over: %+v", s)
				}
			})
		})
	}
}

// An operator can end what a receiver has asked for.
func TestResetEndsHolds(t *testing.T) {
	for _, code := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.HostLimit = 1 })
			r.serve("a:80", asking(code, time.Hour))
			r.path(1, "a:80", "/busy")
			p := jiraPolicy()
			p.RetryAfter = webhook.RetryAfter{Max: time.Hour}
			r.change(1, func(t *Target) { t.Policy = p })
			r.queue.accept(1, 10)
			r.start()
			time.Sleep(time.Second)
			synctest.Wait()
			var state HostState
			r.Hosts(func(s HostState) bool { state = s; return false })
			if held := state.HeldUntil.After(time.Now()); len(r.log()) != 1 || held != (code == 503) {
				t.Errorf("%d attempts, %+v", len(r.log()), state)
			}
			until, minute := state.EndpointsHeldUntil, r.log()[0].Start.Add(time.Minute).Truncate(time.Second)
			if code == 429 && (state.HeldEndpoints != 1 || state.LimitedEndpoints != 1 || !until.Truncate(time.Second).Equal(minute)) {
				t.Errorf("held until %v: %+v", minute, state)
			}
			if code == 503 && (state.HeldEndpoints != 0 || state.LimitedEndpoints != 0 || !until.IsZero()) {
				t.Errorf("%+v", state)
			}
			if !r.Reset(state.Host) || r.Reset(state.Host) {
				t.Error("a host is reset once")
			}
			r.queue.wait(9)
			_ = r.Close(t.Context())
		})
	}
}

// An endpoint that has nothing more to send when it is asked to wait, and so is forgotten for a moment, is held back all the same.
func TestRetryAfterOfTheLastDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("a:80", asking(429, 20*time.Second))
		r.path(1, "a:80", "/busy")
		p := jiraPolicy()
		p.Retry, p.RetryAfter = nil, webhook.RetryAfter{Max: time.Hour}
		r.change(1, func(t *Target) { t.Policy = p })
		r.start()
		r.queue.accept(1, 1)
		r.queue.wait(1)
		synctest.Wait()
		start := time.Now()
		r.queue.accept(1, 1)
		r.queue.wait(2)
		if waited := time.Since(start).Round(time.Second); waited != 20*time.Second {
			t.Errorf("sent to after %v", waited)
		}
	})
}

// A host that was to wait for a minute waits for its own rate alone after a reset.
func TestResetAndRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit, o.Rate.Host = 1, 0.5 }) // a request every two seconds
		r.serve("a:80", asking(503, time.Minute))
		r.path(1, "a:80", "/busy")
		p := jiraPolicy()
		p.RetryAfter = webhook.RetryAfter{Max: time.Hour}
		r.change(1, func(t *Target) { t.Policy = p })
		r.queue.accept(1, 1)
		r.start()
		time.Sleep(100 * time.Millisecond)
		r.queue.accept(1, 1)
		start := time.Now()
		if !r.Reset(Host{Tenant: "t", Scheme: "http", Address: "a:80"}) {
			t.Error("there was nothing to end")
		}
		r.queue.wait(1)
		if waited := time.Since(start); waited > 2*time.Second {
			t.Errorf("sent to after %v", waited)
		}
		_ = r.Close(t.Context())
	})
}
