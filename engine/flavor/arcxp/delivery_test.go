package arcxp_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/arcxp"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// A notification carries the webhook's headers and token and the record's very bytes, and all of it again with the next
// attempt.
func TestDelivery(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(7))
	url, got := receiver(t, 503, 429, 408, 425, 500)
	h.register(url+"/in", "s", `"authToken":" t0ken\n"`, `"headers":{"Accept-Language":"en-US","x-team":"a, b"}`)
	// The numbers, escapes and white space are what a careless re-encoding would change.
	const odd = `{ "id":229338.0,"status" : "Circulated",
		"updateDate":"2022-12-07T19:49:00.157Z", "n":100000000000000000001, "e":1E+2, "errorMessage":null,"x":"\u00fc <ü> \/ \ud83d\ude00","o":{ } }`
	h.publish(`{"tags":{"webhookSubscriber":"s"}, "ANS":{"type":"story"}, "record": ` + odd + "\n}")
	identifier := ""
	for range 6 {
		r := <-got
		if r.Method != "POST" || r.Target != "/in" || r.Body != `{"record":`+odd+`}` {
			t.Errorf("the request is %s %s %s", r.Method, r.Target, r.Body)
		}
		if identifier == "" {
			identifier = r.Header.Get("X-Hookline-Delivery")
		}
		want := http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {"Hookline"}, "Content-Length": {fmt.Sprint(len(r.Body))},
			"Authorization": {"Bearer t0ken"}, "Accept-Language": {"en-US"}, "X-Team": {"a, b"}, "X-Hookline-Delivery": {identifier},
		}
		if len(identifier) != 36 || !maps.EqualFunc(r.Header, want, slices.Equal) {
			t.Errorf("headers %v\nwant %v", r.Header, want)
		}
	}
	select {
	case r := <-got:
		t.Errorf("a notification that was taken came again: %+v", r)
	default:
	}
}

// The status that the page misspells is sent as it is meant, in an otherwise untouched record.
func TestMisspeltStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(0))
	url, got := receiver(t)
	h.register(url, "s")
	for _, spelling := range []string{"FallStory", `Fall\u0053tory`, "FailStory"} {
		h.publish(`{"record":{"a":"FallStory","status" :"` + spelling + `" ,"b":[{"status":"FallStory"}]}}`)
		if r := <-got; r.Body != `{"record":{"a":"FallStory","status" :"FailStory" ,"b":[{"status":"FallStory"}]}}` {
			t.Errorf("%s: the body is %s", spelling, r.Body)
		}
	}
}

// The header names what is notified: organisation, record, status and time of the change. Where the record does not say,
// each event is a notification of its own.
func TestIdentifier(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(0))
	url, got := receiver(t)
	h.register(url, "s")
	send := func(record string) string {
		h.publish(`{"record":` + record + `}`)
		return (<-got).Header.Get("X-Hookline-Delivery")
	}
	const one = `{"id":1,"status":"Success","updateDate":"2022-12-07T19:49:00.157Z"}`
	first := send(one)
	if send(one) != first || send(`{"status":"Success","website":"x","updateDate":"2022-12-07T19:49:00.157Z","id":1}`) != first {
		t.Error("the same notification has another identifier")
	}
	seen := map[string]bool{first: true}
	for _, other := range []string{
		strings.Replace(one, `:1,`, `:2,`, 1), strings.Replace(one, "Success", "Published", 1), strings.Replace(one, ".157", ".158", 1),
		`{"status":"Success"}`, `{"status":"Success"}`, `{"id":1,"status":"Success","updateDate":null}`, `{"id":null,"status":"Success","updateDate":"x"}`,
		`{"id":{},"status":"Success","updateDate":"x"}`,
	} {
		if id := send(other); len(id) != 36 || seen[id] {
			t.Errorf("%s: identifier %q", other, id)
		} else {
			seen[id] = true
		}
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	plain, raw := newHouse(t, quick(0)), quick(0)
	raw.RawToken = true
	asIs := newHouse(t, raw)
	for token, want := range map[string]string{
		"abc": "Bearer abc", "Bearer abc": "Bearer abc", "bearer abc": "bearer abc", "Basic YTpi": "Basic YTpi", "Token abc": "Token abc",
		"Bearerabc": "Bearer Bearerabc", "Digest abc": "Bearer Digest abc", " Bearer ": "Bearer Bearer", "\tabc ": "Bearer abc",
	} {
		for h, want := range map[*house]string{plain: want, asIs: strings.TrimSpace(token)} {
			url, got := receiver(t)
			id := h.register(url, "s", fmt.Sprintf(`"authToken":%q`, token)).ID
			h.publish(document(1, "s", "Success"))
			if r := <-got; r.Header.Get("Authorization") != want {
				t.Errorf("token %q is sent as %q; want %q", token, r.Header.Get("Authorization"), want)
			}
			h.Want(h.do("DELETE", fmt.Sprint(hooks, "/", id), ""), 200, "")
		}
	}
}

