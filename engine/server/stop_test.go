package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hookline/engine/server"
)

// half is a request whose headers the server has read and whose body it waits for.
type half struct {
	h    *house
	conn net.Conn
	in   *bufio.Reader
	body string
}

func (h *house) begin(method, path, token, kind, body string) *half {
	h.T.Helper()
	conn, err := net.Dial("tcp", h.Server.Address())
	if err != nil {
		h.T.Fatal(err)
	}
	h.T.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		h.T.Fatal(err)
	}
	// The server asks for the body when it has read the headers.
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		method, path, token, kind, len(body))
	if err != nil {
		h.T.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := in.ReadString('\n'); err != nil || line != want {
			h.T.Fatalf("the server answers the headers with %q (%v)", line, err)
		}
	}
	r := &half{h, conn, in, body}
	r.send(body[:len(body)/2])
	return r
}

func (r *half) send(text string) {
	r.h.T.Helper()
	if _, err := io.WriteString(r.conn, text); err != nil {
		r.h.T.Fatal(err)
	}
}

// end sends the rest and returns the answer.
func (r *half) end() answer {
	r.h.T.Helper()
	r.send(r.body[len(r.body)/2:])
	resp, err := http.ReadResponse(r.in, nil)
	if err != nil {
		r.h.T.Fatal(err)
	}
	return r.h.Read(resp)
}

// halves are requests of every kind that writes.
func (h *house) halves() map[string]*half {
	const plain = "application/json"
	registration := `{"url":"http://127.0.0.1:1/","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_deleted"]}]}`
	return map[string]*half{
		"event":        h.begin("POST", eventsPath, tokenAcme, plain, event),
		"batch":        h.begin("POST", eventsPath, tokenAcme, "application/x-ndjson", event+"\n"+event),
		"registration": h.begin("POST", "/t/acme/rest/api/3/webhook", tokenCI, plain, registration),
		"tenant":       h.begin("PUT", "/v1/tenants/new", tokenAdmin, plain, `{"hosts":["new.example"]}`),
	}
}

// What a client has begun to send when the server is told to stop is carried out, answered as ever, and delivered.
func TestDrainingAccepts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.subscribe()
	requests := h.halves()
	ended := make(chan error, 1)
	go func() { ended <- h.Stop() }()
	h.Eventually("the public listener is closed", func() bool {
		conn, err := net.Dial("tcp", h.Server.Address())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	for name, want := range map[string]int{"event": 202, "batch": 202, "registration": 200, "tenant": 201} {
		if a := requests[name].end(); a.Status != want || strings.Contains(a.Body, "errors") {
			t.Errorf("%s: %d %s; want %d", name, a.Status, a.Body, want)
		}
	}
	h.Eventually("every event is delivered", func() bool { return t.Failed() || len(got) == 3 })
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// What comes when the time for a stop is over is not carried out, and told to come again.
func TestStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *server.Options) { o.ShutdownTimeout = time.Millisecond })
	requests := h.halves()
	if err := h.Stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run: %v; want that the time was over", err)
	}
	for name, r := range requests {
		a := r.end()
		if a.Status != 503 || a.Header.Get("Retry-After") != "1" || !strings.Contains(a.Body, "The server is stopping") {
			t.Errorf("%s: %d %s, Retry-After %q", name, a.Status, a.Body, a.Header.Get("Retry-After"))
		}
	}
}
