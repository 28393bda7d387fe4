package dispatch

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/queue"
)

// refuseAt answers at an address by the path alone, each after 50 ms: "/bad" with 429 while the switch is on, and others with 200.
func (r *rig) refuseAt(addr string, on *atomic.Bool) {
	r.serve(addr, func(ctx *fasthttp.RequestCtx) {
		time.Sleep(50 * time.Millisecond)
		if on.Load() && string(ctx.Path()) == "/bad" {
			ctx.SetStatusCode(429)
		}
	})
}

// refusals returns the host's limit, and how many limits of endpoints there are.
func (r *rig) refusals(addr string) (ofHost, endpoints int) {
	r.t.Helper()
	synctest.Wait()
	h := r.hosts.find(Host{Tenant: "t", Scheme: "http", Address: addr})
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.limit.now, len(h.turns.limits)
}

// Paths that answer 429 without Retry-After take nothing from their neighbours but a share for a moment.
func TestRefusedPathsLeaveTheOthersTheirRate(t *testing.T) {
	for _, test := range []struct{ bad, good int }{{1, 1}, {1, 3}, {2, 1}, {4, 4}} {
		if testing.Short() && test.good != 4 {
			continue // a bubble is as good as another for the race detector
		}
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			var on atomic.Bool
			on.Store(true)
			r.refuseAt("a:80", &on)
			id := queue.EndpointID(0)
			add := func(n int, path string, each int) {
				for range n {
					id++
					r.path(id, "a:80", path)
					r.queue.accept(id, each)
				}
			}
			add(test.bad, "/bad", 4000)
			add(test.good, "/good", 15000/test.good)
			r.start()
			time.Sleep(30 * time.Second)
			// Alone they would have all of 20 slots, and bad ones keep one each.
			got, most := r.queue.count(queue.Done), (20-test.bad)*30*20
			if got < most*9/10 {
				t.Errorf("%d bad: %d deliveries to %d good endpoints, where there is room for %d", test.bad, got, test.good, most)
			}
			if limit, _ := r.refusals("a:80"); limit < 20 {
				t.Errorf("%d bad, %d good: the host's limit is %d", test.bad, test.good, limit)
			}
			_ = r.Close(t.Context())
		})
	}
}

// Paths that are refused again and again, seldom enough that nobody refused them lately, leave the host's limit alone as well: those that
// answer each time that they asked for with another 429, those that take one request first, and those with little to send.
func TestPathsRefusedNowAndThen(t *testing.T) {
	for name, test := range map[string]struct {
		after        string // Retry-After
		taken, burst int    // taken before one that is refused, and accepted each time
	}{"asks again": {"12", 0, 100}, "takes one": {"12", 1, 100}, "little to send": {"", 0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			const endpoints = 10
			r := newRig(t, nil)
			var n atomic.Int64
			r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
				switch {
				case string(ctx.Path()) == "/good":
					time.Sleep(500 * time.Millisecond)
				case n.Add(1)%int64(test.taken+1) == 0:
					ctx.SetStatusCode(429)
					ctx.Response.Header.Set("Retry-After", test.after)
				}
			})
			p := jiraPolicy()
			p.RetryAfter.Max = time.Minute
			for id := range queue.EndpointID(endpoints) {
				r.path(id, "a:80", "/good")
				r.queue.accept(id, 1000)
				r.path(endpoints+id, "a:80", "/bad")
				r.change(endpoints+id, func(t *Target) { t.Policy = p })
			}
			r.start()
			before := 0
			for second := range 60 {
				if second == 30 {
					before = r.queue.count(queue.Done)
				}
				if id := queue.EndpointID(second % 12); id < endpoints { // one after the other
					r.queue.accept(endpoints+id, test.burst)
				}
				time.Sleep(time.Second)
			}
			if got := r.queue.count(queue.Done) - before; got < 20*2*30*9/10 {
				t.Errorf("%s: %d deliveries in 30 seconds", name, got)
			}
			_ = r.Close(t.Context())
		})
	}
}

