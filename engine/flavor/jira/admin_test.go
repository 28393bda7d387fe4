package jira_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hookline/engine/event"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
)

const adminPath = "/t/acme/rest/webhooks/1.0/webhook"

// newAdminHouse opens a house with both flavours that a process has.
func newAdminHouse(t testing.TB, o jira.AdminOptions) *house {
	t.Helper()
	return openHouse(t, jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true}), jira.NewAdmin(o))
}

// adminListed is an admin webhook as a client reads it.
type adminListed struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	URL         string         `json:"url"`
	ExcludeBody bool           `json:"excludeBody"`
	NoDetails   *bool          `json:"excludeIssueDetails"`
	Filters     map[string]any `json:"filters"`
	JQLFilter   *string        `json:"jqlFilter"`
	Events      []string       `json:"events"`
	Enabled     bool           `json:"enabled"`
	IsSigned    bool           `json:"isSigned"`
	Self        string         `json:"self"`
	User        string         `json:"lastUpdatedUser"`
	DisplayName string         `json:"lastUpdatedDisplayName"`
	Updated     int64          `json:"lastUpdated"`
}

func (w *adminListed) path() string { return adminPath + w.Self[strings.LastIndex(w.Self, "/"):] }

// admin sends a request to the admin resource as the tenant's administrator and reads the webhook in the answer.
func (h *house) admin(method, path, body string, status int) *adminListed {
	h.T.Helper()
	var w adminListed
	h.Decode(h.do(method, path, tokenAcme, body), status, &w)
	return &w
}

func both(messages ...string) string {
	var keys []string
	for _, m := range messages {
		keys = append(keys, `{"key":`+quote(m)+`,"arguments":[]}`)
	}
	return `{"errorMessages":[` + quote(messages...) + `],"errors":{},"messages":[` + strings.Join(keys, ",") + `]}`
}

var updated = regexp.MustCompile(`"lastUpdated":\d{13}\b`)

func TestAdminConversations(t *testing.T) {
	t.Parallel()
	flavortest.Conversations(t, "testdata/admin/*.txt", func(t *testing.T, _ string, exchanges []flavortest.Exchange) {
		h := newAdminHouse(t, jira.AdminOptions{})
		for _, x := range exchanges {
			a := h.do(x.Method, "/t/acme"+x.Path, tokenAcme, x.Body)
			h.WantAnswer(x, a, updated, `"lastUpdated":"<time>"`)
		}
	})
}

// Every operation wants an administrator of the tenant, and none shows or changes anything to others.
func TestAdminCredentials(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	body := `{"name":"n","url":"https://hooks.example/"}`
	w := h.admin("POST", adminPath, body, 201)
	for _, op := range []struct{ method, path, body string }{
		{"POST", adminPath, body}, {"GET", adminPath, ""}, {"GET", w.path(), ""}, {"PUT", w.path(), `{"name":"x"}`}, {"DELETE", w.path(), ""},
		{"GET", adminPath + "/4711", ""},
	} {
		for token, status := range map[string]int{"": 401, "nobody's": 401, tokenRival: 401, tokenRivalCI: 401, tokenCI: 403, tokenAnna: 403} {
			a := h.do(op.method, op.path, token, op.body)
			if a.Status != status || !strings.HasPrefix(a.Body, `{"errorMessages":["`) || !strings.Contains(a.Body, `"messages":[{"key":"`) {
				t.Errorf("%s %s with %q: %d %s; want %d", op.method, op.path, token, a.Status, a.Body, status)
			}
			if got := a.Header.Get("WWW-Authenticate"); (got != "") != (status == 401) {
				t.Errorf("%s %s: WWW-Authenticate is %q", op.method, op.path, got)
			}
		}
	}
	rival := "/t/rival/rest/webhooks/1.0/webhook"
	h.Want(h.do("GET", rival, tokenRival, ""), 200, "[]")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		h.Want(h.do(method, rival+"/1000", tokenRival, `{"name":"x"}`), 404, both("There is no such webhook."))
	}
	if got := h.admin("GET", w.path(), "", 200); got.Name != "n" || got.User != "acme" {
		t.Errorf("the webhook is %+v", got)
	}
	if got := h.do("PUT", w.path(), tokenAdmin, `{"name":"x"}`); got.Status != 200 || !strings.Contains(got.Body, `"lastUpdatedUser":"admin"`) {
		t.Errorf("the installation's administrator is answered %d %s", got.Status, got.Body)
	}
}

