package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// site is a tenant of a test's own.
type site struct {
	t      *testing.T
	tenant string
	url    string // the base URL of its clients
	token  string // of the tenant itself: it publishes, and administers
}

var sites atomic.Int64

func newSite(t *testing.T) *site {
	t.Helper()
	installed(t) // or the test is skipped before anything is started
	if _, err := server(); err != nil {
		t.Fatal(err)
	}
	tenant := fmt.Sprintf("site-%d", sites.Add(1))
	s := &site{t: t, tenant: tenant, url: "http://" + running.API + "/t/" + tenant, token: "publisher-and-administrator-of-" + tenant}
	s.put("", map[string]any{"tokens": []string{s.token}})
	t.Cleanup(func() { // with what is still queued
		s.send(http.MethodDelete, "http://"+running.API+"/v1/tenants/"+tenant, adminToken, nil, http.StatusNoContent, nil)
	})
	return s
}

// app is what an operator sets of an app.
type app struct {
	Kind    string     `json:"kind,omitempty"`
	Issuer  string     `json:"issuer,omitempty"`
	BaseURL string     `json:"baseURL,omitempty"`
	Secrets []string   `json:"secrets,omitempty"`
	Tokens  []appToken `json:"tokens,omitempty"`
}

type appToken struct {
	Token string `json:"token"`
	User  string `json:"user,omitempty"`
}

func (s *site) putApp(key string, a app) { s.put("/apps/"+key, a) }

func (s *site) put(path string, body any) {
	s.t.Helper()
	s.send(http.MethodPut, "http://"+running.API+"/v1/tenants/"+s.tenant+path, adminToken, body, http.StatusCreated, nil)
}

// publish publishes an event that deliveries are owed for; system is "" for Jira.
func (s *site) publish(system, body string) {
	s.t.Helper()
	var receipt struct{ Deliveries int }
	s.send(http.MethodPost, s.url+"/v1/events"+system, s.token, json.RawMessage(body), http.StatusAccepted, &receipt)
	if receipt.Deliveries != 1 {
		s.t.Fatalf("%d deliveries are owed for %s; want 1", receipt.Deliveries, body)
	}
}

func (s *site) send(method, url, token string, body any, status int, into any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		s.t.Fatalf("%s %s was answered with %d: %s (%v)", method, url, resp.StatusCode, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			s.t.Fatal(err)
		}
	}
}

// request is one that a receiver got.
type request struct {
	target string // path and query as they came
	header http.Header
	body   string
}

// receiver answers every request with a status and keeps it.
type receiver struct {
	t   *testing.T
	url string
	got chan request
}

func newReceiver(t *testing.T, status int) *receiver {
	r := &receiver{t: t, got: make(chan request, 100)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.got <- request{req.RequestURI, req.Header, string(body)}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *receiver) next() request {
	r.t.Helper()
	select {
	case req := <-r.got:
		return req
	case <-time.After(patience):
		r.t.Fatal("no request came")
	}
	return request{}
}

// settled asks the server, a round trip at a time, until nothing is owed to anybody.
func settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		resp, err := http.Get("http://" + running.Operations + "/readyz?verbose")
		if err != nil {
			t.Fatal(err)
		}
		var state struct {
			Queue struct {
				Waiting int `json:"waiting"`
				InHand  int `json:"in_hand"`
			} `json:"queue"`
		}
		err = json.NewDecoder(resp.Body).Decode(&state)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if state.Queue.Waiting+state.Queue.InHand == 0 {
			return
		}
	}
	t.Fatalf("deliveries are still queued\n%s", running.Log())
}

// member reads one member of a body.
func member[T any](t *testing.T, body, name string) T {
	t.Helper()
	var members map[string]json.RawMessage
	var value T
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if err := json.Unmarshal(members[name], &value); err != nil {
		t.Fatalf("%s of %s: %v", name, body, err)
	}
	return value
}
