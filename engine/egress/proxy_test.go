package egress

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// connectProxy is a proxy that answers CONNECT as asked, and leads everything to one address.
type connectProxy struct {
	*httptest.Server
	answer string // in place of the connection

	mu   sync.Mutex
	seen []string // target and authorization of requests
}

func newConnectProxy(t *testing.T, to string, secure bool) *connectProxy {
	t.Helper()
	p := &connectProxy{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.seen = append(p.seen, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		p.mu.Unlock()
		client, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		if p.answer != "" {
			io.WriteString(client, p.answer)
			return
		}
		receiver, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer receiver.Close()
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		go io.Copy(receiver, buffered)
		io.Copy(client, receiver)
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *connectProxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestProxy(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "through") }))
	t.Cleanup(receiver.Close)
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			p := newConnectProxy(t, receiver.Listener.Addr().String(), secure)
			o := Options{
				Proxy:    strings.Replace(p.URL, "://", "://user:p%40ss@", 1),
				Resolver: names{"receiver.example": {"8.8.8.8"}, "inside.example": {"10.0.0.1"}},
			}
			if secure {
				o.TLS.CA = writePEM(t, "CERTIFICATE", p.Certificate().Raw)
			}
			g := newGuard(t, o)
			conn, err := g.Dial("receiver.example:8080", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: receiver.example\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(resp.Body); string(body) != "through" {
				t.Errorf("answer %q", body)
			}
			for _, address := range []string{"inside.example:80", "127.0.0.1:80", "[::1]:80", "nowhere.example:80"} {
				if _, err := g.Dial(address, time.Minute); err == nil {
					t.Errorf("%s was connected to", address)
				}
			}
			if seen := p.requests(); len(seen) != 1 || seen[0] != "CONNECT receiver.example:8080 Basic dXNlcjpwQHNz" {
				t.Errorf("the proxy was asked for %q", seen)
			}
		})
	}
}

func TestProxyWithoutGuard(t *testing.T) {
	accepted, port := listen(t)
	p := newConnectProxy(t, "127.0.0.1:"+port, false)
	g := newGuard(t, Options{Off: true, Proxy: p.URL, Resolver: names{}})
	conn, err := g.Dial("unknown-here:443", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	(<-accepted).Close()
}

func TestProxyThatRefuses(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 403 Forbidden\r\n\r\n":             "the proxy refuses the connection: status 403",
		"HTTP/1.1 407 Who are you\r\n\r\n":           "the proxy refuses the connection: status 407",
		"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n":  "the proxy refuses the connection: status 302",
		"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n": "the proxy sent bytes after its answer",
		"SSH-2.0-OpenSSH_9.6\r\n\r\n":                "the proxy did not answer",
	} {
		p := newConnectProxy(t, "", false)
		p.answer = answer
		g := newGuard(t, Options{Proxy: p.URL, Resolver: names{"receiver.example": {"8.8.8.8"}}})
		if conn, err := g.Dial("receiver.example:443", time.Minute); err == nil || conn != nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestProxyThatDoesNotAnswer(t *testing.T) {
	_, port := listen(t)
	g := newGuard(t, Options{Proxy: "http://127.0.0.1:" + port, Resolver: names{"receiver.example": {"8.8.8.8"}}})
	if _, err := g.Dial("receiver.example:443", 20*time.Millisecond); err == nil {
		t.Error("connected")
	}
}

func TestTLSOptions(t *testing.T) {
	if g := newGuard(t, Options{}); g.TLS() != nil {
		t.Errorf("%+v where nothing is set", g.TLS())
	}
	asked := make(chan []*x509.Certificate, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.TLS.PeerCertificates }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := writePEM(t, "CERTIFICATE", server.Certificate().Raw)
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := writePEM(t, "PRIVATE KEY", der)
	for name, test := range map[string]struct {
		options TLS
		works   bool
	}{
		"all":            {TLS{CA: ca, Cert: ca, Key: key}, true},
		"all, 1.2":       {TLS{CA: ca, Cert: ca, Key: key, MinVersion: "1.2"}, true},
		"newer":          {TLS{CA: ca, Cert: ca, Key: key, MinVersion: "1.3"}, false},
		"no authority":   {TLS{Cert: ca, Key: key}, false},
		"no certificate": {TLS{CA: ca}, false},
	} {
		g := newGuard(t, Options{TLS: test.options})
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: g.TLS(), DisableKeepAlives: true}}
		resp, err := client.Get(server.URL)
		if (err == nil) != test.works {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			resp.Body.Close()
			if shown := <-asked; len(shown) != 1 {
				t.Errorf("%s: %d certificates shown", name, len(shown))
			}
		}
	}
}
