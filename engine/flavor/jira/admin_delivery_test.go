package jira_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// hook registers an admin webhook for all issue events; members are added to its body.
func (h *house) hook(url, members string) *adminListed {
	h.T.Helper()
	return h.admin("POST", adminPath, fmt.Sprintf(`{"name":"n","url":%q,"events":["jira:issue_updated","comment_created"]%s}`, url, members), 201)
}

// Every attempt at a delivery carries Jira's headers, the bytes of the event and nothing else, and a signature that
// receivers accept; only the number of the retry changes.
func TestAdminDelivery(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true, Policy: quick(5)})
	receives, got := receiver(t, 503, 429)
	h.hook(receives+"/in//a%2Fb/./c/${issue.key}/../{issue.id}?x=%20y&z", `,"secret":"It's a Secret to Everybody"`)
	event := strings.Replace(oddEvent, `"a":{ }`, `"user":{"accountId":"557058:9116","x":[ ]}`, 1)
	h.publish(event, map[string]string{"X-Atlassian-Webhook-Flow": "secondary", "X-Atlassian-Webhook-Trace": "trace 1/~"})
	identifier, signature := "", ""
	for attempt := range 3 {
		r := <-got
		if r.Method != "POST" || r.Target != "/in//a%2Fb/./c/A-1/../10002?x=%20y&z&user_id=557058%3A9116&user_key=557058%3A9116" || r.Host != strings.TrimPrefix(receives, "http://") {
			t.Errorf("the request is %s %s at %s", r.Method, r.Target, r.Host)
		}
		if r.Body != event {
			t.Errorf("the body is %s\nwant %s", r.Body, event)
		}
		if identifier == "" {
			identifier, signature = r.Header.Get("X-Atlassian-Webhook-Identifier"), r.Header.Get("X-Hub-Signature")
		}
		want := http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Atlassian Webhook HTTP Client"},
			"Content-Length":                 {fmt.Sprint(len(event))},
			"X-Atlassian-Webhook-Identifier": {identifier}, "X-Atlassian-Webhook-Flow": {"Secondary"},
			"X-Atlassian-Webhook-Trace": {"trace 1/~"}, "X-Hub-Signature": {signature},
		}
		if attempt > 0 {
			want.Set("X-Atlassian-Webhook-Retry", fmt.Sprint(attempt))
		}
		if identifier == "" || !maps.EqualFunc(r.Header, want, slices.Equal) {
			t.Errorf("attempt %d: headers %v\nwant %v", attempt+1, r.Header, want)
		}
		h.signed(&r, "It's a Secret to Everybody")
	}
}

// signed fails the test unless the request is signed with the secret, and its signature is good for nothing else.
func (h *house) signed(r *received, secret string) {
	h.T.Helper()
	value := r.Header.Get("X-Hub-Signature")
	if err := sign.VerifyHub(value, []byte(r.Body), sign.NewSecret(secret)); err != nil {
		h.T.Errorf("X-Hub-Signature %q: %v", value, err)
	}
	if sign.VerifyHub(value, []byte(r.Body+" "), sign.NewSecret(secret)) == nil || sign.VerifyHub(value, []byte(r.Body), sign.NewSecret(secret+"x")) == nil {
		h.T.Error("the signature is good for anything")
	}
}

