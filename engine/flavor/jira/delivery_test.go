package jira_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// received is one request as a receiver saw it.
type received struct {
	method, target, host, body string
	header                     http.Header
}

// receiver answers with the statuses in turn, and with 200 after that.
func receiver(t *testing.T, statuses ...int) (url string, got <-chan received) {
	t.Helper()
	requests := make(chan received, 100)
	var count atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if n := int(count.Add(1)); n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
		}
		requests <- received{r.Method, r.RequestURI, r.Host, string(body), r.Header}
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

// quick is Jira's policy without the long waits.
func quick(waits int) *webhook.Policy {
	p := jira.Seed()
	p.Backoff = slices.Repeat([]time.Duration{time.Millisecond}, waits)
	return p
}

func (h *house) publish(body string, header map[string]string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "POST", "http://"+h.server.Address()+"/t/acme/v1/events", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tokenAcme)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 202 {
		h.t.Fatalf("the event is answered %d %s", resp.StatusCode, text)
	}
}

// oddEvent has what a careless re-encoding would change.
const oddEvent = `{"webhookEvent" : "jira:issue_updated", "timestamp":1.60648043630200e12,
	"issue":{"key":"A-1","id":"10002","fields":{"project":{"key":"A"},"summary":"\u00fcber <ü> \/ \ud83d\ude00","n":100000000000000000001,"e":1E+2}},
	"b":[ ],"a":{ }}`

// Every attempt at a delivery carries Jira's headers and the same bytes; only the number of the retry changes.
func TestDeliveryHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(5)})
	url, got := receiver(t, 503, 429)
	h.register(tokenCI, url+"/in//a%2Fb/./c/%7e/../d?x=%20y&z", "project = A", "project = B", "issueKey = A-1", "project != B")
	h.publish(oddEvent, map[string]string{"X-Atlassian-Webhook-Flow": "secondary", "X-Atlassian-Webhook-Trace": "trace 1/~"})
	body := strings.TrimSuffix(oddEvent, "}") + `,"matchedWebhookIds":[1000,1002,1003]}`
	identifier := ""
	for attempt := range 3 {
		r := <-got
		if r.method != "POST" || r.target != "/in//a%2Fb/./c/%7e/../d?x=%20y&z" || r.host != strings.TrimPrefix(url, "http://") {
			t.Errorf("the request is %s %s at %s", r.method, r.target, r.host)
		}
		if r.body != body {
			t.Errorf("the body is %s\nwant %s", r.body, body)
		}
		if identifier == "" {
			identifier = r.header.Get("X-Atlassian-Webhook-Identifier")
		}
		want := http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Atlassian Webhook HTTP Client"},
			"Content-Length":                 {fmt.Sprint(len(body))},
			"X-Atlassian-Webhook-Identifier": {identifier}, "X-Atlassian-Webhook-Flow": {"Secondary"},
			"X-Atlassian-Webhook-Trace": {"trace 1/~"},
		}
		if attempt > 0 {
			want.Set("X-Atlassian-Webhook-Retry", fmt.Sprint(attempt))
		}
		if identifier == "" || !maps.EqualFunc(r.header, want, slices.Equal) {
			t.Errorf("attempt %d: headers %v\nwant %v", attempt+1, r.header, want)
		}
	}
}

// Without any wish of the publisher the flow is Primary and there is no trace; a time is added where there is none;
// and each delivery has an identifier of its own.
func TestDeliveryDefaults(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	url, got := receiver(t)
	h.register(tokenCI, url, "project = A")
	identifiers := map[string]bool{}
	before := time.Now().UnixMilli()
	for range 3 {
		h.publish(`{"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"A"}}}}`, nil)
		r := <-got
		identifiers[r.header.Get("X-Atlassian-Webhook-Identifier")] = true
		if r.header.Get("X-Atlassian-Webhook-Flow") != "Primary" {
			t.Errorf("headers %v", r.header)
		}
		for _, name := range []string{"X-Atlassian-Webhook-Retry", "X-Atlassian-Webhook-Trace"} {
			if r.header[name] != nil {
				t.Errorf("%s is %q", name, r.header[name])
			}
		}
		var at int64
		if _, err := fmt.Sscanf(r.body, `{"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"A"}}},"timestamp":%d,"matchedWebhookIds":[1000]}`, &at); err != nil || at < before {
			t.Errorf("the body is %s (%v)", r.body, err)
		}
	}
	if len(identifiers) != 3 || identifiers[""] {
		t.Errorf("identifiers %v", identifiers)
	}
}

// A status that is not retried ends the delivery, and so does the last attempt: the next event's request is the
// next that comes.
func TestDeliveryEnds(t *testing.T) {
	t.Parallel()
	for name, statuses := range map[string][]int{"refused": {404}, "redirected": {302}, "given up": {500, 500, 500}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(2)})
			url, got := receiver(t, statuses...)
			h.register(tokenCI, url, "project = A")
			event := `{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"A"}}}}`
			h.publish(fmt.Sprintf(event, 1), nil)
			for range statuses {
				if r := <-got; !strings.Contains(r.body, `"timestamp":1,`) {
					t.Errorf("the body is %s", r.body)
				}
			}
			h.publish(fmt.Sprintf(event, 2), nil)
			if r := <-got; !strings.Contains(r.body, `"timestamp":2,`) {
				t.Errorf("a delivery that had ended was attempted again: %s", r.body)
			}
		})
	}
}

// Render uses a request again that held another one before, as the dispatcher does.
func TestRenderReuse(t *testing.T) {
	t.Parallel()
	d := jira.NewDynamic(jira.DynamicOptions{})
	var req fasthttp.Request
	for attempt := 1; attempt <= 3; attempt++ {
		req.Reset()
		body := []byte(`{"webhookEvent":"x"}`)
		err := d.Render(&req, &flavor.Delivery{
			Identifier: "id", Attempt: attempt, Endpoint: &webhook.Endpoint{URL: "https://h.example/in"}, Webhooks: []int64{7, 9}, Body: body,
		})
		if err != nil || string(req.Body()) != `{"webhookEvent":"x","matchedWebhookIds":[7,9]}` || string(body) != `{"webhookEvent":"x"}` {
			t.Fatalf("attempt %d: body %s, %v; the event's is %s", attempt, req.Body(), err, body)
		}
		retry := string(req.Header.Peek("X-Atlassian-Webhook-Retry"))
		if want := strings.TrimPrefix(fmt.Sprint(attempt-1), "0"); retry != want {
			t.Errorf("attempt %d: retry is %q", attempt, retry)
		}
	}
}
