package jira

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"hookline/engine/webhook"
)

func TestRequestURL(t *testing.T) {
	t.Parallel()
	const (
		issue   = `{"webhookEvent":"jira:issue_updated","user":{"accountId":"557058:9116-cb26"},"issue":{"id":"10002","key":"EX-1","fields":{"project":{"id":"10000","key":"EX"}}}}`
		quiet   = `{"webhookEvent":"jira:issue_updated","issue":{"id":"10002","key":"EX-1"}}`
		comment = `{"comment":{"id":"10034"},"issue":{"key":"EX-1"},"webhookEvent":"comment_created"}`
		worklog = `{"webhookEvent":"worklog_created","worklog":{"id":"10028","issueId":"10002"}}`
		merge   = `{"webhookEvent":"jira:version_deleted","version":{"id":"65456","projectId":12345},"mergedTo":{"id":"99991"}}`
		sprint  = `{"webhookEvent":"sprint_closed","sprint":{"id":37,"originBoardId":5}}`
		board   = `{"webhookEvent":"board_created","board":{"id":5}}`
		setup   = `{"webhookEvent":"board_configuration_changed","configuration":{"id":6}}`
		project = `{"webhookEvent":"project_created","project":{"id":12345,"key":"EX"},"user":{"accountId":"u1"}}`
		user    = `{"webhookEvent":"user_updated","user":{"accountId":"qm:1","key":"mia","name":"Mia K"}}`
		file    = `{"webhookEvent":"attachment_created","attachment":{"id":"10000"}}`
		link    = `{"webhookEvent":"issuelink_created","issueLink":{"id":1,"sourceIssueId":18715,"destinationIssueId":11917}}`
		prop    = `{"webhookEvent":"issue_property_set","property":{"key":"a/b ?#&=%ü~","value":1},"issue":{"id":"1"}}`
		odd     = `{"webhookEvent":"jira:issue_updated","issue":{"id":{"x":1},"key":null,"fields":{"project":[{"id":"1"}]}},"sprint":true}`
	)
	const h = "https://h.example"
	for _, tt := range []struct{ url, body, want string }{
		{h, issue, h + "?user_id=557058%3A9116-cb26&user_key=557058%3A9116-cb26"},
		{h + "/in?a=b", issue, h + "/in?a=b&user_id=557058%3A9116-cb26&user_key=557058%3A9116-cb26"},
		{h + "/in?", project, h + "/in?user_id=u1&user_key=u1"},
		{h + "/in?a&", project, h + "/in?a&user_id=u1&user_key=u1"},
		{h + "/${issue.key}?p={project.key}", issue, h + "/EX-1?p=EX&user_id=557058%3A9116-cb26&user_key=557058%3A9116-cb26"},
		{h + "/{issue.id}/${issue.id}{project.id}", quiet, h + "/10002/10002"},
		{h + "/{comment.id}/{issue.key}", comment, h + "/10034/EX-1"},
		{h + "/{worklog.id}/{issue.id}/{issue.key}", worklog, h + "/10028/10002/"},
		{h + "/{version.id}/{mergedVersion.id}/{project.id}/{project.key}", merge, h + "/65456/99991/12345/"},
		{h + "/{sprint.id}/{board.id}", sprint, h + "/37/"},
		{h + "/{board.id}", board, h + "/5"},
		{h + "/{board.id}", setup, h + "/6"},
		{h + "/{project.id}/{project.key}", project, h + "/12345/EX?user_id=u1&user_key=u1"},
		{h + "/{modifiedUser.accountId}/{modifiedUser.key}/{modifiedUser.name}", user, h + "/qm%3A1/mia/Mia%20K"},
		{h + "/{modifiedUser.accountId}", project, h + "/?user_id=u1&user_key=u1"},
		{h + "/{attachment.id}", file, h + "/10000"},
		{h + "/{issueLink.sourceIssueId}/{issueLink.destinationIssueId}", link, h + "/18715/11917"},
		{h + "/{property.key}?k={property.key}", prop, h + "/a%2Fb%20%3F%23%26%3D%25%C3%BC~?k=a%2Fb%20%3F%23%26%3D%25%C3%BC~"},
		{h + "/{issue.id}{issue.key}{project.id}{sprint.id}", odd, h + "/"},
		{h + "/{issue.color}/${x}/{}/{/}/$/{{issue.id}}/$${issue.id}/{issue.id", quiet, h + "/{issue.color}/${x}/{}/{/}/$/{10002}/$10002/{issue.id"},
		{h + "/{Issue.key}/{issue.key }/{issue.id}", quiet, h + "/{Issue.key}/{issue.key }/10002"},
	} {
		got, err := callbackURL(tt.url, []byte(tt.body))
		if err != nil || got != tt.want {
			t.Errorf("%s: %s, %v\nwant %s", tt.url, got, err, tt.want)
		}
	}
	long := `{"webhookEvent":"x","issue":{"key":"` + strings.Repeat("k", maxTarget) + `"}}`
	if got, err := callbackURL(h+"/{issue.key}", []byte(long)); err == nil {
		t.Errorf("a URL of %d bytes is sent", len(got))
	}
}

