package event

import "testing"

func TestSubjectOf(t *testing.T) {
	for _, c := range []struct {
		typ, body string
		want      Subject
	}{
		{"jira:issue_updated", `{"issue":{"id":"10001","key":"EX-1","fields":{"project":{"id":"20001","key":"EX"}}}}`, Subject{"10001", "20001"}},
		{"jira:issue_updated", `{"issue":{"id":10001,"fields":{"project":{"id":20001}}}}`, Subject{"10001", "20001"}},
		{"comment_created", `{"comment":{"id":"7"},"issue":{"key":"EX-1","fields":{"project":{"key":"Ex"}}}}`, Subject{"/ex-1", "/ex"}},
		{"jira:issue_updated", `{"issue":{"id":"ten","key":"EX-1"}}`, Subject{"/ex-1", ""}},
		{"worklog_created", `{"worklog":{"id":"1","issueId":"10001"}}`, Subject{"10001", ""}},
		{"issue_property_set", `{"issue":{"id":"10001"},"project":{"id":20001}}`, Subject{"10001", "20001"}},
		{"project_updated", `{"project":{"id":20001,"key":"EX","name":"Example"}}`, Subject{"", "20001"}},
		{"project_updated", `{"project":{"key":"EX","name":"Example"}}`, Subject{"", "/ex"}},
		{"jira:version_released", `{"version":{"id":"3","projectId":20001}}`, Subject{"", "20001"}},
		{"board_created", `{"board":{"location":{"projectId":20001}}}`, Subject{"", "20001"}},
		{"sprint_started", `{"sprint":{"id":1,"originBoardId":4}}`, Subject{}},
		{"user_created", `{"user":{"accountId":"a"}}`, Subject{}},
		{"", `{"issue":"EX-1"}`, Subject{}},
		{"", `{"issue":{"id":`, Subject{}},
	} {
		if got := SubjectOf([]byte(c.body), c.typ); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.body, got, c.want)
		}
	}
}