// Scripts for Jira send a user name and a password; the token is the password.
func TestAdminBasic(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	for password, status := range map[string]int{tokenAcme: 200, tokenCI: 403, tokenRival: 401, "": 401} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", h.URL()+adminPath, nil)
		req.SetBasicAuth("username", password)
		resp, err := h.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("password %q: %d, want %d", password, resp.StatusCode, status)
		}
	}
}

// A Connect app's and an administrator's webhooks are apart, in either API.
func TestAdminAndDynamicApart(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	ids, _ := h.register(tokenCI, callback, "project = A")
	w := h.admin("POST", adminPath, `{"name":"n","url":"https://hooks.example/"}`, 201)
	h.Want(h.do("GET", fmt.Sprintf("%s/%d", adminPath, ids[0]), tokenAcme, ""), 404, "")
	h.Want(h.do("DELETE", fmt.Sprintf("%s/%d", adminPath, ids[0]), tokenAcme, ""), 404, "")
	h.Want(h.do("DELETE", v3, tokenCI, `{"webhookIds":[1001]}`), 202, "")
	if l := h.list(tokenCI, ""); l.Total != 1 {
		t.Errorf("the app has %d webhooks", l.Total)
	}
	h.admin("GET", w.path(), "", 200)
}

func TestAdminRefuses(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	w := h.admin("POST", adminPath, `{"name":"kept","url":"https://hooks.example/","secret":"s3cret-of-this-webhook"}`, 201)
	long := strings.Repeat("ü", 4001)
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprint("e", i))
	}
	const cannot = "The request body cannot be read: "
	for _, tt := range []struct{ member, want string }{
		{`"name":1`, cannot + "name must not be of type number."},
		{`"name":""`, "name is missing or empty."},
		{`"name":" \t"`, "name is missing or empty."},
		{`"name":"` + long[:512] + `"`, "name has 256 characters; at most 255 are allowed."},
		{`"description":[]`, cannot + "description must not be of type array."},
		{`"description":"` + long + `"`, "description has 4001 characters; at most 4000 are allowed."},
		{`"url":""`, "the URL is missing."},
		{`"url":{}`, cannot + "url must not be of type object."},
		{`"url":"http://hooks.example/"`, "the URL is not https; plain http has to be allowed by the operator of this installation."},
		{`"url":"hooks.example/{issue.key}"`, "the URL is not an absolute http(s) URL with a host."},
		{`"url":"https://10.0.0.1/${issue.key}"`, "the host 10.0.0.1 is not a public address; use one, or have the operator of this installation allow its network."},
		{`"url":"https://me:pw@hooks.example/"`, "the URL holds user information; remove it."},
		{`"url":"https://hooks.example/{issue.key}#x"`, "the URL has a fragment; remove it."},
		{`"url":"https://hooks.example:${issue.id}/"`, "the URL has a variable in its scheme, host or port; variables are replaced in path and query only."},
		{`"url":"{issue.key}://hooks.example/"`, "the URL has a variable in its scheme, host or port; variables are replaced in path and query only."},
		{`"url":"https://hooks.example/` + strings.Repeat("a", 2048) + `"`, "the URL has 2070 bytes; at most 2048 are allowed."},
		{`"events":"jira:issue_created"`, cannot + "events must not be of type string."},
		{`"events":[1]`, cannot + "events must not be of type number."},
		{`"events":["*"]`, "The event * is unsupported"},
		{`"events":["` + strings.Join(many, `","`) + `"]`, "events may have at most 100 entries of at most 255 bytes"},
		{`"filters":[]`, cannot + "filters must not be of type array."},
		{`"filters":{"issue-related-events-section":7}`, "filters.issue-related-events-section has to be a text."},
		{`"filters":{"issue-related-events-section":"x ="},"jqlFilter":"project = A"`, "Error in the JQL Query: Expecting either a value, list or function before the end of the query."},
		{`"filters":{"more":"` + long + `"}`, "filters has 8008 bytes beside issue-related-events-section; at most 4096 are allowed."},
		{`"jqlFilter":true`, cannot + "jqlFilter must not be of type bool."},
		{`"jqlFilter":"actor = a"`, "Field 'actor' does not exist or you do not have permission to view it."},
		{`"excludeBody":"yes"`, cannot + "excludeBody must not be of type string."},
		{`"excludeIssueDetails":0`, cannot + "excludeIssueDetails must not be of type number."},
		{`"enabled":"true"`, cannot + "enabled must not be of type string."},
		{`"secret":["s"]`, "secret has to be a text."},
		{`"secret":"` + long[:1026] + `"`, "secret has 1026 bytes; at most 1024 are allowed."},
		{`"name"`, cannot + "invalid character '}' after object key, at byte 8."},
	} {
		for _, put := range []bool{false, true} {
			method, path, body := "POST", adminPath, `{`+tt.member+`}`
			if put {
				method, path = "PUT", w.path()
			} else {
				for name, member := range map[string]string{`"name"`: `"name":"n"`, `"url"`: `"url":"https://hooks.example/"`} {
					if !strings.HasPrefix(tt.member, name) {
						body = strings.TrimSuffix(body, "}") + "," + member + "}"
					}
				}
				if tt.member == `"name"` {
					continue
				}
			}
			h.Want(h.do(method, path, tokenAcme, body), 400, both(tt.want))
		}
	}
	for body, want := range map[string]string{
		``: cannot + "the JSON is incomplete.", `[]`: cannot + "a JSON object is expected, not a value of type array.",
		`null`: "The request body cannot be read: a JSON object is expected, not null.", `{}`: "name is missing or empty.", `{"name":"n"}`: "the URL is missing.",
		`{"name":"n"} {}`: cannot + "there is more after the JSON object.", `{"name":null,"url":"https://h/"}`: "name is missing or empty.",
	} {
		h.Want(h.do("POST", adminPath, tokenAcme, body), 400, both(want))
	}
	for _, id := range []string{"4711", "0", "-1", "+1000", "01000", "1000.0", "x", "%00", "99999999999999999999", "1000%2F", "%2e%2e%2f1000"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			if a := h.do(method, adminPath+"/"+id, tokenAcme, "{}"); a.Status != 404 && a.Status != 405 || !strings.Contains(a.Body, `"messages":[`) && !strings.Contains(a.Body, `"errorMessages":[`) {
				t.Errorf("%s of %s: %d %s", method, id, a.Status, a.Body)
			}
		}
	}
	a := h.do("PATCH", w.path(), tokenAcme, `{}`)
	if a.Status != 405 || !strings.Contains(a.Body, `"messages":[{"key":"PATCH is not possible`) {
		t.Errorf("PATCH: %d %s", a.Status, a.Body)
	}
	all := h.do("GET", adminPath, tokenAcme, "")
	var list []adminListed
	h.Decode(all, 200, &list)
	if len(list) != 1 || list[0].Name != "kept" || !list[0].IsSigned || list[0].Updated != w.Updated || strings.Contains(all.Body, "s3cret") {
		t.Errorf("what is left: %s", all.Body)
	}
}

