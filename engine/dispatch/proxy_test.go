package dispatch

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hookline/engine/egress"
	"hookline/engine/webhook"
	"hookline/queue"
)

// An egress proxy that cannot be reached for an hour uses up no attempt, opens no breaker and is seldom tried; everything is
// sent soon after it is back, and operators are told both.
func TestProxyOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts, each = 20, 50
		var down atomic.Bool
		var dials atomic.Int64
		var log bytes.Buffer
		var r *rig
		dial := func(addr string, _ time.Duration) (net.Conn, error) {
			if down.Load() {
				dials.Add(1)
				return nil, &egress.ProxyError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.receivers[addr]()
		}
		r = newRig(t, func(o *Options) { o.Dial, o.Logger = dial, slog.New(slog.NewTextHandler(&log, nil)) }).start()
		down.Store(true)
		for i := range queue.EndpointID(hosts) {
			addr := string(rune('a'+i)) + ":80"
			r.serve(addr, status(200))
			r.target(i+1, addr, jiraPolicy())
			r.queue.accept(i+1, each)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := r.Stats(); s.OpenBreakers != 0 || s.Opened != 0 || s.InFlight != 0 || len(r.log()) != 0 || s.ProxyFailures != uint64(dials.Load()) || s.Throttled["endpoint"] != 0 {
			t.Errorf("%+v, %d attempts", s, len(r.log()))
		}
		// Those in flight when it went down, and then one each time: every 30 seconds in the end.
		if n := dials.Load(); n < 100 || n > 150+hosts*20 {
			t.Errorf("%d connections to the proxy in an hour", n)
		}
		if n := strings.Count(log.String(), "cannot be reached: all deliveries wait"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.String())
		}
		down.Store(false)
		time.Sleep(2 * time.Minute)
		r.queue.wait(hosts * each)
		for _, a := range r.log() {
			if a.Outcome != webhook.Delivered || a.Number != 1 {
				t.Fatalf("%+v", a)
			}
		}
		if !strings.Contains(log.String(), "is reached again") {
			t.Error("operators are not told that it is back")
		}
	})
}

// A receiver that the proxy does not connect to is the receiver's affair, and shows that the proxy is there.
func TestProxyThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		r := newRig(t, func(o *Options) {
			o.Breaker.Failures = -1
			o.Dial = func(string, time.Duration) (net.Conn, error) {
				if n.Add(1)%proxyFailures != 0 {
					return nil, &egress.ProxyError{Err: syscall.ECONNREFUSED}
				}
				return nil, &egress.TunnelError{Err: errors.New("the proxy refuses the connection: status 502")}
			}
		}).start()
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		log := r.log()
		if len(log) != 6 || log[5].Outcome != webhook.ConnectFailed || r.queue.dead[0].Reason != queue.Exhausted {
			t.Errorf("%+v", log)
		}
		if n.Load() != 6*proxyFailures || r.proxy.wait != 0 {
			t.Errorf("%d connections, held for %v", n.Load(), r.proxy.wait)
		}
	})
}

// What fails before the proxy is asked does not pass for a proxy that was reached.
func TestProxyAndOtherFailures(t *testing.T) {
	var d Dispatcher
	d.opts = Options{}.withDefaults()
	start := time.Now()
	for range proxyFailures - 1 {
		d.dialled(&egress.ProxyError{Err: syscall.ECONNREFUSED}, start)
	}
	for _, err := range []error{&egress.BlockedError{}, &net.DNSError{}, syscall.ECONNREFUSED} {
		if d.dialled(err, start); d.proxy.failed.Load() != proxyFailures-1 {
			t.Errorf("%v: %d", err, d.proxy.failed.Load())
		}
	}
	if d.dialled(&egress.ProxyError{Err: syscall.ECONNREFUSED}, start); d.proxy.closedFor() == 0 {
		t.Error("nothing waits for the proxy")
	}
}

// A proxy that takes no new connections and goes on with those it has is seldom asked for more.
func TestProxyThatDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		var r *rig
		r = newRig(t, func(o *Options) {
			o.Dial = func(addr string, _ time.Duration) (net.Conn, error) {
				if addr == "b:80" {
					dials.Add(1)
					return nil, &egress.ProxyError{Err: syscall.ECONNREFUSED}
				}
				r.mu.Lock()
				defer r.mu.Unlock()
				return r.receivers[addr]()
			}
		}).start()
		r.serve("a:80", status(200))
		r.target(1, "a:80", jiraPolicy())
		r.target(2, "b:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		r.queue.accept(2, 1)
		for range 600 {
			r.queue.accept(1, 1)
			time.Sleep(100 * time.Millisecond)
		}
		if n := dials.Load(); n > 60 {
			t.Errorf("%d connections in a minute", n)
		}
		_ = r.Close(t.Context())
	})
}

// An endpoint whose connection fails at the proxy waits before it is tried again, from the first time on.
func TestProxyIsNotTriedWithoutAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials []time.Time // one at a time
		r := newRig(t, func(o *Options) {
			o.Dial = func(string, time.Duration) (net.Conn, error) {
				dials = append(dials, time.Now())
				return nil, &egress.ProxyError{Err: syscall.ECONNREFUSED}
			}
		}).start()
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			r.Ready(1, time.Time{}) // which brings nothing forward
		}
		synctest.Wait()
		if len(dials) != proxyFailures {
			t.Fatalf("%d connections in a second", len(dials))
		}
		for i, at := range dials[1:] {
			if wait := at.Sub(dials[i]); wait < firstProxyWait || wait > firstProxyWait*6/5 {
				t.Errorf("connection %d after %v", i+2, wait)
			}
		}
		_ = r.Close(t.Context())
	})
}
