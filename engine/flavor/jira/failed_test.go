package jira_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/jira"
)

// failures is the list of failed deliveries as a client reads it.
type failures struct {
	Values []struct {
		ID   string  `json:"id"`
		Body *string `json:"body"`
		URL  string  `json:"url"`
		Time int64   `json:"failureTime"`
	} `json:"values"`
	MaxResults int    `json:"maxResults"`
	Next       string `json:"next"`
}

func (h *house) failed(token, path string) *failures {
	h.T.Helper()
	var f failures
	h.Decode(h.do("GET", path, token, ""), 200, &f)
	if (f.Next != "") != (len(f.Values) > 0) {
		h.T.Errorf("%d values, next is %q", len(f.Values), f.Next)
	}
	return &f
}

// gather polls by next until there are n failures in all, as a client does.
func (h *house) gather(token, path string, n int) (all failures, next string) {
	h.T.Helper()
	for len(all.Values) < n {
		if h.T.Context().Err() != nil {
			h.T.Fatal("the test ended")
		}
		f := h.failed(token, path)
		all.Values = append(all.Values, f.Values...)
		if f.Next != "" {
			path = f.Next
		}
	}
	return all, path
}

// A receiver that is down for ever gets six attempts, and then the delivery is listed with the body it would have got.
func TestExhausted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(5)})
	url, got := receiver(t, 503, 503, 503, 503, 503, 503)
	h.register(tokenCI, url+"/in?x", "project = A", "project = B", "project = A")
	h.publish(oddEvent, nil)
	first := <-got
	identifier := first.Header.Get("X-Atlassian-Webhook-Identifier")
	for n := range 5 {
		r := <-got
		if r.Header.Get("X-Atlassian-Webhook-Identifier") != identifier || r.Header.Get("X-Atlassian-Webhook-Retry") != fmt.Sprint(n+1) || r.Body != first.Body {
			t.Errorf("attempt %d: %v", n+2, r.Header)
		}
	}
	all, next := h.gather(tokenCI, v3+"/failed", 1)
	v := all.Values[0]
	if v.ID != identifier || v.Body == nil || *v.Body != first.Body || v.URL != url+"/in?x" {
		t.Errorf("listed is %+v", v)
	}
	want := fmt.Sprintf("http://%s%s/failed?failedAfter=%d&maxResults=100", h.Server.Address(), v3, v.Time)
	if next != want {
		t.Errorf("next is %s; want %s", next, want)
	}
	h.Want(h.do("GET", next, tokenCI, ""), 200, `{"values":[],"maxResults":100}`)
	for _, query := range []string{"?after=", "?failedAfter="} {
		h.Want(h.do("GET", v2+"/failed"+query+fmt.Sprint(v.Time), tokenCI, ""), 200, `{"values":[],"maxResults":100}`)
		if f := h.failed(tokenCI, v2+"/failed"+query+fmt.Sprint(v.Time-1)); len(f.Values) != 1 {
			t.Errorf("%s: %d values", query, len(f.Values))
		}
	}
	h.publish(fmt.Sprintf(eventA, 2), nil) // the seventh request is answered 200
	if r := <-got; !strings.Contains(r.Body, `"timestamp":2,`) {
		t.Errorf("there is a seventh attempt: %s", r.Body)
	}
	for _, token := range []string{tokenChat, tokenAnna} {
		if f := h.failed(token, v3+"/failed"); len(f.Values) > 0 {
			t.Errorf("another owner sees %+v", f.Values)
		}
	}
	// The webhook may go; what failed stays.
	h.Want(h.do("DELETE", v3, tokenCI, `{"webhookIds":[1000,1001,1002]}`), 202, "")
	if f := h.failed(tokenCI, v3+"/failed"); len(f.Values) != 1 {
		t.Errorf("%d values when the webhooks are gone", len(f.Values))
	}
}

