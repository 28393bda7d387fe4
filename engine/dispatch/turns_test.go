package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/queue"
)

func TestTurns(t *testing.T) {
	r := newTurns()
	take := func(n int) (ids []queue.EndpointID) {
		for range n {
			m := first(&r)
			ids = append(ids, m.id)
			r.end(m, 0, 0)
		}
		return ids
	}
	for id := queue.EndpointID(1); id <= 3; id++ {
		r.wake(id)
	}
	r.wake(2)
	if got, want := take(4), []queue.EndpointID{1, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}

	m := first(&r)
	wake := m.wake
	r.wake(m.id)
	if r.rest(m, wake) {
		t.Error("an endpoint rests although it was woken after its turn began")
	}
	if !r.rest(m, wake+1) || r.rest(m, wake+1) {
		t.Error("an endpoint should rest once")
	}
	r.end(m, 0, 0)
	if got, want := take(3), []queue.EndpointID{3, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}

	r.wake(2)
	if m = r.members[2]; r.rest(m, wake+1) {
		t.Error("the number of a wake-up of the past was accepted")
	}
	for r.ready > 0 {
		m := first(&r)
		if !r.rest(m, m.wake) {
			t.Fatal("an endpoint does not rest")
		}
		r.end(m, 0, 0)
	}
	if len(r.members) != 0 {
		t.Errorf("left behind: %+v", r)
	}
}

// first begins the turn of the endpoint that comes next, whatever lane it has deliveries in.
func first(r *turns) *member {
	m, _ := r.next(true)
	return m
}

// An endpoint in debt is not better off for having been idle for a moment.
func TestDebtIsRemembered(t *testing.T) {
	r := newTurns()
	r.wake(1)
	r.wake(2)
	m := first(&r)
	r.rest(m, m.wake)
	r.end(m, 0, time.Second)
	r.wake(1)
	for i := range 100 {
		m := first(&r)
		if m.id != 2 {
			t.Fatalf("turn %d of the endpoint in debt", i)
		}
		r.end(m, 0, 10*time.Millisecond)
	}
	if m := first(&r); m.id != 1 {
		t.Error("the debt has no end")
	}
}

// What an endpoint owes is forgotten when the others have caught up, without anybody looking for it.
func TestDebtIsForgotten(t *testing.T) {
	r := newTurns()
	comesAndGoes := func(id queue.EndpointID, held time.Duration) {
		r.wake(id)
		m := first(&r)
		r.rest(m, m.wake)
		r.end(m, 0, held)
	}
	for id := range queue.EndpointID(1000) {
		comesAndGoes(id, time.Second)
	}
	if len(r.members) != 0 {
		t.Errorf("%d endpoints are kept of a host that has nothing to do", len(r.members))
	}
	r.wake(5000)
	busy := first(&r)
	for id := range queue.EndpointID(1000) {
		comesAndGoes(id, time.Second)
	}
	if len(r.members) != 1001 {
		t.Errorf("%d endpoints are kept of which 1000 are in debt", len(r.members))
	}
	r.end(busy, 0, time.Minute)
	for id := range queue.EndpointID(500) {
		comesAndGoes(id, 0)
	}
	if len(r.members) != 1 {
		t.Errorf("%d endpoints are still kept", len(r.members))
	}
}

// request is one in flight in a simulation.
type request struct {
	m   *member
	end time.Duration
}

