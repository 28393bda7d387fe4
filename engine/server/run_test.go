package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine/server"
)

func TestErrOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for address, open := range map[string]bool{
		"0.0.0.0:0": true, ":0": true, "[::]:0": true, "hooks.example:80": true, "192.0.2.1:80": true, "": true, "127.0.0.1": true,
		"localhost.evil.example:0": true, "[::ffff:192.0.2.1]:0": true, "127.0.0.1.evil.example:0": true,
		"127.0.0.1:0": false, "127.8.9.10:0": false, "[::1]:0": false, "localhost:0": false, "[::ffff:127.0.0.1]:0": false,
	} {
		if err := server.CheckOpen(address, ""); errors.Is(err, server.ErrOpen) != open {
			t.Errorf("CheckOpen(%q) = %v", address, err)
		}
		if err := server.CheckOpen(address, tokenAdmin); err != nil {
			t.Errorf("CheckOpen(%q) with a token = %v", address, err)
		}
		if !open {
			continue
		}
		_, err := server.New(server.Options{Engine: h.Engine, Metrics: prometheus.NewRegistry(), Listen: address, Operations: "127.0.0.1:0"})
		if !errors.Is(err, server.ErrOpen) || !strings.Contains(err.Error(), "("+"it is "+address+")") {
			t.Errorf("New at %q: %v; want ErrOpen", address, err)
		}
	}
}

// A server that cannot listen leaves nothing behind: another one with the same registry can be made.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	free := "127.0.0.1:0"
	metrics := prometheus.NewRegistry()
	for _, o := range []server.Options{{Listen: h.Server.Address(), Operations: free}, {Listen: free, Operations: h.Server.Operations()}} {
		o.Engine, o.Metrics = h.Engine, metrics
		if _, err := server.New(o); err == nil || !strings.HasPrefix(err.Error(), "server: ") {
			t.Errorf("New: %v", err)
		}
	}
	s, err := server.New(server.Options{Engine: h.Engine, Metrics: metrics, Listen: free, Operations: free, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	// A context that has ended already ends Run before it has begun; nothing listens after that.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	for _, address := range []string{s.Address(), s.Operations()} {
		if l, err := net.Listen("tcp", address); err != nil {
			t.Errorf("after Run: %v", err)
		} else if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// ops asks the operations listener.
func (h *house) ops(path string) answer {
	h.T.Helper()
	return h.Send(request{Method: "GET", Path: "http://" + h.Server.Operations() + path})
}

var sizeOfDisk = regexp.MustCompile(`"(free|total)":[1-9][0-9]*`)

// verbose is what /readyz says at length, with 1 for the sizes of the disk that the test runs on.
func (h *house) verbose() answer {
	h.T.Helper()
	a := h.ops("/readyz?verbose")
	a.Body = sizeOfDisk.ReplaceAllString(a.Body, `"$1":1`)
	return a
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Want(h.ops("/healthz"), 200, "ok")
	h.Want(h.ops("/readyz"), 200, "ready")
	h.subscribe()
	h.Want(h.verbose(), 200, `{"ready":true,"draining":false,"disk":{"level":"ample","free":1,"total":1,"ballast":0},"webhooks":1,"queue":{"waiting":0,"in_hand":0,"dead":0}}`)
	if a := h.ops("/debug/pprof/cmdline"); a.Status != 200 {
		t.Errorf("profiles on loopback are answered %d", a.Status)
	}
	if a := h.ops("/v1/tenants"); a.Status != 404 {
		t.Errorf("the installation's API is on the operations listener: %d", a.Status)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/"} {
		h.wantProblem(h.admin("GET", path, ""), 404, "not_found", path)
	}
}

// Run ends when its context does: what is in progress is finished and answered, while /readyz says 503 and
// /healthz still 200.
func TestDraining(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	answers := make(chan error, 1)
	go func() {
		resp, err := http.Get(h.URL() + "/t/acme/wait")
		if err == nil {
			var body []byte
			body, err = io.ReadAll(resp.Body)
			if err == nil && (resp.StatusCode != 200 || string(body) != "done") {
				err = fmt.Errorf("the answer is %d %q", resp.StatusCode, body)
			}
			_ = resp.Body.Close()
		}
		answers <- err
	}()
	<-h.probe.entered
	ended := make(chan error, 1)
	go func() { ended <- h.Stop() }()
	h.Eventually("readyz is 503", func() bool { return h.ops("/readyz").Status == 503 })
	h.Want(h.ops("/readyz"), 503, "draining")
	h.Want(h.verbose(), 503, `{"ready":false,"draining":true,"disk":{"level":"ample","free":1,"total":1,"ballast":0},"webhooks":0,"queue":{"waiting":0,"in_hand":0,"dead":0}}`)
	h.Want(h.ops("/healthz"), 200, "ok")
	h.Eventually("the public listener is closed", func() bool {
		conn, err := net.Dial("tcp", h.Server.Address())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-ended:
		t.Errorf("Run ended with a request in progress: %v", err)
	default:
	}
	close(h.probe.release)
	if err := <-answers; err != nil {
		t.Errorf("the request in progress: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A request that does not end in time does not hold Run back for ever.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *server.Options) { o.ShutdownTimeout = time.Millisecond })
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.Get(h.URL() + "/t/acme/wait"); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-h.probe.entered
	if err := h.Stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run: %v; want that the time was over", err)
	}
	close(h.probe.release)
	<-gone
}

func TestPanic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 2 {
		p := h.wantProblem(h.Send(request{Method: "GET", Path: "/t/acme/boom"}), 500, "internal", "log")
		if strings.Contains(p.Error.Message, "boom") {
			t.Errorf("the client is told of the panic: %s", p.Error.Message)
		}
	}
	if text := h.ops("/metrics").Body; !strings.Contains(text, "\nhookline_panics_recovered_total 2\n") {
		t.Error("the panics are not counted")
	}
}
