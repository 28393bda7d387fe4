package jira_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

const descriptorPath = "/v1/tenants/acme/apps/signer/descriptor"

// newDescriptorHouse opens a house with all of Jira's flavours, and an app signer in both tenants.
func newDescriptorHouse(t testing.TB, o jira.DescriptorOptions) *house {
	t.Helper()
	h := openHouse(t, jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true}), jira.NewAdmin(jira.AdminOptions{}), jira.NewDescriptor(o))
	h.signers()
	return h
}

// descriptor writes one of app signer; each webhook is the text of an element.
func descriptor(base string, webhooks ...string) string {
	return fmt.Sprintf(`{"key":"signer","baseUrl":%q,"modules":{"webhooks":[%s]}}`, base, strings.Join(webhooks, ","))
}

type installed struct {
	App      string `json:"app"`
	BaseURL  string `json:"baseURL"`
	Webhooks []struct {
		ID           int64    `json:"id"`
		Flavor       string   `json:"flavor"`
		URL          string   `json:"url"`
		Events       []string `json:"events"`
		Filter       string   `json:"filter"`
		PropertyKeys []string `json:"propertyKeys"`
		ExcludeBody  bool     `json:"excludeBody"`
		Name         string   `json:"name"`
	} `json:"webhooks"`
	Descriptor json.RawMessage `json:"descriptor"`
}

// install puts a descriptor and returns the numbers of its webhooks by their URLs' last letters.
func (h *house) install(text string, status int) map[string]int64 {
	h.T.Helper()
	var got installed
	h.Decode(h.do("PUT", descriptorPath, tokenAdmin, text), status, &got)
	ids := map[string]int64{}
	for _, w := range got.Webhooks {
		ids[w.URL[strings.LastIndex(w.URL, "/")+1:]] = w.ID
	}
	if again := h.do("GET", descriptorPath, tokenAdmin, ""); !strings.Contains(again.Body, fmt.Sprintf(`"app":"signer","baseURL":%q`, got.BaseURL)) {
		h.T.Errorf("GET answers %s", again.Body)
	}
	return ids
}

// TestDescriptorConversations plays the files of testdata/descriptor, whose paths are whole.
func TestDescriptorConversations(t *testing.T) {
	t.Parallel()
	flavortest.Conversations(t, "testdata/descriptor/*.txt", func(t *testing.T, _ string, exchanges []flavortest.Exchange) {
		h := newDescriptorHouse(t, jira.DescriptorOptions{})
		for _, x := range exchanges {
			token := map[string]string{"": tokenAdmin, "publisher": tokenAcme, "nobody": ""}[x.By]
			if a := h.do(x.Method, x.Path, token, x.Body); a.Status != x.Status || a.Body != x.Answer {
				t.Errorf("%s %s: the answer is %d %s\nwant %d %s", x.Method, x.Path, a.Status, a.Body, x.Status, x.Answer)
			}
		}
	})
}

// Every attempt is signed anew for the URL as it is sent, which has its variables replaced and the user at its end; the
// app's base path does not count.
func TestDescriptorDelivery(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/", "/app", "/a%2Fb/"} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			h := newDescriptorHouse(t, jira.DescriptorOptions{PlainHTTP: true, Policy: quick(5)})
			receives, got := receiver(t, 503, 429)
			h.install(descriptor(receives+base,
				`{"event":"jira:issue_updated","url":"/in&out/${issue.key}/{issue.id}?x=%20y&z","filter":"project = A"}`), 201)
			event := strings.Replace(oddEvent, `"a":{ }`, `"user":{"accountId":"557058:9116","x":[ ]}`, 1)
			h.publish(event, map[string]string{"X-Atlassian-Webhook-Flow": "secondary", "X-Atlassian-Webhook-Trace": "trace 1/~"})
			identifier := ""
			for attempt := range 3 {
				r := <-got
				prefix := strings.TrimSuffix(base, "/")
				if want := prefix + "/in&out/A-1/10002?x=%20y&z&user_id=557058%3A9116&user_key=557058%3A9116"; r.Target != want || r.Body != event {
					t.Errorf("the request is %s with %s", r.Target, r.Body)
				}
				if c := verify(t, r, prefix, "another secret of the app", secretSigner); c.Issuer != "acme" {
					t.Errorf("claims %+v", c)
				}
				if identifier == "" {
					identifier = r.Header.Get("X-Atlassian-Webhook-Identifier")
				}
				want := http.Header{
					"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Atlassian Webhook HTTP Client"},
					"Content-Length":                 {fmt.Sprint(len(event))},
					"X-Atlassian-Webhook-Identifier": {identifier}, "X-Atlassian-Webhook-Flow": {"Secondary"},
					"X-Atlassian-Webhook-Trace": {"trace 1/~"}, "Authorization": {r.Header.Get("Authorization")},
				}
				if attempt > 0 {
					want.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(attempt))
				}
				if identifier == "" || !maps.EqualFunc(r.Header, want, slices.Equal) {
					t.Errorf("attempt %d: headers %v\nwant %v", attempt+1, r.Header, want)
				}
			}
		})
	}
}

