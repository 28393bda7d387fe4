package dispatch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
	"hookline/queue"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil).start()
			r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
				ctx.SetStatusCode(code)
				ctx.Response.Header.Set("Location", "http://b:80/hook")
			})
			var followed atomic.Int64
			r.serve("b:80", func(*fasthttp.RequestCtx) { followed.Add(1) })
			r.target(1, "a:80", jiraPolicy())
			r.queue.accept(1, 1)
			r.queue.wait(1)
			if log := r.log(); len(log) != 1 || log[0].Outcome != webhook.Rejected || log[0].Status != code || followed.Load() != 0 {
				t.Errorf("%d: followed %d times, attempts %+v", code, followed.Load(), log)
			}
		})
	}
}

// tcp makes a receiver on this machine that has each connection handled, and returns its address.
func tcp(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// TestClosedSockets has a receiver close every connection after its first answer, without a word in the answer. What is
// sent next must not be written to it, as nobody could tell then whether it was received.
func TestClosedSockets(t *testing.T) {
	closed := make(chan struct{}, 1)
	addr := tcp(t, func(c net.Conn) {
		answer(c, 1, okAnswer)
		c.Close()
		closed <- struct{}{}
	})
	r := newRig(t, func(o *Options) { o.Dial = netDial }).start()
	r.target(1, addr, jiraPolicy())
	for i := range 5 {
		r.queue.accept(1, 1)
		r.queue.wait(i + 1)
		<-closed
	}
	for _, a := range r.log() {
		if a.Number != 1 || a.Outcome != webhook.Delivered {
			t.Errorf("attempt: %+v", a)
		}
	}
}

func TestClosedTLSConnections(t *testing.T) {
	var conns atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	r := newRig(t, func(o *Options) { o.Dial, o.TLS = netDial, &tls.Config{RootCAs: roots} }).start()
	target := r.target(1, server.Listener.Addr().String(), jiraPolicy())
	target.Host.Scheme = "https"
	for i, want := range []int64{1, 1, 2} {
		if i == 2 {
			server.CloseClientConnections() // returns when they are closed
		}
		r.queue.accept(1, 1)
		r.queue.wait(i + 1)
		if a := r.log()[i]; a.Outcome != webhook.Delivered || a.Number != 1 || conns.Load() != want {
			t.Errorf("%d connections, want %d; attempt %+v", conns.Load(), want, a)
		}
	}
}

// TestRequestThatWasWrittenIsNotRepeated has a kept connection break when the receiver has the request.
func TestRequestThatWasWrittenIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		var got, conns atomic.Int64
		r.listen("a:80", func(c net.Conn) {
			first := conns.Add(1) == 1
			for answer(c, 1, "") {
				if n := got.Add(1); first && n == 2 {
					return // without an answer
				}
				_, _ = io.WriteString(c, okAnswer)
			}
		})
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		r.queue.accept(1, 1)
		synctest.Wait()
		if log := r.log(); got.Load() != 2 || len(log) != 2 || log[1].Outcome != webhook.Broken || log[1].Settled {
			t.Errorf("%d requests came, attempts %+v", got.Load(), log)
		}
		r.queue.wait(2)
		if log := r.log(); got.Load() != 3 || len(log) != 3 || log[2].Number != 2 {
			t.Errorf("%d requests came, attempts %+v", got.Load(), log)
		}
	})
}