// Where the count is over the whole server the host's limit falls, whether it has few endpoints with much to send or many with little,
// and rises again. Nothing is left of it after that.
func TestServerThatRefuses(t *testing.T) {
	for _, test := range []struct{ endpoints, each int }{{2, 5000}, {5, 2000}, {1000, 10}} {
		if testing.Short() && test.endpoints != 5 {
			continue
		}
		for _, fixed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.FixedLimit = fixed })
				var on atomic.Bool
				on.Store(true)
				r.refuseAt("a:80", &on)
				for ep := range queue.EndpointID(test.endpoints) {
					r.path(ep, "a:80", "/bad")
					r.queue.accept(ep, test.each)
				}
				r.start()
				time.Sleep(2 * time.Second)
				limit, own := r.refusals("a:80")
				switch {
				case fixed && (limit != 20 || own != 0):
					t.Errorf("%d endpoints: fixed limit %d, and %d of endpoints", test.endpoints, limit, own)
				case !fixed && limit != 1:
					t.Errorf("%d endpoints: the host's limit is %d", test.endpoints, limit)
				}
				on.Store(false)
				time.Sleep(20 * time.Second)
				if limit, _ := r.refusals("a:80"); limit != 20 {
					t.Errorf("%d endpoints: the host's limit is %d where it takes everything", test.endpoints, limit)
				}
				r.queue.wait(test.endpoints * test.each)
				for range 36 { // so that the host itself is not forgotten
					r.queue.accept(0, 1)
					time.Sleep(5 * time.Second)
				}
				if _, own := r.refusals("a:80"); own != 0 {
					t.Errorf("%d limits are left of %d endpoints", own, test.endpoints)
				}
				_ = r.Close(t.Context())
			})
		}
	}
}

// A server that takes so many requests at once, whoever they are for, is sent about as many.
func TestServerWithACapacity(t *testing.T) {
	for _, endpoints := range []int{2, 10, 500} {
		if testing.Short() && endpoints != 10 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			const capacity, all = 5, 12000
			r := newRig(t, nil)
			var g gauge
			var refused atomic.Int64
			r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
				g.enter()
				defer g.leave()
				if g.now.Load() > capacity {
					refused.Add(1)
					refuseWith(429)(ctx)
					return
				}
				time.Sleep(50 * time.Millisecond)
			})
			p := jiraPolicy()
			p.Repeat = true
			for i := range all {
				r.target(queue.EndpointID(i%endpoints), "a:80", p)
				r.queue.accept(queue.EndpointID(i%endpoints), 1)
			}
			r.start()
			time.Sleep(20 * time.Second)
			refused.Store(0)
			before := r.queue.count(queue.Done)
			time.Sleep(40 * time.Second)
			done := r.queue.count(queue.Done) - before
			if n := int(refused.Load()); n > done/3 { // about a quarter
				t.Errorf("%d endpoints: %d refused and %d delivered", endpoints, n, done)
			}
			if done < capacity*20*40/2 {
				t.Errorf("%d endpoints: %d delivered of %d that it can take", endpoints, done, capacity*20*40)
			}
			_ = r.Close(t.Context())
		})
	}
}

// An endpoint that is sent less has saved nothing up, neither for itself nor for one that comes later.
func TestLimitedEndpointSavesNothingUp(t *testing.T) {
	r := newTurns()
	r.wake(1)
	r.wake(2)
	m := first(&r)
	r.refused(m, time.Unix(1, 0), time.Unix(2, 0), 20)
	for range 1000 {
		r.end(first(&r), 0, time.Second)
	}
	r.wake(3)
	counts := map[queue.EndpointID]int{}
	for range 30 {
		n := first(&r)
		counts[n.id]++
		r.end(n, 0, time.Second)
	}
	if counts[2] < 14 || counts[3] < 14 {
		t.Errorf("turns %v beside one that has a limit", counts)
	}
	r.end(m, 0, time.Second)
	clear(counts)
	for range 30 {
		n := first(&r)
		counts[n.id]++
		r.end(n, 0, time.Second)
	}
	if counts[1] < 9 || counts[1] > 11 {
		t.Errorf("turns %v after that", counts)
	}
}

// Who comes while the only other endpoint has as many requests in flight as it may begins with as much as that one has had, and so does
// who comes after that.
func TestNobodyGetsAheadOfALimitedEndpoint(t *testing.T) {
	r := newTurns()
	r.wake(1)
	for range 1000 {
		r.end(first(&r), 0, time.Second)
	}
	m := first(&r)
	r.refused(m, time.Unix(1, 0), time.Unix(2, 0), 20)
	for id := range queue.EndpointID(2) {
		r.wake(10 + id)
		n := first(&r)
		r.rest(n, n.wake)
		r.end(n, 0, time.Second)
	}
	r.wake(2)
	r.end(m, 0, time.Second)
	counts := map[queue.EndpointID]int{}
	for range 30 {
		n := first(&r)
		counts[n.id]++
		r.end(n, 0, time.Second)
	}
	if counts[1] < 14 || counts[2] < 14 {
		t.Errorf("turns %v", counts)
	}
}