// Each webhook of a descriptor has its request: without a body where that is excluded, and by Jira's rules about which
// filter counts for which event.
func TestDescriptorRules(t *testing.T) {
	t.Parallel()
	h := newDescriptorHouse(t, jira.DescriptorOptions{PlainHTTP: true})
	receives, got := receiver(t)
	h.install(descriptor(receives,
		`{"event":"jira:issue_updated","url":"/updated","filter":"project = A AND NOT summary ~ \"x\""}`,
		`{"event":"jira:issue_updated","url":"/updated","filter":"project = A AND NOT summary ~ \"x\""}`,
		`{"event":"jira:issue_updated","url":"/silent","excludeBody":true}`,
		`{"event":"issue_property_set","url":"/property","propertyKeys":["k","l"]}`,
		`{"event":"sprint_started","url":"/sprint/${sprint.id}","jqlFilter":"project = NOPE"}`,
		`{"event":"jira:version_merged","url":"/merged"}`,
		`{"event":"user_created","url":"/user?${modifiedUser.accountId}"}`,
		`{"event":"worklog_created","url":"/worklog","filter":"project = A"}`,
	), 201)
	issue := `"timestamp":1,"issue":{"key":"A-1","fields":{"summary":"y","project":{"key":"%s"}}}}`
	a, b := fmt.Sprintf(issue, "A"), fmt.Sprintf(issue, "B")
	for _, x := range []struct {
		event string
		want  []string
	}{
		{`{"webhookEvent":"jira:issue_updated",` + a, []string{"/silent", "/updated", "/updated"}},
		{`{"webhookEvent":"jira:issue_updated",` + b, []string{"/silent"}},
		{`{"webhookEvent":"issue_property_set","property":{"key":"l"},` + b, []string{"/property"}},
		{`{"webhookEvent":"issue_property_set","property":{"key":"m"},` + b, nil},
		{`{"webhookEvent":"sprint_started","sprint":{"id":7},"timestamp":1}`, []string{"/sprint/7"}},
		{`{"webhookEvent":"jira:version_deleted","mergedTo":{},"timestamp":1}`, []string{"/merged"}},
		{`{"webhookEvent":"jira:version_deleted","timestamp":1}`, nil},
		{`{"webhookEvent":"user_created","user":{"accountId":"u/1"},"timestamp":1}`, []string{"/user?u%2F1"}},
		{`{"webhookEvent":"worklog_created",` + a, []string{"/worklog"}},
		{`{"webhookEvent":"worklog_created","timestamp":1}`, nil},
	} {
		h.matched(x.event, len(x.want))
		var targets []string
		for range x.want {
			r := <-got
			targets = append(targets, r.Target)
			if want := x.event; r.Target == "/silent" && r.Body != "" || r.Target != "/silent" && r.Body != want {
				t.Errorf("%s gets %s", r.Target, r.Body)
			}
			verify(t, r, "", secretSigner)
		}
		if slices.Sort(targets); !slices.Equal(targets, x.want) {
			t.Errorf("%s goes to %v, want %v", x.event, targets, x.want)
		}
	}
}

// An update keeps the numbers of what did not change, and what is queued for that; what is gone is not sent any more.
func TestDescriptorUpdate(t *testing.T) {
	t.Parallel()
	p := quick(1)
	p.Backoff[0] = 1 << 40 // some twenty minutes: what fails stays in the queue
	h := newDescriptorHouse(t, jira.DescriptorOptions{PlainHTTP: true, Policy: p})
	receives, got := receiver(t, 503, 503, 503)
	hook := func(path, filter string) string {
		return fmt.Sprintf(`{"event":"jira:issue_updated","url":"/%s","filter":%q}`, path, filter)
	}
	first := h.install(descriptor(receives, hook("a", "project = A"), hook("b", "project = A"), hook("c", "project = A")), 201)
	h.matched(simpleEvent, 3)
	for range 3 {
		<-got
	}
	h.waiting(3)
	second := h.install(descriptor(receives, hook("d", ""), hook("b", "project in (A, B)"), hook("a", "project = A")), 200)
	if second["a"] != first["a"] || second["b"] != first["b"] || second["d"] <= first["c"] || len(second) != 3 {
		t.Errorf("numbers %v after %v", second, first)
	}
	h.waiting(2)
	h.matched(simpleEvent, 3)
	for range 3 {
		<-got
	}
	h.Want(h.do("DELETE", descriptorPath, tokenAdmin, ""), 204, "")
	h.waiting(0)
	h.matched(simpleEvent, 0)
	h.Want(h.do("GET", descriptorPath, tokenAdmin, ""), 404, `{"error":{"code":"no_descriptor","message":"App signer of tenant acme is not installed with a descriptor."}}`)
	h.Want(h.do("DELETE", descriptorPath, tokenAdmin, ""), 404, "")
	h.Want(h.do("GET", "/v1/tenants/acme/apps/signer", tokenAdmin, ""), 200, "")
	if third := h.install(descriptor(receives, hook("a", "project = A")), 201); third["a"] <= second["d"] {
		t.Errorf("a number is used again: %v after %v", third, second)
	}
}