func TestLimitsOfParts(t *testing.T) {
	for name, test := range map[string]struct {
		scheme  string
		change  func(*webhook.Policy)
		receive func(net.Conn)
		want    webhook.Outcome
		after   time.Duration
	}{
		"handshake":                {"https", func(p *webhook.Policy) { p.HandshakeTimeout = 2 * time.Second }, drain, webhook.ConnectFailed, 2 * time.Second},
		"handshake within connect": {"https", func(p *webhook.Policy) { p.HandshakeTimeout = 9 * time.Second }, drain, webhook.ConnectFailed, 5 * time.Second},
		"handshake without limits": {"https", func(p *webhook.Policy) { p.ConnectTimeout = 0 }, drain, webhook.ConnectFailed, 25 * time.Second},
		"first byte":               {"http", func(p *webhook.Policy) { p.FirstByteTimeout = 3 * time.Second }, drain, webhook.Timeout, 3 * time.Second},
		"first byte within all":    {"http", func(p *webhook.Policy) { p.FirstByteTimeout = time.Minute }, drain, webhook.Timeout, 25 * time.Second},
		"first byte in time": {"http", func(p *webhook.Policy) { p.FirstByteTimeout = 3 * time.Second }, func(c net.Conn) {
			answer(c, 1, "H")
			time.Sleep(10 * time.Second)
			_, _ = io.WriteString(c, okAnswer[1:])
		}, webhook.Delivered, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil).start()
				r.listen("a:443", test.receive)
				p := jiraPolicy()
				p.Backoff = nil
				test.change(p)
				r.target(1, "a:443", p).Host.Scheme = test.scheme
				r.queue.accept(1, 1)
				r.queue.wait(1)
				if a := r.log()[0]; a.Outcome != test.want || a.Duration != test.after {
					t.Errorf("attempt: %+v", a)
				}
			})
		})
	}
}

func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestBlockedAttemptsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside := &egress.BlockedError{Problem: "inside"}
		r := newRig(t, func(o *Options) {
			o.Dial = func(string, time.Duration) (net.Conn, error) { return nil, inside }
		}).start()
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		log := r.log()
		if len(log) != 6 || r.queue.dead[0].Reason != queue.Exhausted {
			t.Fatalf("%d attempts, %+v", len(log), r.queue.dead[0])
		}
		for _, a := range log {
			if a.Outcome != webhook.Blocked || a.Status != 0 || !errors.Is(a.Err, inside) {
				t.Errorf("attempt: %+v", a)
			}
		}
	})
}

// TestNoFreeConnectionIsNoAttempt takes all connections of a host away, and gives them back when the delivery was given back.
func TestNoFreeConnectionIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 2 }).start()
		r.serve("a:80", status(200))
		h := r.hosts.get(r.target(1, "a:80", jiraPolicy()).Host, r.newHost)
		var free []func()
		for range 3 {
			conn, err := h.client.AcquireConn(time.Second, true)
			if err != nil {
				t.Fatal(err)
			}
			free = append(free, func() { h.client.ReleaseConn(conn) })
		}
		r.queue.ready = func(id queue.EndpointID, at time.Time) {
			r.queue.mu.Lock()
			released := r.queue.released
			r.queue.mu.Unlock()
			if released == 1 {
				for _, f := range free {
					f()
				}
			}
			r.Ready(id, at)
		}
		r.queue.accept(1, 1)
		r.queue.wait(1)
		if log := r.log(); len(log) != 1 || log[0].Number != 1 || log[0].Outcome != webhook.Delivered || r.queue.released != 1 {
			t.Errorf("released %d times, attempts %+v", r.queue.released, log)
		}
	})
}

func TestErrorsDoNotNameAddresses(t *testing.T) {
	refused := &net.OpError{
		Op: "dial", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 5555}, Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 80},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
	// A connection that nobody answers, as fasthttp's dialer has it.
	_, unanswered := (&fasthttp.TCPDialer{DisableDNSResolution: true}).DialTimeout("10.1.2.3:80", 0)
	for want, err := range map[string]error{
		"dial: connect: connection refused":                    refused,
		"fasthttp: dialing to the given tcp address timed out": dialError{unanswered},
		"lookup receiver.example: no such host": dialError{&net.DNSError{
			Err: "no such host", Name: "receiver.example", Server: "10.0.0.53:53", IsNotFound: true,
		}},
		"lookup slow.example: no answer of the name server": &net.DNSError{
			Err: "read udp 10.0.0.7:4444->10.0.0.53:53: i/o timeout", Name: "slow.example", Server: "10.0.0.53:53", IsTimeout: true,
		},
		"read: i/o timeout": &net.OpError{Op: "read", Addr: refused.Addr, Err: os.ErrDeadlineExceeded},
		"no HTTP":           errors.New("no HTTP"),
	} {
		if got := withoutAddresses(err); got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !errors.Is(withoutAddresses(refused), syscall.ECONNREFUSED) {
		t.Error("the cause is lost")
	}
	if withoutAddresses(nil) != nil {
		t.Error("nil is an error")
	}
}