// A header that a registration may not have is not sent, should it have come into the store by another way than the API.
func TestDeniedHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(0))
	url, got := receiver(t)
	o := webhook.Owner{Tenant: "acme"}
	token, err := h.Engine.Keys().Seal(sign.NewSecret("t0ken"), o.SecretRecord())
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{
		"Accept-Language": "en-US", "Host": "evil.example", "content-length": "1", "Transfer-Encoding": "chunked", "CONNECTION": "close",
		"Authorization": "Basic eA==", "Expect": "100-continue", "X-Hookline-Delivery": "mine", "X-Forwarded-For": "10.0.0.1",
		"webhook-id": "mine", "X-Amz-Date": "x", "X-A": "a\r\nX-B: b", "X-C\r\nX-D": "d",
	}
	results, err := h.Engine.Register(t.Context(), engine.Registration{
		Flavor: arcxp.Flavor, Owner: o, URL: url,
		Webhooks: []registry.Item{{Settings: &webhook.Settings{Name: "s", Secret: token, Headers: headers}}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
	h.publish(document(1, "s", "Success"))
	r := <-got
	want := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"Hookline"}, "Content-Length": {fmt.Sprint(len(r.Body))},
		"Authorization": {"Bearer t0ken"}, "Accept-Language": {"en-US"}, "X-Hookline-Delivery": r.Header["X-Hookline-Delivery"],
	}
	if !maps.EqualFunc(r.Header, want, slices.Equal) || r.Header.Get("X-Hookline-Delivery") == "mine" {
		t.Errorf("headers %v\nwant %v", r.Header, want)
	}
}

// A receiver's own content type is kept.
func TestContentType(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(0))
	url, got := receiver(t)
	h.register(url, "s", `"headers":{"content-type":"application/vnd.x+json; v=1","user-agent":"mine"}`)
	h.publish(document(1, "s", "Success"))
	if r := <-got; r.Header.Get("Content-Type") != "application/vnd.x+json; v=1" || r.Header.Get("User-Agent") != "mine" {
		t.Errorf("headers %v", r.Header)
	}
}

// gate is a receiver that holds every request until open is called, and answers it with the status then.
func gate(t *testing.T, status int) (url string, arrived <-chan http.Header, open func()) {
	t.Helper()
	wait, requests := make(chan struct{}), make(chan http.Header, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Header
		<-wait
		w.WriteHeader(status)
	}))
	open = sync.OnceFunc(func() { close(wait) })
	t.Cleanup(func() {
		open()
		s.Close()
	})
	return s.URL, requests, open
}

// A renewed token, and another endpoint, are used by the later attempts at what is queued.
func TestRenewedToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, quick(3))
	first, arrived, open := gate(t, 503)
	second, got := receiver(t)
	id := h.register(first, "s", `"authToken":"old"`).ID
	h.publish(document(1, "s", "Success"))
	before := <-arrived
	h.patch(id, fmt.Sprintf(`{"authToken":"new","endpoint":%q,"headers":{"X-New":"1"}}`, second))
	open()
	after := (<-got).Header
	if before.Get("Authorization") != "Bearer old" || after.Get("Authorization") != "Bearer new" || after.Get("X-New") != "1" {
		t.Errorf("before %v, after %v", before, after)
	}
	if before.Get("X-Hookline-Delivery") != after.Get("X-Hookline-Delivery") {
		t.Errorf("identifiers %v and %v", before, after)
	}
}

// What is queued for a webhook goes when it is switched off, or deleted, and is counted; nothing new comes; and nothing
// old when it is switched on again.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, int64){
		"off":     func(h *house, id int64) { h.patch(id, `{"isEnabled":false}`) },
		"deleted": func(h *house, id int64) { h.Want(h.do("DELETE", fmt.Sprint(hooks, "/", id), ""), 200, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := quick(0)
			o.Policy.Backoff = []time.Duration{time.Hour}
			h := newHouse(t, o)
			first, arrived, _ := gate(t, 503)
			id := h.register(first, "s").ID
			const queued = 30 // more than are in flight at a host
			for n := range queued {
				h.publish(document(n, "s", "Success"))
			}
			<-arrived
			end(h, id)
			if s := h.Engine.Queue().Stats(); s.Waiting != 0 || s.InHand != 0 || s.Purged != queued {
				t.Errorf("stats %+v", s)
			}
			if n := h.metric("hookline_deliveries_dropped_total"); n != queued {
				t.Errorf("%v are counted as dropped", n)
			}
			if r := h.publish(document(100, "s", "Success")); r.Matched != 0 {
				t.Errorf("%+v", r)
			}
			second, got := receiver(t)
			if name == "off" {
				h.patch(id, fmt.Sprintf(`{"isEnabled":true,"endpoint":%q}`, second))
			} else {
				h.register(second, "s")
			}
			h.publish(document(101, "s", "Success"))
			if r := <-got; !strings.Contains(r.Body, `"id": 101,`) {
				t.Errorf("the first to come is %s", r.Body)
			}
		})
	}
}