// waiting waits until that many deliveries are in the queue.
func (h *house) waiting(want int) {
	h.T.Helper()
	for h.Engine.Queue().Stats().Waiting != int64(want) {
		if err := h.Engine.Queue().Flush(h.T.Context()); err != nil {
			h.T.Fatal(err)
		}
	}
}

// The base URL of a descriptor is that of the app in all respects: dynamic webhooks have to be below it.
func TestDescriptorBase(t *testing.T) {
	t.Parallel()
	h := newDescriptorHouse(t, jira.DescriptorOptions{})
	h.PutApp(webhook.App{Tenant: "acme", Key: "signer", BaseURL: "https://old.example", Tokens: []webhook.AppToken{{Hash: webhook.HashToken("token of app signer in acme")}}}, secretSigner)
	dynamic := func(url string, status int) {
		t.Helper()
		h.Want(h.do("POST", v3, "token of app signer in acme", registration(url, "project = A")), status, "")
	}
	dynamic("https://old.example/in", 200)
	h.Want(h.do("DELETE", v3, "token of app signer in acme", `{"webhookIds":[1000]}`), 202, "")
	h.install(descriptor("https://new.example/base"), 201)
	dynamic("https://old.example/in", 400)
	dynamic("https://new.example/other", 400)
	dynamic("https://new.example/base/in", 200)
	h.Want(h.do("DELETE", descriptorPath, tokenAdmin, ""), 204, "")
	h.Want(h.do("GET", v3, "token of app signer in acme", ""), 200, "")
	if l := h.list("token of app signer in acme", ""); l.Total != 1 {
		t.Errorf("dynamic webhooks went with the descriptor: %+v", l)
	}
}