// Members of a PUT that are missing or null change nothing, in whatever order requests come.
func TestAdminChange(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	w := h.admin("POST", adminPath, `{"name":"n","description":"d","url":"https://hooks.example/","events":["comment_created"],"jqlFilter":"project = A","secret":"s"}`, 201)
	if w.NoDetails != nil || *w.JQLFilter != "project = A" || !w.IsSigned || !w.Enabled {
		t.Fatalf("the webhook is %+v", w)
	}
	path := w.path()
	same := func(got *adminListed) {
		t.Helper()
		got.Updated = w.Updated
		if fmt.Sprintf("%+v", got.Filters) != fmt.Sprintf("%+v", w.Filters) || got.Name != w.Name || got.Description != w.Description ||
			got.URL != w.URL || !slices.Equal(got.Events, w.Events) || got.IsSigned != w.IsSigned || got.Enabled != w.Enabled || got.ExcludeBody != w.ExcludeBody {
			t.Errorf("the webhook is %+v\nwant %+v", got, w)
		}
	}
	same(h.admin("PUT", path, `{}`, 200))
	same(h.admin("PUT", path, `{"name":null,"description":null,"url":null,"events":null,"filters":null,"jqlFilter":null,"excludeBody":null,"enabled":null}`, 200))
	whole := h.do("GET", path, tokenAcme, "")
	same(h.admin("PUT", path, whole.Body, 200))

	w.Filters = map[string]any{"issue-related-events-section": "project = B", "x": nil}
	w.URL = "https://hooks.example/{issue.key}"
	same(h.admin("PUT", path, `{"filters":{"issue-related-events-section":"project = B","x":null},"jqlFilter":"project = C","url":"https://hooks.example/{issue.key}"}`, 200))
	w.Filters["issue-related-events-section"] = "project = D"
	same(h.admin("PUT", path, `{"jqlFilter":"project = D"}`, 200))
	w.Filters = map[string]any{"issue-related-events-section": "project = E"}
	same(h.admin("PUT", path, `{"jqlFilter":"project = E","filters":{"issue-related-events-section":null}}`, 200))
	w.ExcludeBody = true
	got := h.admin("PUT", path, `{"excludeIssueDetails":true}`, 200)
	if got.NoDetails == nil || !*got.NoDetails {
		t.Errorf("excludeIssueDetails is %v", got.NoDetails)
	}
	same(got)
	w.ExcludeBody = false
	same(h.admin("PUT", path, `{"excludeBody":false,"excludeIssueDetails":true}`, 200))
	w.IsSigned = false
	same(h.admin("PUT", path, `{"secret":""}`, 200))
	w.IsSigned = true
	same(h.admin("PUT", path, `{"secret":"t"}`, 200))
}

