package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// newTemplate makes one body of exactly size bytes: an issue of the project was updated. What the
// fields leave of the size is the issue's description.
func newTemplate(random *rand.Rand, project string, size int) (template, error) {
	head, tail := issueUpdated(random, project)
	room := size - len(head) - len(tail)
	if room < 0 {
		return template{}, fmt.Errorf("bench: a body of %d bytes is too small; use at least %d", size, minBody)
	}
	body := make([]byte, 0, size)
	body = append(body, head...)
	body = appendProse(body, random, room)
	body = append(body, tail...)
	return template{body: body, sequence: bytes.Index(body, sequenceMark) + len(sequenceMark)}, nil
}

// minBody is a size that has room for the fields of every body.
const minBody = 1792

func appendProse(dst []byte, random *rand.Rand, n int) []byte {
	end := len(dst) + n
	for len(dst) < end {
		dst = append(dst, pick(random, words)...)
		dst = append(dst, ' ')
	}
	return dst[:end]
}

// issueUpdated is a body in the two parts before and after the text of the description.
func issueUpdated(random *rand.Rand, project string) (head, tail string) {
	status, before := random.IntN(len(statuses)), random.IntN(len(statuses))
	number := epics + 1 + random.IntN(issues)
	actor := pick(random, people)
	head = fmt.Sprintf(`{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue_event_type_name":"issue_generic",`+
		`%s%012d","items":[{"field":"status","fieldtype":"jira","fieldId":"status",`+
		`"from":"%d","fromString":%q,"to":"%d","toString":%q}]},"user":%s,`+
		`"issue":{"id":"%d","self":"https://jira.example/rest/api/2/issue/%d","key":"%s-%d","fields":{`,
		1_790_000_000_000+random.Int64N(1e9), sequenceMark, 0, 1+before, statuses[before], 1+status, statuses[status],
		user(actor), 10_000+number, 10_000+number, project, number)
	head += issueFields(random, project, status) + `"description":"`
	tail = fmt.Sprintf(`"},"properties":{"release":{"team":%q,"train":%d}}}}`, pick(random, teams), random.IntN(20))
	return head, tail
}

func issueFields(random *rand.Rand, project string, status int) string {
	kind := random.IntN(len(issueTypes))
	rank := random.IntN(len(priorities))
	assignee := "null"
	if random.IntN(4) > 0 {
		assignee = user(pick(random, people))
	}
	epic := "null"
	if random.IntN(3) > 0 {
		epic = fmt.Sprintf(`"%s-%d"`, project, 1+random.IntN(epics))
	}
	return fmt.Sprintf(`"issuetype":{"id":"%d","name":%q,"subtask":%t},"project":{"id":"20001","key":%q,"name":"Bench %s"},`+
		`"priority":{"id":"%d","name":%q},"status":{"id":"%d","name":%q,"statusCategory":{"id":4,"key":"indeterminate"}},`+
		`"assignee":%s,"reporter":%s,"labels":["nightly","cache"],"customfield_10014":%s,`+
		`"created":"2026-09-01T08:15:30.000+0200","updated":"2026-11-02T17:45:00.000+0100","summary":"Prices of the day before",`,
		1+kind, issueTypes[kind], issueTypes[kind] == "Sub-task", project, project,
		1+rank, priorities[rank], 1+status, statuses[status], assignee, user(pick(random, people)), epic)
}

// user is a user object as Jira Cloud sends it.
func user(p person) string {
	name, err := json.Marshal(p.name)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return fmt.Sprintf(`{"self":"https://jira.example/rest/api/2/user?accountId=%s","accountId":%q,"displayName":%s,`+
		`"active":true,"timeZone":"Europe/Vienna","accountType":"atlassian"}`, p.account, p.account, name)
}
