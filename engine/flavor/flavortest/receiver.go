package flavortest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Received is one request as a receiver saw it.
type Received struct {
	Method, Target, Host, Body string
	Header                     http.Header
}

// Respond answers a request whose body was read.
type Respond func(w http.ResponseWriter, r *http.Request, body string)

// InTurn answers with the statuses in turn, and with 200 after that.
func InTurn(statuses ...int) Respond {
	var count atomic.Int32
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		if n := int(count.Add(1)); n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
		}
	}
}

// Receiver is a server that reports what comes to it, up to 2,000 requests that nobody has taken, before it answers.
func Receiver(t testing.TB, respond Respond) (url string, got <-chan Received) {
	t.Helper()
	requests := make(chan Received, 2000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		select {
		case requests <- Received{r.Method, r.RequestURI, r.Host, string(body), r.Header}:
		default: // a fuzz target takes none of them
		}
		respond(w, r, string(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}