func TestCheckVariables(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://h.example/${issue.key}": true, "https://h.example?{issue.key}": true, "https://h.example": true,
		"https://h.example/x://{issue.key}": true, "": true, "/{issue.key}": true,
		"https://${issue.key}.example/": false, "https://h.example:{issue.id}/": false, "{issue.key}://h.example/": false,
		"https://{x}": false, "${issue.key}": false, "https://h.example{issue.key}?": false, "https://a{b}@h.example/": false,
	} {
		if err := checkVariables(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

var variable = regexp.MustCompile(`\$?\{([A-Za-z.]+)\}`)

// FuzzVariables compares with a regular expression, and holds that whatever an event says the request goes to the
// registered host, by a request line of visible ASCII.
func FuzzVariables(f *testing.F) {
	f.Add("/${issue.key}/{{project.id}?q={issue.id}", "EX-1", "10 0/..")
	f.Add("/{property.key}{x}${", "\r\nHost: evil", "@evil.example")
	f.Add("?a={issue.key}&", "", "ü")
	f.Fuzz(func(t *testing.T, target, key, actor string) {
		if !utf8.ValidString(key) || !utf8.ValidString(actor) {
			return // an event is UTF-8
		}
		registered := "https://h.example" + target
		if _, err := webhook.ParseURL(registered, false); err != nil || checkVariables(registered) != nil {
			return
		}
		if u, _ := url.Parse(registered); u.Host != "h.example" {
			return
		}
		body, err := json.Marshal(map[string]any{
			"webhookEvent": "issue_property_set", "user": map[string]string{"accountId": actor},
			"property": map[string]string{"key": key}, "issue": map[string]string{"id": key, "key": key},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := callbackURL(registered, body)
		if err != nil {
			return
		}
		want := variable.ReplaceAllStringFunc(registered, func(m string) string {
			name := strings.Trim(m, "${}")
			switch {
			case variables[name] == nil:
				return m
			case name == "issue.id" || name == "issue.key" || name == "property.key":
				return component(key)
			}
			return ""
		})
		rest, ok := strings.CutPrefix(got, want)
		if !ok {
			t.Fatalf("%s became %s, want %s", registered, got, want)
		}
		rest = strings.TrimLeft(rest, "?&")
		if tail := "user_id=" + component(actor) + "&user_key=" + component(actor); actor != "" && rest != tail || actor == "" && rest != "" {
			t.Fatalf("the user parameters are %q", rest)
		}
		if u, err := url.Parse(got); err == nil && u.Host != "h.example" {
			t.Fatalf("%s leads to %s", got, u.Host)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Contains(got, "#") {
			t.Fatalf("the URL is %q", got)
		}
	})
}

// component is url.QueryEscape with the one difference that it has.
func component(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
