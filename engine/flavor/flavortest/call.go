package flavortest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Request is one request to the server of a house.
type Request struct {
	Method, Path  string // the path begins with /, or is a whole URL
	Host          string // the address of the server, if left out
	Token         string // sent as Authorization: Bearer
	Authorization string // sent as it is, where there is no token
	Body          string // of application/json, where the header says nothing else
	Header        map[string]string
}

// Answer is what comes back, without the line feed at its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Send sends a request and reads its answer.
func (h *House) Send(r Request) Answer {
	h.T.Helper()
	public := strings.HasPrefix(r.Path, "/")
	if public {
		r.Path = h.URL() + r.Path
	}
	req, err := http.NewRequestWithContext(h.T.Context(), r.Method, r.Path, strings.NewReader(r.Body))
	if err != nil {
		h.T.Fatal(err)
	}
	req.Host = r.Host
	req.Header.Set("Content-Type", "application/json")
	if r.Token != "" {
		r.Authorization = "Bearer " + r.Token
	}
	if r.Authorization != "" {
		req.Header.Set("Authorization", r.Authorization)
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	resp, err := h.Client.Do(req)
	if err != nil {
		h.T.Fatal(err)
	}
	a := h.Read(resp)
	if public && h.Check != nil {
		h.Check(req, r.Body, a)
	}
	return a
}

// Raw sends bytes as they are and reads one answer.
func (h *House) Raw(text string) Answer {
	h.T.Helper()
	conn, err := net.Dial("tcp", h.Server.Address())
	if err != nil {
		h.T.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		h.T.Fatal(err)
	}
	// The server may answer and close before it has read everything.
	_, _ = io.WriteString(conn, text)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.T.Fatal(err)
	}
	return h.Read(resp)
}

// Read reads an answer to its end.
func (h *House) Read(resp *http.Response) Answer {
	h.T.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.T.Fatal(err)
	}
	return Answer{resp.StatusCode, resp.Header, strings.TrimSuffix(string(text), "\n")}
}

// URL is the address of the server, without a slash at its end.
func (h *House) URL() string { return "http://" + h.Server.Address() }

// Want fails the test unless the answer has the status and, where one is given, exactly the body.
func (h *House) Want(a Answer, status int, body string) {
	h.T.Helper()
	if a.Status != status || body != "" && a.Body != body {
		h.T.Errorf("the answer is %d %s\nwant %d %s", a.Status, a.Body, status, body)
	}
}

// Decode reads an answer that has the status, and no member that is not asked for, or ends the test.
func (h *House) Decode(a Answer, status int, into any) {
	h.T.Helper()
	if a.Status != status {
		h.T.Fatalf("the answer is %d %s; want %d", a.Status, a.Body, status)
	}
	dec := json.NewDecoder(strings.NewReader(a.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		h.T.Fatalf("%v in the answer %d %q", err, a.Status, a.Body)
	}
}
