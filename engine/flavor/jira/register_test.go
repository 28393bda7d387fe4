package jira_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

const callback = "https://hooks.example/in"

// One bad filter beside two good ones fails alone, in the words and the form that clients expect.
func TestRegisterOneBadFilter(t *testing.T) {
	t.Parallel()
	for _, path := range []string{v2, v3} {
		h := newHouse(t, jira.DynamicOptions{})
		a := h.do("POST", path, tokenCI, registration(callback, "project = PRJ", "project IN (PRJ, EXP) AND status = done", "myClause = something"))
		h.Want(a, 200, `{"webhookRegistrationResult":[{"createdWebhookId":1000},{"createdWebhookId":1001},{"errors":["The clause myClause is unsupported"]}]}`)
		if got := a.Header.Get("Content-Type"); got != "application/json;charset=UTF-8" {
			t.Errorf("Content-Type is %q", got)
		}
	}
}

// The bad item's place does not matter, and no number is used up for it.
func TestRegisterKeepsOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	a := h.do("POST", v3, tokenCI, registration(callback, "a = 1", "project = A", "b = 1", "project = B"))
	h.Want(a, 200, `{"webhookRegistrationResult":[{"errors":["The clause a is unsupported"]},{"createdWebhookId":1000},{"errors":["The clause b is unsupported"]},{"createdWebhookId":1001}]}`)
	h.Want(h.do("POST", v3, tokenRivalCI, "{}"), 401, "")
	a = h.do("POST", "/t/rival/rest/api/3/webhook", tokenRivalCI, registration(callback, "project = A"))
	h.Want(a, 200, `{"webhookRegistrationResult":[{"createdWebhookId":1000}]}`)
}

func TestItemErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	const event = `["jira:issue_updated"]`
	tests := []struct {
		filter, events string // events as JSON
		want           []string
	}{
		{`myClause = something`, event, []string{`The clause myClause is unsupported`}},
		{`MyClause = a and other = b`, event, []string{`The clause MyClause is unsupported`, `The clause other is unsupported`}},
		{`summary = x`, event, []string{`The clause summary is unsupported`}},
		{`cf[20000] = x`, event, []string{`The clause cf[20000] is unsupported`}},
		{`status IS EMPTY`, event, []string{`The operator IS is unsupported`}},
		{`project is not EMPTY`, event, []string{`The operator IS NOT is unsupported`}},
		{`project ~ x`, event, []string{`The operator ~ is unsupported`}},
		{`priority > High`, event, []string{`The operator > is unsupported`}},
		{`status WAS Done`, event, []string{`The operator WAS is unsupported`}},
		{`status CHANGED`, event, []string{`The operator CHANGED is unsupported`}},
		{`assignee = currentUser()`, event, []string{`Unable to find JQL function 'currentUser()'.`}},
		{`project = A ORDER BY status`, event, []string{`The ORDER BY clause is unsupported`}},
		{``, event, []string{`The JQL query is empty; a query is required.`}},
		{"  \n", event, []string{`The JQL query is empty; a query is required.`}},
		{`project = A status = B`, event, []string{`Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'status'. (line 1, character 13)`}},
		{`project = A AND`, event, []string{`Error in the JQL Query: Expecting a field name at the end of the query.`}},
		{"project = A AND\n1 = 1 2", event, []string{`Error in the JQL Query: Expecting either 'OR' or 'AND' but got '2'. (line 2, character 7)`}},
		{"project = A AND\nstatus", event, []string{`Error in the JQL Query: Expecting operator before the end of the query. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.`}},
		{`project = "A`, event, []string{`Error in the JQL Query: The quoted string 'A' has not been completed. (line 1, character 11)`}},
		{`project = #`, event, []string{`Error in the JQL Query: The character '#' is a reserved JQL character. You must enclose it in a string or use the escape '\u0023' instead. (line 1, character 11)`}},
		{`project = A`, `[]`, []string{`At least one event has to be named`}},
		{`project = A`, `null`, []string{`At least one event has to be named`}},
		{`project = A`, `["nonsense"]`, []string{`The event nonsense is unsupported`}},
		{`project = A`, `["board_created","jira:issue_created",""]`, []string{`The event board_created is unsupported`, `The event  is unsupported`}},
		{`x = 1`, `["y"]`, []string{`The clause x is unsupported`, `The event y is unsupported`}},
	}
	for _, tt := range tests {
		body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":%s,"events":%s}]}`, callback, quote(tt.filter), tt.events)
		h.Want(h.do("POST", v3, tokenCI, body), 200, `{"webhookRegistrationResult":[{"errors":[`+quote(tt.want...)+`]}]}`)
	}
	h.Want(h.do("POST", v3, tokenCI, `{"url":"`+callback+`","webhooks":[{"jqlFilter":"project = A","events":`+event+`,"issuePropertyKeysFilter":["`+strings.Repeat("k", 256)+`"]}]}`), 200,
		`{"webhookRegistrationResult":[{"errors":["issuePropertyKeysFilter may have at most 100 entries of at most 255 bytes"]}]}`)
	h.Want(h.do("POST", v3, tokenCI, `{"url":"`+callback+`","webhooks":[{},null]}`), 200,
		`{"webhookRegistrationResult":[{"errors":["The JQL query is empty; a query is required.","At least one event has to be named"]},{"errors":["The JQL query is empty; a query is required.","At least one event has to be named"]}]}`)
	if l := h.list(tokenCI, ""); l.Total != 0 {
		t.Errorf("%d webhooks were registered", l.Total)
	}
}

