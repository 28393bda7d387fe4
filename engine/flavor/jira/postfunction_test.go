package jira_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
)

const postFunctions = "/v1/tenants/acme/postfunctions"

// resolved is an event with its transition, and as its listeners get it.
const (
	resolved = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}},` +
		`"transition":{"workflowId":10001,"workflowName":"Software","transitionId":5,"transitionName":"Resolve","from_status":"Open","to_status":"Done"}}`
	unresolved = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`
)

// attach declares post-functions, each "workflow/transition/webhook".
func (h *house) attach(list ...string) {
	h.T.Helper()
	var items []string
	for _, text := range list {
		p := strings.Split(text, "/")
		items = append(items, fmt.Sprintf(`{"workflow":%q,"transition":%q,"webhook":%s}`, p[0], p[1], p[2]))
	}
	body := `{"items":[` + strings.Join(items, ",") + `]}`
	h.Want(h.do("PUT", postFunctions, tokenAdmin, body), 200, body)
	h.Want(h.do("GET", postFunctions, tokenAdmin, ""), 200, body)
}

// silent makes an admin webhook that listens to nothing, and returns its number.
func (h *house) silent(url, members string) string {
	h.T.Helper()
	w := h.admin("POST", adminPath, fmt.Sprintf(`{"name":"n","url":%q%s}`, url, members), 201)
	return w.Self[strings.LastIndex(w.Self, "/")+1:]
}

// publishes sends an event and wants the counts in its receipt.
func (h *house) publishes(event string, matched, deliveries int) {
	h.T.Helper()
	a := h.do("POST", "/t/acme/v1/events", tokenAcme, event)
	if a.Status != 202 || !strings.Contains(a.Body, fmt.Sprintf(`"matched":%d,"deliveries":%d`, matched, deliveries)) {
		h.T.Errorf("the event is answered %d %s; want %d webhooks and %d deliveries", a.Status, a.Body, matched, deliveries)
	}
}

// A transition fires the webhooks that its post-functions name, whatever they listen to and filter.
func TestPostFunction(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true, Policy: quick(5)})
	receives, got := receiver(t, 503)
	id := h.silent(receives+"/in/${issue.key}", `,"secret":"s","jqlFilter":"project = Z"`)
	h.attach("Software/Resolve/"+id, "10001/5/"+id, "Software/Close/"+id, "Other/Resolve/"+id)
	h.publishes(resolved, 0, 1)
	first := ""
	for range 2 {
		r := <-got
		if h.signed(&r, "s"); r.Body != resolved || r.Target != "/in/A-1" {
			t.Errorf("the request is %s %s", r.Target, r.Body)
		}
		if first == "" {
			first = r.Header.Get("X-Atlassian-Webhook-Identifier")
		}
		if r.Header.Get("X-Atlassian-Webhook-Identifier") != first {
			t.Error("another identifier on the second attempt")
		}
	}
}

// TestPostFunctionNone: nothing is fired for another transition, an event of another type, and a webhook that is off.
func TestPostFunctionNone(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	id := h.silent("https://hooks.example/", "")
	h.attach("Software/Resolve/" + id)
	for _, event := range []string{
		unresolved,
		strings.Replace(resolved, "jira:issue_updated", "jira:issue_created", 1), // the Create transition
		strings.Replace(resolved, "jira:issue_updated", "jira:issue_deleted", 1),
		strings.Replace(resolved, "jira:issue_updated", "comment_created", 1),
		strings.Replace(resolved, `"Resolve"`, `"resolve"`, 1),
		strings.Replace(resolved, `"Software"`, `"Other"`, 1),
		strings.Replace(resolved, `"transition":{`, `"transition":[],"x":{`, 1),
	} {
		h.publishes(event, 0, 0)
	}
	h.admin("PUT", adminPath+"/"+id, `{"enabled":false}`, 200)
	h.publishes(resolved, 0, 0)
	h.admin("PUT", adminPath+"/"+id, `{"enabled":true}`, 200)
	h.publishes(resolved, 0, 1)
	h.attach()
	h.publishes(resolved, 0, 0)
}

// A webhook that listens to the event is sent two requests: for the event, and for the transition.
func TestPostFunctionTwice(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	receives, got := receiver(t)
	w := h.hook(receives, "")
	id := w.path()[len(adminPath)+1:]
	h.attach("Software/5/" + id)
	h.register(tokenCI, receives, "project = A")
	for range 2 {
		var bodies []string
		identifiers := map[string]bool{}
		h.publishes(resolved, 2, 3)
		for range 3 {
			r := <-got
			bodies = append(bodies, r.Body)
			identifiers[r.Header.Get("X-Atlassian-Webhook-Identifier")] = true
		}
		slices.Sort(bodies)
		matched := strings.TrimSuffix(unresolved, "}") + `,"matchedWebhookIds":[1001]}`
		want := []string{matched, resolved, unresolved}
		slices.Sort(want)
		if !slices.Equal(bodies, want) || len(identifiers) != 3 {
			t.Errorf("bodies %q, identifiers %v", bodies, identifiers)
		}
	}
	h.admin("PUT", w.path(), `{"excludeBody":true}`, 200)
	h.publishes(resolved, 2, 3)
	for range 3 {
		if r := <-got; r.Body != "" && !strings.Contains(r.Body, "matchedWebhookIds") {
			t.Errorf("with excludeBody the body is %s", r.Body)
		}
	}
}

