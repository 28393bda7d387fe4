package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// issueSays is what an issue says, by attribute.
type issueSays [attributeCount][]string

// issue makes what an issue says.
func (t *issueTexts) issue() (says issueSays) {
	for a := range attributes {
		if !t.chance(attributes[a].filled) {
			continue
		}
		for range 1 + t.random.IntN(attributes[a].several) {
			says[a] = append(says[a], t.text(a))
		}
	}
	return says
}

// terms is what the issue says in the form in which it is compared with filters, a term for each text. That of a whole body has terms of ids
// besides, for which the filters of this workload do not ask.
func (says *issueSays) terms() (terms issueSays) {
	for a := range attributes {
		for _, text := range says[a] {
			terms[a] = append(terms[a], attributes[a].term(text))
		}
	}
	return terms
}

// matchEvent is an event in the forms in which those that are compared take it.
type matchEvent struct {
	body  []byte
	terms issueSays
}

// matchBody is about the size of a body in bytes.
const matchBody = 2048

func (t *issueTexts) events(n int) []matchEvent {
	events := make([]matchEvent, n)
	for i := range events {
		says := t.issue()
		events[i] = matchEvent{says.body(t.random, matchBody), says.terms()}
	}
	return events
}

// body is the event of an update of the issue, in Jira's shape. What is left of the size is the issue's description.
func (says *issueSays) body(random *rand.Rand, size int) []byte {
	var b bodyWriter
	b.head(random, says)
	b.fields(random, says)
	tail := propertiesOf(says)
	b.others(random, size*2/3)
	b.add(`,"description":"`)
	body := appendProse([]byte(b.String()), random, max(0, size-b.Len()-len(tail)-2))
	return append(append(body, `"}`...), tail...)
}

// bodyWriter writes the parts of a body.
type bodyWriter struct{ strings.Builder }

func (b *bodyWriter) add(format string, args ...any) { fmt.Fprintf(b, format, args...) }

func (b *bodyWriter) head(random *rand.Rand, says *issueSays) {
	b.add(`{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue_event_type_name":"issue_generic","user":%s,`,
		1_790_000_000_000+random.Int64N(1e9), user(pick(random, people)))
	b.add(`"changelog":{"id":"%d","items":[{"field":"description","fieldtype":"jira","fieldId":"description","from":null,`+
		`"fromString":"","to":null,"toString":"new"}]},`, 10_000+random.IntN(1e6))
	id := 10_000 + random.IntN(1e6)
	b.add(`"issue":{"id":"%d","self":"https://jira.example/rest/api/2/issue/%d","key":%q,"fields":{`, id, id, says[keyAttribute][0])
}

func (b *bodyWriter) fields(random *rand.Rand, says *issueSays) {
	b.add(`"issuetype":%s,`, named(random, says[typeAttribute], false))
	b.add(`"project":{"id":"%d","key":%q,"name":"The %s project"},`, 20_000+random.IntN(1000), says[projectAttribute][0], says[projectAttribute][0])
	b.add(`"status":%s,`, named(random, says[statusAttribute], false))
	b.add(`"priority":%s,`, named(random, says[priorityAttribute], false))
	b.add(`"resolution":%s,`, named(random, says[resolutionAttribute], false))
	b.add(`"assignee":%s,`, userOrNull(says[assigneeAttribute]))
	b.add(`"reporter":%s,`, userOrNull(says[reporterAttribute]))
	b.add(`"labels":[%s],`, quotedList(says[labelAttribute]))
	b.add(`"components":%s,`, named(random, says[componentAttribute], true))
	b.add(`"fixVersions":%s,`, named(random, says[versionAttribute], true))
	b.add(`"customfield_10014":%s,`, textOrNull(says[epicAttribute]))
	b.add(`"customfield_10020":%s,`, textOrNull(says[teamAttribute]))
	b.add(`"created":"2026-09-01T08:15:30.000+0200","updated":"2026-11-02T17:45:00.000+0100","summary":"Prices of the day before"`)
}

// others writes custom fields for which no filter asks until there are so many bytes. As on most sites, most are null.
func (b *bodyWriter) others(random *rand.Rand, size int) {
	for id := 11_000; b.Len() < size; id++ {
		b.add(`,"customfield_%d":`, id)
		switch random.IntN(6) {
		case 0:
			b.add(`{"self":"https://jira.example/rest/api/2/customFieldOption/%d","value":"Option %d","id":"%d"}`, id, id, id)
		case 1:
			b.add(`%d.0`, random.IntN(100))
		default:
			b.add(`null`)
		}
	}
}

// named is a value that has a name and an id, null if there is none, or all of them in an array.
func named(random *rand.Rand, names []string, list bool) string {
	all := make([]string, len(names))
	for i, name := range names {
		id := 1 + random.IntN(99_999)
		all[i] = fmt.Sprintf(`{"self":"https://jira.example/rest/api/2/entity/%d","id":"%d","name":%q}`, id, id, name)
	}
	switch {
	case list:
		return "[" + strings.Join(all, ",") + "]"
	case len(all) == 0:
		return "null"
	}
	return all[0]
}

func userOrNull(accounts []string) string {
	if len(accounts) == 0 {
		return "null"
	}
	return user(person{accounts[0], "Kim Example"})
}

func textOrNull(texts []string) string {
	if len(texts) == 0 {
		return "null"
	}
	return quoted(texts[0])
}

func quotedList(texts []string) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = quoted(text)
	}
	return strings.Join(all, ",")
}

// propertiesOf is the end of the body, from the entity properties on.
func propertiesOf(says *issueSays) string {
	var app, all []string
	for _, a := range []int{stateAttribute, tierAttribute} {
		if len(says[a]) > 0 {
			app = append(app, fmt.Sprintf("%q:%q", attributes[a].field.Path, says[a][0]))
		}
	}
	if len(app) > 0 {
		all = append(all, `"app":{`+strings.Join(app, ",")+"}")
	}
	if len(says[syncAttribute]) > 0 {
		all = append(all, fmt.Sprintf(`"sync":%q`, says[syncAttribute][0]))
	}
	return `,"properties":{` + strings.Join(all, ",") + "}}}"
}