const simpleEvent = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`

// A PUT applies to the next request: another secret, none, another URL, no body.
func TestAdminChangeApplies(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	receives, got := receiver(t)
	w := h.hook(receives+"/a", `,"secret":"one"`)
	next := func() *received {
		t.Helper()
		h.publish(simpleEvent, nil)
		r := <-got
		return &r
	}
	h.signed(next(), "one")
	h.admin("PUT", w.path(), `{"secret":"two"}`, 200)
	h.signed(next(), "two")
	h.admin("PUT", w.path(), fmt.Sprintf(`{"name":"m","url":%q}`, receives+"/b?{issue.key}"), 200)
	r := next()
	if h.signed(r, "two"); r.Target != "/b?A-1" {
		t.Errorf("the request goes to %s", r.Target)
	}
	h.admin("PUT", w.path(), `{"excludeBody":true}`, 200)
	if r = next(); r.Body != "" || r.Header.Get("Content-Length") != "0" || r.Target != "/b?A-1" {
		t.Errorf("with excludeBody the request is %+v", r)
	}
	h.signed(r, "two")
	h.admin("PUT", w.path(), `{"secret":"It's a Secret to Everybody"}`, 200)
	const ofNothing = "sha256=66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40" // by openssl dgst
	if got := next().Header.Get("X-Hub-Signature"); got != ofNothing {
		t.Errorf("with excludeBody the signature is %s", got)
	}
	h.admin("PUT", w.path(), `{"secret":null}`, 200)
	if r = next(); r.Header["X-Hub-Signature"] != nil {
		t.Errorf("X-Hub-Signature is %q without a secret", r.Header["X-Hub-Signature"])
	}
	h.admin("PUT", w.path(), `{"enabled":false}`, 200)
	h.matched(simpleEvent, 0)
	h.admin("PUT", w.path(), `{"enabled":true,"events":[]}`, 200)
	h.matched(simpleEvent, 0)
	h.admin("PUT", w.path(), `{"events":["jira:issue_updated"],"jqlFilter":"project = B"}`, 200)
	h.matched(simpleEvent, 0)
	h.admin("PUT", w.path(), `{"jqlFilter":"project = A"}`, 200)
	next()
}

// matched publishes an event and fails the test unless it is for that many webhooks.
func (h *house) matched(event string, want int) {
	h.T.Helper()
	a := h.do("POST", "/t/acme/v1/events", tokenAcme, event)
	if a.Status != 202 || !strings.Contains(a.Body, fmt.Sprintf(`"matched":%d,"deliveries":%d`, want, want)) {
		h.T.Errorf("the event is answered %d %s; want %d webhooks", a.Status, a.Body, want)
	}
}

// Equal webhooks get a request each, and a dynamic one with the same URL its own, with its number.
func TestAdminSeparate(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	receives, got := receiver(t)
	h.hook(receives, ``)
	h.hook(receives, `,"secret":"s"`)
	h.register(tokenCI, receives, "project = A", "project = A")
	h.publish(simpleEvent, nil)
	var bodies []string
	identifiers := map[string]bool{}
	signatures := 0
	for range 3 {
		r := <-got
		bodies = append(bodies, r.Body)
		identifiers[r.Header.Get("X-Atlassian-Webhook-Identifier")] = true
		signatures += len(r.Header["X-Hub-Signature"])
	}
	slices.Sort(bodies)
	if want := []string{strings.TrimSuffix(simpleEvent, "}") + `,"matchedWebhookIds":[1002,1003]}`, simpleEvent, simpleEvent}; !slices.Equal(bodies, want) {
		t.Errorf("bodies %q", bodies)
	}
	if len(identifiers) != 3 || signatures != 1 {
		t.Errorf("identifiers %v, %d signatures", identifiers, signatures)
	}
}

// The filter is consulted for events that have to do with an issue, and for no others.
func TestAdminFilters(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	h.admin("POST", adminPath, `{"name":"n","url":"http://127.0.0.1:1/","jqlFilter":"project = A AND labels = x",
		"events":["comment_created","jira:worklog_updated","sprint_started","user_created","option_voting_changed"]}`, 201)
	const issue = `"issue":{"fields":{"project":{"key":%q},"labels":["x"]}}`
	for event, want := range map[string]int{
		`{"webhookEvent":"comment_created",` + fmt.Sprintf(issue, "A") + `}`: 1,
		`{"webhookEvent":"comment_created",` + fmt.Sprintf(issue, "B") + `}`: 0,
		`{"webhookEvent":"comment_deleted",` + fmt.Sprintf(issue, "A") + `}`: 0,
		`{"webhookEvent":"worklog_created",` + fmt.Sprintf(issue, "A") + `}`: 1,
		`{"webhookEvent":"worklog_deleted",` + fmt.Sprintf(issue, "B") + `}`: 0,
		`{"webhookEvent":"sprint_started","sprint":{"id":1}}`:                1,
		`{"webhookEvent":"user_created"}`:                                    1,
		`{"webhookEvent":"option_voting_changed"}`:                           1,
		`{"webhookEvent":"option_watching_changed"}`:                         0,
	} {
		h.matched(event, want)
	}
}

// What waits for a webhook goes with it.
func TestAdminDeleteDrops(t *testing.T) {
	t.Parallel()
	slow := jira.Seed()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true, Policy: slow})
	receives, got := receiver(t, 503)
	w := h.hook(receives, ``)
	h.publish(simpleEvent, nil)
	<-got
	h.Want(h.do("DELETE", w.path(), tokenAcme, ""), 204, "")
	if waiting := h.Engine.Queue().Stats().Waiting; waiting != 0 {
		t.Errorf("%d deliveries wait for a webhook that was deleted", waiting)
	}
	h.matched(simpleEvent, 0)
}

// 404 is the receiver's last word; 503 is tried again five times.
func TestAdminDeliveryEnds(t *testing.T) {
	t.Parallel()
	for name, statuses := range map[string][]int{"refused": {404}, "given up": slices.Repeat([]int{503}, 6)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true, Policy: quick(5)})
			receives, got := receiver(t, statuses...)
			h.hook(receives, ``)
			h.publish(simpleEvent, nil)
			for attempt := range statuses {
				if r := <-got; r.Header.Get("X-Atlassian-Webhook-Retry") != strings.TrimPrefix(fmt.Sprint(attempt), "0") {
					t.Errorf("attempt %d: headers %v", attempt+1, r.Header)
				}
			}
			h.publish(strings.Replace(simpleEvent, "1", "2", 1), nil)
			if r := <-got; !strings.Contains(r.Body, `"timestamp":2,`) {
				t.Errorf("a delivery that had ended was attempted again: %s", r.Body)
			}
		})
	}
}

// Whatever an event says, its request goes to the host that was registered.
func TestAdminURLStaysWithItsHost(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	receives, got := receiver(t)
	h.hook(receives+"/{issue.key}", ``)
	key := `@evil.example/\r\nHost: evil.example\r\n\r\n?#`
	h.publish(`{"webhookEvent":"jira:issue_updated","issue":{"key":"`+key+`"}}`, nil)
	r := <-got
	if path, err := url.PathUnescape(r.Target); err != nil || r.Host != strings.TrimPrefix(receives, "http://") || path != "/"+strings.ReplaceAll(key, `\r\n`, "\r\n") {
		t.Errorf("the request is for %q at %s", r.Target, r.Host)
	}
}