// keyed publishes with an idempotency key.
func (h *house) keyed(key, contentType, body string) answer {
	h.T.Helper()
	return h.Send(flavortest.Request{Method: "POST", Path: "/t/acme/v1/events", Token: tokenAcme, Body: body, Header: map[string]string{
		"Idempotency-Key": key, "Content-Type": contentType,
	}})
}

// An event that is repeated with its key fires nothing again, not even what was attached in the meantime.
func TestPostFunctionRepeated(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{PlainHTTP: true})
	receives, got := receiver(t)
	id := h.silent(receives, "")
	first := h.keyed("early", "application/json", resolved)
	h.attach("Software/Resolve/" + id)
	if again := h.keyed("early", "application/json", resolved); again.Body != strings.Replace(first.Body, "}", `,"repeated":true}`, 1) {
		t.Errorf("answered %s and then %s", first.Body, again.Body)
	}
	first = h.keyed("k", "application/json", resolved)
	if !strings.Contains(first.Body, `"matched":0,"deliveries":1`) {
		t.Errorf("answered %s", first.Body)
	}
	if again := h.keyed("k", "application/json", resolved); again.Body != strings.Replace(first.Body, "}", `,"repeated":true}`, 1) {
		t.Errorf("answered %s and then %s", first.Body, again.Body)
	}
	<-got
	// In a batch a key that was used for another body spoils neither the others nor their transitions.
	h.keyed("b", "application/x-ndjson", unresolved)
	a := h.keyed("b", "application/x-ndjson", resolved+"\n"+unresolved+"\n"+resolved)
	lines := strings.Split(a.Body, "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "idempotency_key_reused") || !strings.Contains(lines[1], `"deliveries":0`) || !strings.Contains(lines[2], `"deliveries":1`) {
		t.Errorf("answered %d %s", a.Status, a.Body)
	}
	<-got
	h.publish(strings.Replace(resolved, `"timestamp":1`, `"timestamp":2`, 1), nil)
	if r := <-got; !strings.Contains(r.Body, `"timestamp":2`) {
		t.Errorf("a repeated event fired again: %s", r.Body)
	}
}

// A webhook that a post-function uses cannot be deleted.
func TestPostFunctionKeepsWebhook(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	used, free := h.silent("https://hooks.example/", ""), h.silent("https://hooks.example/", "")
	h.attach("Software/Resolve/" + used)
	h.Want(h.do("DELETE", adminPath+"/"+used, tokenAcme, ""), 409,
		both(`The webhook cannot be deleted: a post-function of the transition "Resolve" of the workflow "Software" uses it. Remove the post-function first.`))
	h.Want(h.do("GET", adminPath+"/"+used, tokenAcme, ""), 200, "")
	h.Want(h.do("DELETE", adminPath+"/"+free, tokenAcme, ""), 204, "")
	h.Want(h.do("PUT", "/v1/tenants/acme", tokenAdmin, `{"hosts":[]}`), 200, "") // keeps them
	h.Want(h.do("DELETE", adminPath+"/"+used, tokenAcme, ""), 409, "")
	h.attach()
	h.Want(h.do("DELETE", adminPath+"/"+used, tokenAcme, ""), 204, "")
}

