package jira_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// quick is Jira's policy without the long waits.
func quick(waits int) *webhook.Policy {
	p := jira.Seed()
	p.Backoff = slices.Repeat([]time.Duration{time.Millisecond}, waits)
	return p
}

func (h *house) publish(body string, header map[string]string) {
	h.T.Helper()
	h.Want(h.Send(flavortest.Request{Method: "POST", Path: "/t/acme/v1/events", Token: tokenAcme, Body: body, Header: header}), 202, "")
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
		if r.Method != "POST" || r.Target != "/in//a%2Fb/./c/%7e/../d?x=%20y&z" || r.Host != strings.TrimPrefix(url, "http://") {
			t.Errorf("the request is %s %s at %s", r.Method, r.Target, r.Host)
		}
		if r.Body != body {
			t.Errorf("the body is %s\nwant %s", r.Body, body)
		}
		if identifier == "" {
			identifier = r.Header.Get("X-Atlassian-Webhook-Identifier")
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
		if identifier == "" || !maps.EqualFunc(r.Header, want, slices.Equal) {
			t.Errorf("attempt %d: headers %v\nwant %v", attempt+1, r.Header, want)
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
		identifiers[r.Header.Get("X-Atlassian-Webhook-Identifier")] = true
		if r.Header.Get("X-Atlassian-Webhook-Flow") != "Primary" {
			t.Errorf("headers %v", r.Header)
		}
		for _, name := range []string{"X-Atlassian-Webhook-Retry", "X-Atlassian-Webhook-Trace"} {
			if r.Header[name] != nil {
				t.Errorf("%s is %q", name, r.Header[name])
			}
		}
		var at int64
		if _, err := fmt.Sscanf(r.Body, `{"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"A"}}},"timestamp":%d,"matchedWebhookIds":[1000]}`, &at); err != nil || at < before {
			t.Errorf("the body is %s (%v)", r.Body, err)
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
				if r := <-got; !strings.Contains(r.Body, `"timestamp":1,`) {
					t.Errorf("the body is %s", r.Body)
				}
			}
			h.publish(fmt.Sprintf(event, 2), nil)
			if r := <-got; !strings.Contains(r.Body, `"timestamp":2,`) {
				t.Errorf("a delivery that had ended was attempted again: %s", r.Body)
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
