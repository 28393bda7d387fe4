package dispatch

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/engine/egress"
	"hookline/engine/webhook"
)

func TestLimit(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	l := newLimit(&Options{HostLimit: 20})
	steps := []struct {
		what   string
		do     func()
		repeat int
		want   int
	}{
		{"a success at the most", func() { l.success(at(1), true) }, 100, 20},
		{"overload", func() { l.overload(at(1), at(2)) }, 1, 10},
		{"requests of the same round", func() { l.overload(at(2), at(3)) }, 19, 10},
		{"successes of before", func() { l.success(at(1), true) }, 100, 10},
		{"not enough successes", func() { l.success(at(4), true) }, 9, 10},
		{"as many as the limit", func() { l.success(at(4), true) }, 1, 11},
		{"a limit that is not needed", func() { l.success(at(4), false) }, 100, 11},
		{"overload again", func() { l.overload(at(4), at(5)) }, 1, 5},
		{"and again", func() { l.overload(at(6), at(7)) }, 1, 2},
		{"and again", func() { l.overload(at(8), at(9)) }, 1, 1},
		{"there is always one", func() { l.overload(at(10), at(11)) }, 1, 1},
		{"a restart", func() { l.restart(at(12)) }, 1, 1},
		{"a success each", func() { l.success(at(13), true) }, 9, 10},
		{"back where it was", func() { l.success(at(13), true) }, 1, 11},
		{"one by one", func() { l.success(at(13), true) }, 10, 11},
		{"one by one", func() { l.success(at(13), true) }, 1, 12},
	}
	for _, s := range steps {
		for range s.repeat {
			s.do()
		}
		if l.now != s.want {
			t.Fatalf("%s: limit %d, want %d", s.what, l.now, s.want)
		}
	}
}

func TestLimitStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 50).Draw(t, "most")
		l := newLimit(&Options{HostLimit: most, FixedLimit: rapid.Bool().Draw(t, "fixed")})
		for i := range rapid.IntRange(1, 300).Draw(t, "steps") {
			now := time.Unix(int64(i), 0)
			began := now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "took")) * time.Second)
			before := l.now
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				l.restart(now)
			case 1, 2:
				if l.overload(began, now); l.now < max(1, before/2) {
					t.Fatalf("from %d to %d", before, l.now)
				}
			default:
				if l.success(began, true); l.now < before || l.now > before+1 {
					t.Fatalf("from %d to %d", before, l.now)
				}
			}
			if l.now < 1 || l.now > most || l.fixed && l.now != most {
				t.Fatalf("limit %d of %d", l.now, most)
			}
		}
	})
}

func refuseWith(code int) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		time.Sleep(50 * time.Millisecond)
		ctx.SetStatusCode(code)
	}
}

// A host that answers 503, 429 or not at all when it has more than it can do is sent about what it can, and as much as its limit allows
// once it can do more. A 429 to the only endpoint is that one's affair.
func TestLimitFollowsTheHost(t *testing.T) {
	for name, refuse := range map[string]fasthttp.RequestHandler{
		"503": refuseWith(503), "429": refuseWith(429),
		"timeout": func(*fasthttp.RequestCtx) { time.Sleep(10 * time.Second) },
	} {
		for _, fixed := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.FixedLimit, o.Breaker.Failures = fixed, -1 })
				var g gauge
				var capacity atomic.Int64
				capacity.Store(5)
				r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
					g.enter()
					defer g.leave()
					if g.now.Load() > capacity.Load() {
						refuse(ctx)
						return
					}
					time.Sleep(100 * time.Millisecond)
				})
				p := jiraPolicy()
				p.Timeout, p.Repeat = 5*time.Second, true
				host := r.target(1, "a:80", p).Host
				r.queue.accept(1, 6000)
				r.start()
				now := func() int {
					synctest.Wait()
					h := r.hosts.find(host)
					h.mu.Lock()
					defer h.mu.Unlock()
					if l := h.turns.limits[1]; l != nil {
						if h.limit.now != 20 {
							t.Errorf("%s: the host's limit is %d", name, h.limit.now)
						}
						return l.now
					}
					return h.limit.now
				}
				if fixed {
					time.Sleep(5 * time.Second)
					if n := now(); n != 20 {
						t.Errorf("%s: a fixed limit is %d", name, n)
					}
					_ = r.Close(t.Context())
					return
				}
				highest := 0
				for i := range 40 {
					time.Sleep(time.Second)
					if n := now(); i > 20 {
						highest = max(highest, n)
					}
				}
				if highest > 8 {
					t.Errorf("%s: the limit is up to %d where the host can do 5 at once", name, highest)
				}
				capacity.Store(100)
				time.Sleep(20 * time.Second)
				if n := now(); n != 20 {
					t.Errorf("%s: the limit is %d after the host has recovered", name, n)
				}
				_ = r.Close(t.Context())
			})
		}
	}
}

// What the host did not do in time is a sign of overload, whatever it was; what others did not do is none.
func TestOverloaded(t *testing.T) {
	timeout := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, test := range []struct {
		status int
		err    error
		want   bool
	}{
		{status: 200}, {status: 429}, {status: 500}, {status: 502}, {status: 504},
		{status: 503, want: true},
		{err: dialError{fasthttp.ErrDialTimeout}, want: true},
		{err: dialError{timeout}, want: true},
		{err: dialError{handshakeError{timeout}}, want: true},
		{err: fmt.Errorf("read: %w", timeout), want: true},
		{err: dialError{&egress.TunnelError{Err: timeout}}, want: true},
		{err: dialError{&net.DNSError{Err: "i/o timeout", IsTimeout: true}}},
		{err: dialError{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}}}},
		{err: dialError{&net.DNSError{IsNotFound: true}}},
		{err: dialError{syscall.ECONNREFUSED}},
		{err: io.EOF},
	} {
		for _, err := range []error{test.err, withoutAddresses(test.err)} {
			if got := overloaded(&webhook.Attempt{Status: test.status, Err: err}); got != test.want {
				t.Errorf("%d, %v: %v", test.status, err, got)
			}
		}
	}
}