// A refusal is final, and no failure of that list.
func TestRejected(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(1)})
	url, got := receiver(t, 404, 503, 503)
	h.register(tokenAnna, url, "project = A")
	h.publish(fmt.Sprintf(eventA, 1), nil)
	<-got
	h.publish(fmt.Sprintf(eventA, 2), nil)
	all, _ := h.gather(tokenAnna, v3+"/failed", 1)
	if n := len(got); len(all.Values) != 1 || !strings.Contains(*all.Values[0].Body, `"timestamp":2,`) || n != 2 {
		t.Errorf("%d more requests, failures %+v", n, all.Values)
	}
}

// Going from page to page shows every failure once, oldest first, and splits no millisecond.
func TestFailedPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, ManyURLs: true, Policy: quick(0)})
	const events, urls = 30, 3
	down := slices.Repeat([]int{429}, events*urls) // with which the host is not down
	url, got := receiver(t, down...)
	for i := range urls {
		h.register(tokenCI, fmt.Sprintf("%s/%d", url, i), "project = A")
	}
	for i := range events {
		h.publish(fmt.Sprintf(eventA, i), nil)
	}
	identifiers := map[string]bool{}
	for range events * urls {
		identifiers[(<-got).Header.Get("X-Atlassian-Webhook-Identifier")] = true
	}
	for _, size := range []int{1, 7, 1000} {
		all, next := h.gather(tokenCI, fmt.Sprintf("%s/failed?maxResults=%d", v3, size), events*urls)
		if len(all.Values) != events*urls {
			t.Fatalf("pages of %d: %d failures", size, len(all.Values))
		}
		seen := map[string]bool{}
		for i, v := range all.Values {
			if seen[v.ID] || !identifiers[v.ID] || i > 0 && v.Time < all.Values[i-1].Time {
				t.Errorf("pages of %d: failure %d is %+v", size, i, v)
			}
			seen[v.ID] = true
		}
		if !strings.HasSuffix(next, fmt.Sprintf("&maxResults=%d", min(size, 100))) {
			t.Errorf("next is %s", next)
		}
	}
	// A page is longer than asked for only by what shares the last time.
	f := h.failed(tokenCI, v3+"/failed?maxResults=2")
	for i := 2; i < len(f.Values); i++ {
		if f.Values[i].Time != f.Values[1].Time {
			t.Errorf("value %d is of another time: %+v", i, f.Values)
		}
	}
	h.Want(h.do("GET", v3+"/failed?maxResults=0", tokenCI, ""), 200, `{"values":[],"maxResults":0}`)
}

func TestFailedErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{FailedConnectOnly: true})
	h.Want(h.do("GET", v3+"/failed", tokenAnna, ""), 403, `{"errorMessages":["Only Connect apps can use this resource."],"errors":{}}`)
	h.Want(h.do("GET", v3+"/failed?after=9223372036854775807", tokenCI, ""), 200, `{"values":[],"maxResults":100}`)
	for query, want := range map[string]string{
		"?after=x":                         `after is \"x\"; a number from 0 up is expected.`,
		"?failedAfter=-1":                  `failedAfter is \"-1\"; a number from 0 up is expected.`,
		"?after=1&failedAfter":             "",
		"?maxResults=1e3":                  `maxResults is \"1e3\"; a number from 0 up is expected.`,
		"?maxResults=99999999999999999999": `maxResults is \"99999999999999999999\"; a number from 0 up is expected.`,
	} {
		a := h.do("GET", v3+"/failed"+query, tokenCI, "")
		if want == "" {
			h.Want(a, 200, "")
			continue
		}
		h.Want(a, 400, `{"errorMessages":["`+want+`"],"errors":{}}`)
	}
	var members map[string]json.RawMessage
	h.Decode(h.do("GET", v3+"/failed", tokenCI, ""), 200, &members)
	if len(members) != 2 {
		t.Errorf("members %v", members)
	}
}