// An app may do without a signature if its descriptor says so; otherwise nothing is sent without one.
func TestDescriptorUnsigned(t *testing.T) {
	t.Parallel()
	h := newDescriptorHouse(t, jira.DescriptorOptions{PlainHTTP: true})
	receives, got := receiver(t)
	hook := `{"event":"jira:issue_updated","url":"/in"}`
	bare := webhook.App{Tenant: "acme", Key: "signer"}
	h.PutApp(bare)
	h.Want(h.do("PUT", descriptorPath, tokenAdmin, descriptor(receives, hook)), 400, "")
	none := strings.Replace(descriptor(receives, hook), `{"key"`, `{"authentication":{"type":"none"},"key"`, 1)
	h.install(none, 201)
	h.publish(simpleEvent, nil)
	if r := <-got; r.Header["Authorization"] != nil {
		t.Errorf("Authorization is %q", r.Header["Authorization"])
	}
	h.PutApp(bare, secretSigner)
	h.publish(simpleEvent, nil)
	if r := <-got; r.Header["Authorization"] != nil {
		t.Errorf("Authorization is %q", r.Header["Authorization"])
	}
	h.install(descriptor(receives, hook), 200)
	h.publish(simpleEvent, nil)
	r := <-got
	verify(t, r, "", secretSigner)
	h.PutApp(bare)
	h.publish(simpleEvent, nil)
	for h.Engine.Queue().Stats().Dead == 0 {
		if err := h.Engine.Queue().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDescriptorRefusals(t *testing.T) {
	t.Parallel()
	h := newDescriptorHouse(t, jira.DescriptorOptions{Limit: 3})
	good := `{"event":"jira:issue_updated","url":"/in"}`
	h.install(descriptor("https://h.example/b", good), 201)
	before := h.do("GET", descriptorPath, tokenAdmin, "")
	for text, want := range map[string]string{
		``: `the descriptor is not a JSON object`, `[`: `the descriptor is not a JSON object`, `null`: `not a JSON object`, `{"key":"signer","key":"signer"}`: `a name is there twice`,
		`{}`: `"problems":["key: it is missing or empty","baseUrl: it is missing or empty"]`,
		strings.Replace(descriptor("https://h.example", good), `"signer"`, `"other"`, 1): `"problems":["key: the descriptor is not that of app signer"]`,
		descriptor("http://h.example", good):                                             `modules.webhooks[0]: the URL is not https`,
		descriptor("https://h.example", good, good, good, good):                          `"problems":["modules.webhooks[3]: the limit of 3 webhooks is reached`,
		descriptor("https://h.example/b", `{"event":"x","url":"/../up"}`, good, `{"event":"jira:issue_updated","url":"/a b","filter":"project = "}`, `{"url":1}`): `"problems":[` +
			`"modules.webhooks[3].event: it is missing or empty","modules.webhooks[3].url: it has to be a string",` +
			`"modules.webhooks[0]: the event \"x\" is not supported","modules.webhooks[0]: the URL is not under the app's base URL https://h.example/b",` +
			`"modules.webhooks[2]: Error in the JQL Query:`,
		descriptor("https://h.example", `{"event":"issue_property_set","url":"/","propertyKeys":["`+strings.Repeat("k", 256)+`"]}`): `propertyKeys may have at most 100 entries of at most 255 bytes`,
		descriptor("https://h.example", `{"event":"jira:issue_updated","url":"/`+strings.Repeat("p", 2048)+`"}`):                    `the URL has 2066 bytes; at most 2048 are allowed`,
		descriptor("https://h.example", `{"event":"jira:issue_updated","url":"https://evil.example/"}`):                             `is not relative to baseUrl`,
		`{"key":"signer","baseUrl":"https://h.example","x":"` + strings.Repeat("x", 512<<10) + `"}`:                                 `the descriptor has 524341 bytes; at most 524288 are read`,
	} {
		a := h.do("PUT", descriptorPath, tokenAdmin, text)
		if a.Status != 400 || !strings.HasPrefix(a.Body, `{"error":{"code":"invalid","message":"`) || !strings.Contains(a.Body, want) {
			t.Errorf("%.300s: %d %.900s\nwant %s", text, a.Status, a.Body, want)
		}
	}
	if after := h.do("GET", descriptorPath, tokenAdmin, ""); after.Body != before.Body {
		t.Errorf("refusals changed %s to %s", before.Body, after.Body)
	}
	for path, status := range map[string]int{
		"/v1/tenants/nobody/apps/signer/descriptor": 404, "/v1/tenants/acme/apps/nobody/descriptor": 404, "/v1/tenants/acme/apps/mobile/descriptor": 400,
	} {
		h.Want(h.do("PUT", path, tokenAdmin, descriptor("https://h.example", good)), status, "")
	}
	h.Want(h.do("PUT", "/v1/tenants/acme/apps/signer", tokenAdmin, `{"kind":"oauth"}`), 400, "")
	h.Want(h.do("PATCH", descriptorPath, tokenAdmin, "{}"), 405, "")
}

// A descriptor is installed by the operator, in one tenant, and has nothing to do with another's.
func TestDescriptorTenants(t *testing.T) {
	t.Parallel()
	h := newDescriptorHouse(t, jira.DescriptorOptions{})
	text := descriptor("https://h.example", `{"event":"jira:issue_updated","url":"/in"}`)
	h.install(text, 201)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		for _, token := range []string{"", tokenAcme, tokenRival, tokenCI, tokenRivalCI, "nobody's"} {
			h.Want(h.do(method, descriptorPath, token, text), 401, "")
		}
		h.Want(h.do(method, "/t/acme"+descriptorPath, tokenAdmin, text), 404, "")
	}
	h.Want(h.do("GET", "/v1/tenants/rival/apps/signer/descriptor", tokenAdmin, ""), 404, "")
	h.Want(h.do("DELETE", "/v1/tenants/rival/apps/signer/descriptor", tokenAdmin, ""), 404, "")
	a := h.do("POST", "/t/rival/v1/events", tokenRival, simpleEvent)
	if !strings.Contains(a.Body, `"matched":0`) {
		t.Errorf("an event of rival is answered %s", a.Body)
	}
	// The APIs of the other kinds do not reach them.
	h.Want(h.do("GET", adminPath, tokenAcme, ""), 200, "[]")
	h.Want(h.do("DELETE", adminPath+"/1000", tokenAcme, ""), 404, "")
	path := "/t/acme/rest/api/3/webhook"
	h.Want(h.call("DELETE", path, signed("DELETE", path), `{"webhookIds":[1000]}`, ""), 202, "")
	h.matched(simpleEvent, 1)
	// With the app everything goes.
	h.Want(h.do("DELETE", "/v1/tenants/acme/apps/signer", tokenAdmin, ""), 204, "")
	h.matched(simpleEvent, 0)
}