func TestAdminEvents(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{})
	names := event.Names()
	w := h.admin("POST", adminPath, `{"name":"n","url":"https://hooks.example/","events":[`+quote(names...)+`,"comment_created"]}`, 201)
	if !slices.Equal(w.Events, names) {
		t.Errorf("events are %q", w.Events)
	}
}

func TestAdminLimit(t *testing.T) {
	t.Parallel()
	h := newAdminHouse(t, jira.AdminOptions{Limit: 1})
	body := `{"name":"n","url":"https://hooks.example/"}`
	w := h.admin("POST", adminPath, body, 201)
	h.Want(h.do("POST", adminPath, tokenAcme, body), 400, both("Maximum of 1 webhooks is allowed"))
	h.admin("PUT", w.path(), body, 200)
	if a := h.do("POST", "/t/rival/rest/webhooks/1.0/webhook", tokenRival, body); a.Status != 201 {
		t.Errorf("another tenant is held by the limit: %d %s", a.Status, a.Body)
	}
	h.Want(h.do("DELETE", w.path(), tokenAcme, ""), 204, "")
	h.admin("POST", adminPath, body, 201)
}

// FuzzAdminBody sends arbitrary bodies to the registration and to the change: whatever comes, the answer is a webhook or an
// error in both forms, and no secret comes back.
func FuzzAdminBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"n","url":"https://h.example/{issue.key}","events":["comment_created"],"filters":{"issue-related-events-section":"project = A","x":[1]},"secret":"s"}`,
		`{"name":"n","url":"https://h.example/","jqlFilter":"labels IS EMPTY","excludeIssueDetails":true,"enabled":false,"secret":null}`,
		`{"name":"\ud800","url":"https://h{x}/"}`, `{"filters":{}}`, `{"FILTERS":{"a":1,"a":2}}`, `{"secret":{}}`, ``, `{`, `null`, `[]`, `{}{}`,
	} {
		f.Add(seed)
	}
	h := newAdminHouse(f, jira.AdminOptions{Limit: 1 << 30})
	path := h.admin("POST", adminPath, `{"name":"n","url":"https://hooks.example/"}`, 201).path()
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		for _, a := range []answer{h.do("POST", adminPath, tokenAcme, body), h.do("PUT", path, tokenAcme, body)} {
			var got struct {
				adminListed
				ErrorMessages []string `json:"errorMessages"`
				Messages      []struct{ Key string }
				Secret        any `json:"secret"`
			}
			if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
				t.Fatalf("%v in the answer %d %q", err, a.Status, a.Body)
			}
			switch {
			case (a.Status == 200 || a.Status == 201) && got.Name != "" && got.URL != "" && got.Filters != nil && got.Events != nil && got.Secret == nil:
				if a.Status == 201 {
					h.Want(h.do("DELETE", got.path(), tokenAcme, ""), 204, "")
				}
			case a.Status == 400 && len(got.ErrorMessages) > 0 && len(got.Messages) == len(got.ErrorMessages):
			default:
				t.Fatalf("the answer is %d %s", a.Status, a.Body)
			}
		}
	})
}