// Render uses a request again that held another one before, as the dispatcher does, and leaves the event alone.
func TestAdminRenderReuse(t *testing.T) {
	t.Parallel()
	a := jira.NewAdmin(jira.AdminOptions{})
	var req fasthttp.Request
	body := []byte(simpleEvent)
	for _, exclude := range []bool{false, true, false} {
		req.Reset()
		err := a.Render(&req, &flavor.Delivery{
			Identifier: "id", Attempt: 1, Endpoint: &webhook.Endpoint{URL: "https://h.example/in"}, Webhooks: []int64{7}, Body: body,
			Webhook: &webhook.Webhook{Settings: &webhook.Settings{ExcludeBody: exclude}},
		})
		want := simpleEvent
		if exclude {
			want = ""
		}
		if err != nil || string(req.Body()) != want || string(body) != simpleEvent {
			t.Fatalf("body %s, %v; the event's is %s", req.Body(), err, body)
		}
	}
	if err := a.Render(&req, &flavor.Delivery{Attempt: 1, Endpoint: &webhook.Endpoint{URL: "https://h.example/in"}, Body: body}); err == nil {
		t.Error("a request is made for a webhook that is gone")
	}
}

// BenchmarkAdminRender measures what an attempt costs beside its sending.
func BenchmarkAdminRender(b *testing.B) {
	keys, err := sign.NewKeyring(sign.NewSecret(strings.Repeat("0123456789abcdef", 4)))
	if err != nil {
		b.Fatal(err)
	}
	owner := webhook.Owner{Tenant: "acme"}
	sealed, err := keys.Seal(sign.NewSecret("secret"), owner.SecretRecord())
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"timestamp":1606480436302,"webhookEvent":"jira:issue_updated","user":{"accountId":"5b10a2844c20165700ede21g"},"issue":{"id":"10002","key":"EX-1","fields":{"project":{"id":"1","key":"EX"},"description":"` + strings.Repeat("word ", 1000) + `"}}}`)
	for name, tt := range map[string]struct{ url, secret string }{
		"plain": {"https://h.example/in", ""}, "signed": {"https://h.example/in", sealed}, "variables": {"https://h.example/${issue.key}?p={project.id}", ""},
	} {
		b.Run(name, func(b *testing.B) {
			a := jira.NewAdmin(jira.AdminOptions{})
			del := &flavor.Delivery{
				Identifier: "id", Attempt: 1, Endpoint: &webhook.Endpoint{URL: tt.url, Owner: owner}, Webhooks: []int64{7}, Body: body, Keys: keys,
				Webhook: &webhook.Webhook{Settings: &webhook.Settings{Secret: tt.secret}},
			}
			var req fasthttp.Request
			b.ReportAllocs()
			for b.Loop() {
				req.Reset()
				if err := a.Render(&req, del); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