func TestPostFunctionRefusals(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	id := h.silent("https://hooks.example/", "")
	dynamic, _ := h.register(tokenCI, "https://hooks.example/", "project = A")
	rival := h.do("POST", "/t/rival/rest/webhooks/1.0/webhook", tokenRival, `{"name":"n","url":"https://hooks.example/"}`)
	h.Want(rival, 201, "")
	h.attach("Software/Resolve/" + id)
	one := `{"workflow":"w","transition":"t","webhook":` + id + `}`
	for body, want := range map[string]string{
		``: `invalid_json`, `[]`: `invalid_json`, `{"items":{}}`: `invalid_json`, `{"items":[1]}`: `invalid_json`, `{"items":[]} x`: `invalid_json`,
		`{"items":[{"workflow":1}]}`: `invalid_json`, `{"items":[{"webhook":"1000"}]}`: `invalid_json`, `{"items":[{"x":1}]}`: `invalid_json`,
		`{"items":[{"webhook":1e30}]}`:        `invalid_json`,
		`{}`:                                  `items is missing; send the whole list, [] for none.`,
		`{"items":null}`:                      `items is missing`,
		`{"items":[{}]}`:                      `"problems":["items[0]: workflow is missing or empty; give its number or its name"]`,
		`{"items":[` + one + `,` + one + `]}`: `"problems":["items[1]: it is items[0] again"]`,
		`{"items":[{"workflow":"w","transition":"","webhook":1},` + one + `,{"workflow":"w","transition":"t"},{"workflow":"w","transition":"t","webhook":4711}]}`: `"message":"items[0]: transition is missing or empty; give its number or its name; and 2 more problems.",` +
			`"problems":["items[0]: transition is missing or empty; give its number or its name","items[2]: webhook is missing; give the number of an admin webhook","items[3]: the tenant has no admin webhook 4711"]`,
		`{"items":[{"workflow":"w","transition":"t","webhook":` + strconv.FormatInt(dynamic[0], 10) + `}]}`: `the tenant has no admin webhook`,
		`{"items":[{"workflow":"w","transition":"t","webhook":-1}]}`:                                        `webhook is missing`,
		`{"items":[{"workflow":"` + strings.Repeat("w", 256) + `","transition":"t","webhook":` + id + `}]}`: `workflow has 256 bytes; at most 255 are allowed`,
		`{"items":[` + strings.Repeat(`{},`, 1000) + `{}]}`:                                                 `there are 1001 post-functions; at most 1000 are allowed`,
	} {
		if a := h.do("PUT", postFunctions, tokenAdmin, body); a.Status != 400 || !strings.Contains(a.Body, want) || !strings.HasPrefix(a.Body, `{"error":{"code":"invalid`) {
			t.Errorf("%.200s: %d %.500s", body, a.Status, a.Body)
		}
	}
	h.Want(h.do("GET", postFunctions, tokenAdmin, ""), 200, `{"items":[{"workflow":"Software","transition":"Resolve","webhook":`+id+`}]}`)

	// They are the operator's to declare, tenant by tenant.
	for _, method := range []string{"GET", "PUT"} {
		for _, token := range []string{"", tokenAcme, tokenRival, tokenCI, "nobody's"} {
			if a := h.do(method, postFunctions, token, `{"items":[]}`); a.Status != 401 {
				t.Errorf("%s with %q: %d %s", method, token, a.Status, a.Body)
			}
		}
		h.Want(h.do(method, "/v1/tenants/nobody/postfunctions", tokenAdmin, `{"items":[]}`), 404, "")
	}
	other := strings.Replace(`{"items":[`+one+`]}`, id, "1001", 1) // which is acme's dynamic webhook
	if a := h.do("PUT", "/v1/tenants/rival/postfunctions", tokenAdmin, other); a.Status != 400 {
		t.Errorf("another tenant's webhook: %d %s", a.Status, a.Body)
	}
	h.Want(h.do("GET", "/v1/tenants/rival/postfunctions", tokenAdmin, ""), 200, `{"items":[]}`)
	h.Want(h.do("DELETE", postFunctions, tokenAdmin, ""), 405, "")
}

// TestPostFunctionsWithoutAdmin: an installation without admin webhooks has nothing to fire.
func TestPostFunctionsWithoutAdmin(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	if a := h.do("PUT", postFunctions, tokenAdmin, `{"items":[]}`); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// FuzzPostFunctions sends arbitrary lists: what is accepted is what is there then, and what is refused changes nothing.
func FuzzPostFunctions(f *testing.F) {
	for _, seed := range []string{
		`{"items":[]}`, `{"items":[{"workflow":"w","transition":"t","webhook":1000}]}`, `{"items":[{}]}`, `{"items":null}`, ``, `[`, `{"ITEMS":[]}`,
		`{"items":[{"workflow":"\u00fc<","transition":"t","webhook":1000},{"workflow":"\u00fc<","transition":"t","webhook":1000}]}`,
	} {
		f.Add(seed)
	}
	h := newAdminHouse(f, jira.AdminOptions{})
	h.silent("https://hooks.example/", "")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		before := h.do("GET", postFunctions, tokenAdmin, "")
		a := h.do("PUT", postFunctions, tokenAdmin, body)
		after := h.do("GET", postFunctions, tokenAdmin, "")
		switch {
		case a.Status == 200 && after.Body == a.Body:
		case a.Status == 400 && after.Body == before.Body && strings.HasPrefix(a.Body, `{"error":{"code":"invalid`):
		default:
			t.Fatalf("the answer is %d %s; there are %s, before %s", a.Status, a.Body, after.Body, before.Body)
		}
	})
}