// TestSlotTimeIsShared simulates a host whose endpoints always have something to send, each with its latency: they hold
// slots for equally long, whatever the latencies, and no slot is ever unused. Some rest after every turn and are woken at once.
func TestSlotTimeIsShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 12).Draw(t, "slots")
		latencies := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{
			10 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second,
		}), 2, 8).Draw(t, "latencies")
		restless := rapid.SliceOfN(rapid.Bool(), len(latencies), len(latencies)).Draw(t, "restless")
		longest := slices.Max(latencies)

		r := newTurns()
		for id := range latencies {
			r.wake(queue.EndpointID(id))
		}
		var out []request
		held := make([]time.Duration, len(latencies))
		now, turns := time.Duration(0), 0
		begin := func() {
			m := first(&r)
			if turns++; turns%3 == 0 && restless[m.id] {
				r.rest(m, m.wake)
				r.wake(m.id)
			}
			at, _ := slices.BinarySearchFunc(out, now+latencies[m.id], func(r request, end time.Duration) int { return int(r.end - end) })
			out = slices.Insert(out, at, request{m, now + latencies[m.id]})
		}
		for range slots {
			begin()
		}
		for now < 20*longest {
			ended := out[0]
			out = out[1:]
			now = ended.end
			latency := latencies[ended.m.id]
			held[ended.m.id] += latency
			r.end(ended.m, 0, latency)
			begin()
		}
		for _, o := range out {
			held[o.m.id] += latencies[o.m.id] - (o.end - now)
		}
		share := now * time.Duration(slots) / time.Duration(len(latencies))
		for id, h := range held {
			if off := (h - share).Abs(); off > 2*longest {
				t.Errorf("%d slots, latencies %v: held for %v, so endpoint %d is %v off %v", slots, latencies, held, id, off, share)
			}
		}
	})
}

// path makes requests of the endpoint distinguishable to the receiver by their path.
func (r *rig) path(ep queue.EndpointID, addr, path string) {
	r.target(ep, addr, jiraPolicy()).Render = func(req *fasthttp.Request, d *queue.Delivery, _ int) error {
		req.Header.SetMethod(fasthttp.MethodPost)
		req.SetRequestURI("http://" + addr + path)
		req.SetBodyRaw(d.Payload)
		return nil
	}
}

// TestSlowPathTakesItsShareOnly has an endpoint that answers slowly beside one that does not.
func TestSlowPathTakesItsShareOnly(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 20} {
		if testing.Short() && limit == 20 {
			continue // makes 30,000 attempts
		}
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.HostLimit = limit })
				r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
					if string(ctx.Path()) == "/slow" {
						time.Sleep(5 * time.Second)
					} else {
						time.Sleep(10 * time.Millisecond)
					}
				})
				r.path(1, "a:80", "/quick")
				r.path(2, "a:80", "/slow")
				r.queue.accept(1, 1000*limit*3)
				r.queue.accept(2, 100*limit)
				start := time.Now()
				r.start()
				time.Sleep(40 * time.Second)
				synctest.Wait()
				var held [3]time.Duration
				for _, a := range r.log() {
					held[a.Endpoint] += a.Duration
				}
				if off := (held[1] - held[2]).Abs(); off > 10*time.Second+time.Duration(limit)*5*time.Second/2 {
					t.Errorf("in %v of %d slots the quick one held them for %v, the slow one for %v", time.Since(start), limit, held[1], held[2])
				}
				_ = r.Close(t.Context())
			})
		})
	}
}

// A single endpoint has the whole host.
func TestOneEndpointUsesTheWholeHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		var g gauge
		r.serve("a:80", g.handler(time.Second))
		r.target(1, "a:80", jiraPolicy())
		r.target(2, "a:80", jiraPolicy())
		r.queue.accept(1, 100)
		r.queue.accept(2, 1)
		start := time.Now()
		r.start()
		r.queue.wait(101)
		if took, most := time.Since(start), g.most.Load(); took != 6*time.Second || most != 20 {
			t.Errorf("101 requests took %v, %d at once", took, most)
		}
	})
}

func BenchmarkTurns(b *testing.B) {
	for _, endpoints := range []int{1, 10, 1000, 100_000} {
		b.Run(fmt.Sprint(endpoints), func(b *testing.B) {
			r := newTurns()
			for id := range endpoints {
				r.wake(queue.EndpointID(id))
			}
			b.ReportAllocs()
			var out [20]*member
			for i := 0; b.Loop(); i++ {
				if m := out[i%20]; m != nil {
					r.end(m, 0, time.Duration(i%7)*time.Millisecond)
				}
				out[i%20] = first(&r)
			}
		})
	}
	b.Run("comes and goes", func(b *testing.B) {
		r := newTurns()
		b.ReportAllocs()
		for b.Loop() {
			r.wake(1)
			m := first(&r)
			r.rest(m, m.wake)
			r.end(m, 0, time.Millisecond)
		}
	})
}