// By setting, what is queued for a webhook waits while it is switched off, whatever else of it changes, and goes
// where it leads when it is switched on.
func TestSwitchedOffAndKept(t *testing.T) {
	t.Parallel()
	o := quick(3)
	o.KeepQueued = true
	h := newHouse(t, o)
	first, arrived, open := gate(t, 503)
	second, got := receiver(t)
	id := h.register(first, "s").ID
	h.register(second, "neighbour")
	const queued = 30 // more than are in flight at a host
	for n := range queued {
		h.publish(document(n, "s", "Success"))
	}
	<-arrived
	h.patch(id, `{"isEnabled":false}`)
	open()
	for h.Engine.Queue().Stats().InHand > 0 {
		runtime.Gosched()
	}
	if r := h.publish(document(100, "s", "Success")); r.Matched != 0 {
		t.Errorf("%+v", r)
	}
	h.patch(id, fmt.Sprintf(`{"authToken":"new","endpoint":%q}`, second))
	h.publish(document(101, "neighbour", "Success"))
	if r := <-got; !strings.Contains(r.Body, `"id": 101,`) {
		t.Errorf("sent although the webhook is switched off: %s", r.Body)
	}
	if s := h.Engine.Queue().Stats(); s.Waiting < queued || s.Dead != 0 || s.Purged != 0 {
		t.Errorf("stats %+v", s)
	}
	h.patch(id, `{"isEnabled":true}`)
	seen := map[string]bool{}
	for range queued {
		r := <-got
		if r.Header.Get("Authorization") != "Bearer new" {
			t.Errorf("authorized by %s", r.Header.Get("Authorization"))
		}
		seen[r.Body] = true
	}
	if len(seen) != queued {
		t.Errorf("%d of %d arrived", len(seen), queued)
	}
	if !arcxp.New(o).Holds(&webhook.Webhook{Settings: &webhook.Settings{Disabled: true}}) || arcxp.New(quick(0)).Holds(&webhook.Webhook{Settings: &webhook.Settings{Disabled: true}}) {
		t.Error("what is held is not a matter of the setting")
	}
}

func (h *house) metric(name string) float64 {
	h.T.Helper()
	families, err := h.Metrics.Gather()
	if err != nil {
		h.T.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	h.T.Fatalf("there is no metric %s", name)
	return 0
}

// An answer that is neither taken nor worth another attempt ends a notification, as does the last attempt.
func TestDeliveryEnds(t *testing.T) {
	t.Parallel()
	for name, statuses := range map[string][]int{"refused": {404}, "redirected": {302}, "taken": {299}, "given up": {500, 500, 500}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, quick(2))
			url, got := receiver(t, statuses...)
			h.register(url, "s")
			h.publish(document(1, "s", "Success"))
			for range statuses {
				if r := <-got; !strings.Contains(r.Body, `"id": 1,`) {
					t.Errorf("the body is %s", r.Body)
				}
			}
			h.publish(document(2, "s", "Success"))
			if r := <-got; !strings.Contains(r.Body, `"id": 2,`) {
				t.Errorf("a notification that had ended was attempted again: %s", r.Body)
			}
		})
	}
}

func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	p := arcxp.Default()
	for attempt, want := range []time.Duration{10, 20, 40, 80, 160, 320, 640} {
		want *= time.Second
		least, ok := p.Wait(webhook.Failure{Attempt: attempt + 1}, 0)
		most, _ := p.Wait(webhook.Failure{Attempt: attempt + 1}, 1)
		if !ok || least != want || most < want || most > 15*time.Minute {
			t.Errorf("after attempt %d: %v to %v", attempt+1, least, most)
		}
	}
	if _, more := p.Wait(webhook.Failure{Attempt: 8}, 0); more {
		t.Error("there is a ninth attempt")
	}
	if p.Timeout != 10*time.Second {
		t.Errorf("timeout %v", p.Timeout)
	}
	for status := 100; status < 600; status++ {
		accepted, retried := status/100 == 2, status == 408 || status == 425 || status == 429 || status/100 == 5
		if p.Accepts(status) != accepted || p.Retries(status) != retried {
			t.Errorf("%d: accepted %v, retried %v", status, p.Accepts(status), p.Retries(status))
		}
	}
}

// An event that was read just before its webhook was switched off, or went, is not sent.
func TestRenderTooLate(t *testing.T) {
	t.Parallel()
	c := arcxp.New(arcxp.Options{})
	var req fasthttp.Request
	for _, w := range []*webhook.Webhook{nil, {Settings: &webhook.Settings{Disabled: true}}} {
		err := c.Render(&req, &flavor.Delivery{Webhook: w, Endpoint: &webhook.Endpoint{URL: "https://a.example/"}})
		if err == nil || errors.Unwrap(err) != nil {
			t.Errorf("webhook %+v: %v", w, err)
		}
	}
}
