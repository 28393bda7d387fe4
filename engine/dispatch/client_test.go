package dispatch

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// answer reads n requests and answers each with text. It reports whether all of them came.
func answer(c net.Conn, n int, text string) bool {
	br := bufio.NewReader(c)
	var req fasthttp.Request
	for range n {
		if req.Read(br) != nil {
			return false
		}
		_, _ = io.WriteString(c, text)
	}
	return true
}

func TestStaleConnectionsCostNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		var conns atomic.Int64
		r.listen("a:80", func(c net.Conn) {
			conns.Add(1)
			answer(c, 1, okAnswer) // and closes without a word
		})
		r.target(1, "a:80", jiraPolicy())
		for i := range 15 {
			r.queue.accept(1, 1)
			r.queue.wait(i + 1)
			synctest.Wait() // the connection is closed: a request that is written before that is lost
		}
		for _, a := range r.log() {
			if a.Number != 1 || a.Outcome != webhook.Delivered {
				t.Errorf("attempt: %+v", a)
			}
		}
		if n := conns.Load(); n != 15 {
			t.Errorf("%d connections for 15 deliveries", n)
		}
	})
}

func TestFreshConnectionThatBreaksIsAnAttempt(t *testing.T) {
	for name, text := range map[string]string{
		"at once":        "",
		"in the headers": "HTTP/1.1 200 OK\r\nConte",
		"in the body":    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok",
		"not HTTP":       "SSH-2.0-OpenSSH_9.6\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil).start()
				r.listen("a:80", func(c net.Conn) { answer(c, 1, text) })
				r.target(1, "a:80", jiraPolicy())
				r.queue.accept(1, 1)
				r.queue.wait(1)
				log := r.log()
				if len(log) != 6 {
					t.Fatalf("%d attempts, want 6", len(log))
				}
				for _, a := range log {
					if a.Outcome != webhook.Broken || a.Status != 0 || a.Err == nil {
						t.Errorf("attempt: %+v", a)
					}
				}
			})
		})
	}
}

func TestAnswerThatBreaksOnAKeptConnectionIsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		var conns atomic.Int64
		r.listen("a:80", func(c net.Conn) {
			if conns.Add(1) == 1 {
				answer(c, 1, okAnswer)
				answer(c, 1, "HTTP/1.1 200")
				return
			}
			answer(c, 9, okAnswer)
		})
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		r.queue.accept(1, 1)
		r.queue.wait(2)
		log := r.log()
		if len(log) != 3 || log[1].Outcome != webhook.Broken || log[2].Number != 2 {
			t.Errorf("attempts: %+v", log)
		}
	})
}

func TestOversizedAnswerCountsByItsStatus(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, text := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + long,
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + long + "\r\n0\r\n\r\n",
		"endless": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + long,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.MaxResponse = 100 }).start()
				r.listen("a:80", func(c net.Conn) { answer(c, 9, text) })
				r.target(1, "a:80", jiraPolicy())
				r.queue.accept(1, 2)
				r.queue.wait(2)
				for _, a := range r.log() {
					if a.Outcome != webhook.Delivered || a.Status != 200 || a.Err != nil {
						t.Errorf("attempt: %+v", a)
					}
					if n := len(a.Answer); n < 100 || n > 256 || string(a.Answer) != long[:n] {
						t.Errorf("answer %q", a.Answer)
					}
				}
				if n := r.Stats().Connections; n != 0 {
					t.Errorf("%d connections kept", n)
				}
			})
		})
	}
}

func TestConnectionWithBytesAfterTheAnswerIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.listen("a:80", func(c net.Conn) { answer(c, 9, okAnswer+"HTTP/1.1 500 Oops\r\n\r\n") })
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		if n := r.Stats().Connections; n != 0 {
			t.Errorf("%d connections kept", n)
		}
	})
}

func TestBusyConnectionsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		var conns atomic.Int64
		r.listen("a:80", func(c net.Conn) {
			conns.Add(1)
			answer(c, 1000, okAnswer)
		})
		r.target(1, "a:80", jiraPolicy())
		for range 60 * 12 {
			r.queue.accept(1, 1)
			time.Sleep(time.Second)
		}
		if n := conns.Load(); n != 3 {
			t.Errorf("%d connections in 12 minutes, want 3", n)
		}
	})
}

func TestTimeLimits(t *testing.T) {
	drip := func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	for _, test := range []struct {
		name    string
		receive func(*rig)
		want    webhook.Outcome
		after   time.Duration
	}{
		{"no answer", func(r *rig) { r.blackHole("a:80") }, webhook.Timeout, 25 * time.Second},
		{"endless answer", func(r *rig) { r.listen("a:80", drip) }, webhook.Timeout, 25 * time.Second},
		{"no one there", func(*rig) {}, webhook.ConnectFailed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil).start()
				test.receive(r)
				p := jiraPolicy()
				p.Backoff = nil
				r.target(1, "a:80", p)
				r.queue.accept(1, 1)
				r.queue.wait(1)
				if a := r.log()[0]; a.Outcome != test.want || a.Duration != test.after {
					t.Errorf("attempt: %+v", a)
				}
			})
		})
	}
}

func TestDialGetsTheConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got time.Duration
		r := newRig(t, func(o *Options) {
			o.Dial = func(_ string, timeout time.Duration) (net.Conn, error) {
				got = timeout
				time.Sleep(timeout)
				return nil, fasthttp.ErrDialTimeout
			}
		}).start()
		p := jiraPolicy()
		p.Backoff = nil
		r.target(1, "a:80", p)
		r.queue.accept(1, 1)
		r.queue.wait(1)
		if a := r.log()[0]; got != 5*time.Second || a.Duration != got || a.Outcome != webhook.ConnectFailed {
			t.Errorf("dialled within %v: %+v", got, a)
		}
	})
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	addr := server.Listener.Addr().String()
	for name, test := range map[string]struct {
		config *tls.Config
		want   webhook.Outcome
	}{
		"trusted":   {&tls.Config{RootCAs: roots}, webhook.Delivered},
		"untrusted": {nil, webhook.ConnectFailed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.TLS, o.Dial = test.config, netDial }).start()
			p := jiraPolicy()
			p.Backoff = nil
			target := r.target(1, addr, p)
			target.Host.Scheme = "https"
			target.Render = func(req *fasthttp.Request, d *queue.Delivery, _ int) error {
				req.Header.SetMethod(fasthttp.MethodPost)
				req.SetRequestURI("https://" + addr + "/")
				req.SetBodyRaw(d.Payload)
				return nil
			}
			r.queue.accept(1, 1)
			r.queue.wait(1)
			if a := r.log()[0]; a.Outcome != test.want {
				t.Errorf("attempt: %+v", a)
			}
		})
	}
}