// quote writes strings as the members of a JSON array, with no more escapes than JSON needs.
func quote(texts ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var out []string
	for _, s := range texts {
		out = append(out, `"`+escape.Replace(s)+`"`)
	}
	return strings.Join(out, ",")
}

func TestRegisterAccepts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	filters := []string{
		`project != null`, `project = PRJ`, `issueKey in (PRJ-1, "PRJ-2")`, `issuetype != Bug && status = "In Progress"`,
		`NOT (assignee = EMPTY OR reporter NOT IN (u1, u2))`, `priority in (High, Low)`, `cf[10014] = PRJ-9`, `"Epic Link" = PRJ-9`,
		`issue.property[my-key].path.to = "x"`, `status = "\u00fcber" | ! project = 'a "b"'`,
	}
	if ids, errs := h.register(tokenCI, callback, filters...); len(ids) != len(filters) {
		t.Fatalf("registered %v, errors %q", ids, errs)
	}
	for i, v := range h.list(tokenCI, "").Values {
		if v.JQLFilter != filters[i] {
			t.Errorf("the filter %s is listed as %s", filters[i], v.JQLFilter)
		}
	}
	events := []string{"issue_property_set", "sprint_started", "jira:version_merged", "comment_deleted"}
	body := `{"url":"` + callback + `","webhooks":[{"jqlFilter":"project = A","events":[` + quote(events...) + `],"unknown":1}],"more":{}}`
	h.Want(h.do("POST", v3, tokenChat, body), 200, `{"webhookRegistrationResult":[{"createdWebhookId":1010}]}`)
	if got := h.list(tokenChat, "").Values[0].Events; !slices.Equal(got, events) {
		t.Errorf("events are %q", got)
	}
}

func TestRequestErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	item := `[{"jqlFilter":"project = A","events":["comment_created"]}]`
	tests := []struct{ body, want string }{
		{``, `The request body cannot be read: the JSON is incomplete.`},
		{`{"url":`, `The request body cannot be read: the JSON is incomplete.`},
		{`{]`, `The request body cannot be read: invalid character ']' looking for beginning of object key string, at byte 2.`},
		{`[]`, `The request body cannot be read: a JSON object is expected, not a value of type array.`},
		{`7`, `The request body cannot be read: a JSON object is expected, not a value of type number.`},
		{`null`, "The request body cannot be read: a JSON object is expected, not null."},
		{"{\"url\":\"\xff\"}", "The request body cannot be read: it is not UTF-8."},
		{`{}`, `url is missing.`},
		{`{"webhooks":` + item + `}`, `url is missing.`},
		{`{"url":"","webhooks":` + item + `}`, `url is missing.`},
		{`{"url":null,"webhooks":` + item + `}`, `url is missing.`},
		{`{"url":1,"webhooks":` + item + `}`, `The request body cannot be read: url must not be of type number.`},
		{`{"url":"` + callback + `"}`, `webhooks is missing or empty.`},
		{`{"url":"` + callback + `","webhooks":[]}`, `webhooks is missing or empty.`},
		{`{"url":"` + callback + `","webhooks":{}}`, `The request body cannot be read: webhooks must not be of type object.`},
		{`{"url":"` + callback + `","webhooks":[{"jqlFilter":1}]}`, `The request body cannot be read: webhooks.jqlFilter must not be of type number.`},
		{`{"url":"` + callback + `","webhooks":[{"events":"x"}]}`, `The request body cannot be read: webhooks.events must not be of type string.`},
		{`{"url":"` + callback + `","webhooks":` + item + `} x`, `The request body cannot be read: there is more after the JSON object.`},
		{`{"url":"` + callback + `","webhooks":` + item + `}{}`, `The request body cannot be read: there is more after the JSON object.`},
		{`{"url":"` + callback + `","webhooks":[` + strings.Repeat(`{},`, 1000) + `{}]}`, `webhooks has 1001 items; at most 1000 are allowed in one request.`},
	}
	for _, tt := range tests {
		h.Want(h.do("POST", v3, tokenCI, tt.body), 400, `{"errorMessages":[`+quote(tt.want)+`],"errors":{}}`)
	}
	if l := h.list(tokenCI, ""); l.Total != 0 {
		t.Errorf("%d webhooks were registered", l.Total)
	}
}