// Whatever comes, endpoints that are ready and below their limits can have turns, and others cannot.
func TestTurnsWithLimits(t *testing.T) {
	type turn struct {
		m     *member
		round uint64
	}
	rapid.Check(t, func(t *rapid.T) {
		r := newTurns()
		var inFlight []turn
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			now := time.Unix(int64(step), 0)
			end := func(what func(*member)) {
				if len(inFlight) == 0 {
					return
				}
				i := rapid.IntRange(0, len(inFlight)-1).Draw(t, "which")
				ended := inFlight[i]
				inFlight = slices.Delete(inFlight, i, i+1)
				what(ended.m)
				r.end(ended.m, ended.round, time.Second)
			}
			switch what := rapid.IntRange(0, 19).Draw(t, "what"); {
			case what < 6:
				r.wake(queue.EndpointID(rapid.IntRange(1, 6).Draw(t, "endpoint")))
			case what < 12 && r.any(true):
				m := first(&r)
				if m.limit != nil && r.present(m) > m.limit.now {
					t.Fatalf("%d in flight with a limit of %d", m.inFlight, m.limit.now)
				}
				inFlight = append(inFlight, turn{m, r.round})
			case what < 14:
				end(func(m *member) {
					if r.present(m) > 0 {
						r.refused(m, now, now.Add(time.Millisecond), 4)
					}
				})
			case what < 16:
				end(func(m *member) { r.success(m, now) })
			case what < 17:
				end(func(m *member) { r.stale(m, m.wake) })
			case what < 18:
				end(func(m *member) { r.rest(m, m.wake) })
			case what < 19:
				r.restart(r.round + 1)
			default:
				r.forgetLimits(now.Add(limitKept))
			}
			ready, can, limited := 0, 0, 0
			for _, m := range r.members {
				present := 0
				for _, other := range inFlight {
					if other.m == m && other.round == r.round {
						present++
					}
				}
				if present != r.present(m) {
					t.Fatalf("%d turns of the present round, counted as %d", present, r.present(m))
				}
				if m.ready != nil {
					ready++
				}
				if m.ready != nil && !r.full(m) {
					can++
				}
				if m.limit != nil {
					limited++
				}
			}
			if ready != r.ready || can != r.fresh.len()+r.replays.len() || limited != r.limited {
				t.Fatalf("%d ready, %d can have a turn, %d limited: %+v", ready, can, limited, r)
			}
		}
	})
}

// A 429 to a request from before the host was down says nothing of what it can take now.
func TestRefusedFromBeforeTheHostWasDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/down" {
				ctx.SetStatusCode(500)
				return
			}
			time.Sleep(time.Second / 2)
			ctx.SetStatusCode(429)
		})
		r.path(1, "a:80", "/refused")
		r.path(2, "a:80", "/down")
		r.queue.accept(1, 1)
		synctest.Wait()
		r.queue.accept(2, 20)
		time.Sleep(3 * time.Second / 4)
		_, own := r.refusals("a:80")
		if s := r.Stats(); s.OpenBreakers != 1 || s.InFlight != 0 || own != 0 {
			t.Errorf("%d limits of endpoints, %+v", own, s)
		}
		_ = r.Close(t.Context())
	})
}

// Whatever a host answers for a while, all that waits for it is sent soon after it is well.
func TestNothingIsStuckAfterRefusals(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 7 // all limits there are
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			const endpoints, each = 6, 150
			r := newRig(t, func(o *Options) { o.HostLimit = int(1 + seed%7) })
			var well atomic.Bool
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 0))
			draw := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return random.IntN(n)
			}
			r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
				time.Sleep(time.Duration(1+draw(100)) * time.Millisecond)
				if well.Load() {
					return
				}
				switch draw(8) {
				case 0, 1:
					ctx.SetStatusCode(429)
				case 2:
					ctx.SetStatusCode(429)
					ctx.Response.Header.Set("Retry-After", "1")
				case 3, 4, 5:
					ctx.SetStatusCode(500)
				case 6:
					time.Sleep(time.Duration(1+draw(20)) * time.Second)
				}
			})
			p := jiraPolicy()
			p.Repeat, p.Timeout, p.RetryAfter.Max = true, 10*time.Second, time.Minute
			p.Backoff = []time.Duration{time.Second}
			for id := range queue.EndpointID(endpoints) {
				r.target(id, "a:80", p)
			}
			r.change(1, func(t *Target) { t.Rate = 20 })
			r.start()
			for range each {
				for range endpoints {
					lane := queue.Fresh
					if draw(3) == 0 {
						lane = queue.Replay
					}
					r.queue.acceptIn(lane, queue.EndpointID(draw(endpoints)), 1)
				}
				time.Sleep(time.Duration(draw(200)) * time.Millisecond)
			}
			well.Store(true)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if s, n := r.Stats(), r.queue.count(queue.Done); n != endpoints*each || s.InFlight != 0 || s.ReadyEndpoints != 0 {
				t.Errorf("seed %d: %d of %d delivered, %+v", seed, n, endpoints*each, s)
			}
			_ = r.Close(t.Context())
		})
	}
}