// Every operation wants the token of an app of the tenant.
func TestCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	ids, _ := h.register(tokenCI, callback, "project = A")
	body := registration(callback, "project = A")
	bodyIDs := fmt.Sprintf(`{"webhookIds":[%d]}`, ids[0])
	operations := []struct{ method, path, body string }{
		{"POST", v2, body}, {"POST", v3, body}, {"GET", v2, ""}, {"GET", v3, ""}, {"DELETE", v2, bodyIDs}, {"DELETE", v3, bodyIDs},
		{"PUT", v2, bodyIDs}, {"PUT", v3, bodyIDs}, {"PUT", v2 + "/refresh", bodyIDs}, {"PUT", refresh, bodyIDs},
	}
	for _, op := range operations {
		for token, status := range map[string]int{"": 401, "nobody's": 401, tokenRival: 401, tokenRivalCI: 401, tokenAdmin: 403, tokenAcme: 403} {
			a := h.do(op.method, op.path, token, op.body)
			if a.Status != status || !strings.HasPrefix(a.Body, `{"errorMessages":["`) || !strings.HasSuffix(a.Body, `"],"errors":{}}`) {
				t.Errorf("%s %s with %q: %d %s; want %d", op.method, op.path, token, a.Status, a.Body, status)
			}
			if got := a.Header.Get("WWW-Authenticate"); (got != "") != (status == 401) {
				t.Errorf("%s %s: WWW-Authenticate is %q", op.method, op.path, got)
			}
		}
	}
	h.Want(h.do("POST", v3, tokenAcme, body), 403, `{"errorMessages":["Only apps can use this resource."],"errors":{}}`)
	if l := h.list(tokenCI, ""); l.Total != 1 {
		t.Errorf("%d webhooks; want the one", l.Total)
	}
	if l := h.list(tokenChat, ""); l.Total != 0 {
		t.Error("an app sees the webhooks of another")
	}
}

// A tenant may let its apps use more of the language than Jira does.
func TestDialectOfTheTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{})
	const dynamic, full = "The clause labels is unsupported", "Field 'actor' does not exist or you do not have permission to view it."
	for _, tt := range []struct{ dialect, want string }{
		{"", `{"errors":["` + dynamic + `"]},{"errors":["The clause actor is unsupported"]}`},
		{"full", `{"createdWebhookId":1000},{"errors":["` + full + `"]}`},
		{"extended", `{"createdWebhookId":1001},{"createdWebhookId":1002}`},
		{"dynamic", `{"errors":["` + dynamic + `"]},{"errors":["The clause actor is unsupported"]}`},
	} {
		_, err := h.Engine.Registry().ChangeTenant(t.Context(), "acme", func(t *webhook.Tenant) { t.Dialect = tt.dialect })
		if err != nil {
			t.Fatal(err)
		}
		a := h.do("POST", v3, tokenCI, registration(callback, "labels = a", "actor = ines"))
		h.Want(a, 200, `{"webhookRegistrationResult":[`+tt.want+`]}`)
	}
}
