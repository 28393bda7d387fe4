package bench

import (
	"fmt"

	"hookline/jql"
)

// attribute is one of the things that the filters of the matching workload ask of an issue.
type attribute struct {
	jql     string           // how a filter spells it
	path    []string         // of its text in a body
	values  int              // that there are; of the project as many as there are projects
	filled  float64          // share of issues that have one
	several int              // an issue has up to so many
	weight  int              // how often filters ask for it; for the project they have another rule
	text    func(int) string // by value
	field   jql.Field        // what jql stands for, and its kind
	kind    jql.Kind
}

// The places of the attributes in whatever is kept by attribute.
const (
	projectAttribute = iota
	statusAttribute
	typeAttribute
	priorityAttribute
	assigneeAttribute
	reporterAttribute
	keyAttribute
	labelAttribute
	componentAttribute
	resolutionAttribute
	stateAttribute
	tierAttribute
	syncAttribute
	epicAttribute
	teamAttribute
	versionAttribute
	attributeCount
)

var attributes = [attributeCount]attribute{
	projectAttribute: {
		jql: "project", field: jql.Field{Name: "project"}, kind: jql.KindProject,
		path: fieldPath("project", "key"), filled: 1, several: 1, text: numbered("PRJ%d"),
	},
	statusAttribute: {
		jql: "status", field: jql.Field{Name: "status"}, kind: jql.KindNamed,
		path: fieldPath("status", "name"), values: 12, filled: 1, several: 1, weight: 20,
		text: oneOf("To Do", "In Progress", "In Review", "Blocked", "Done", "Backlog", "Selected", "Testing", "Released",
			"Reopened", "Waiting", "Rejected"),
	},
	typeAttribute: {
		jql: "issuetype", field: jql.Field{Name: "issuetype"}, kind: jql.KindNamed,
		path: fieldPath("issuetype", "name"), values: 8, filled: 1, several: 1, weight: 15,
		text: oneOf("Bug", "Task", "Story", "Epic", "Sub-task", "Incident", "Change", "Question"),
	},
	priorityAttribute: {
		jql: "priority", field: jql.Field{Name: "priority"}, kind: jql.KindNamed,
		path: fieldPath("priority", "name"), values: 5, filled: 1, several: 1, weight: 12,
		text: oneOf("Lowest", "Low", "Medium", "High", "Highest"),
	},
	assigneeAttribute: {
		jql: "assignee", field: jql.Field{Name: "assignee"}, kind: jql.KindUser,
		path: fieldPath("assignee", "accountId"), values: 5000, filled: 0.85, several: 1, weight: 10, text: account,
	},
	reporterAttribute: {
		jql: "reporter", field: jql.Field{Name: "reporter"}, kind: jql.KindUser,
		path: fieldPath("reporter", "accountId"), values: 5000, filled: 1, several: 1, weight: 5, text: account,
	},
	keyAttribute: {
		jql: "issuekey", field: jql.Field{Name: "issuekey"}, kind: jql.KindIssue,
		path: []string{"issue", "key"}, values: 100_000, filled: 1, several: 1, weight: 2, text: numbered("KEY-%d"),
	},
	labelAttribute: {
		jql: "labels", field: jql.Field{Name: "labels"}, kind: jql.KindExact,
		path: fieldPath("labels"), values: 300, filled: 0.7, several: 4, weight: 10, text: numbered("label-%d"),
	},
	componentAttribute: {
		jql: "component", field: jql.Field{Name: "component"}, kind: jql.KindNamed,
		path: fieldPath("components", "name"), values: 400, filled: 0.6, several: 3, weight: 8,
		text: numbered("Component %d"),
	},
	resolutionAttribute: {
		jql: "resolution", field: jql.Field{Name: "resolution"}, kind: jql.KindNamed,
		path: fieldPath("resolution", "name"), values: 6, filled: 0.4, several: 1, weight: 4,
		text: oneOf("Fixed", "Duplicate", "Declined", "Cannot Reproduce", "Won't Do", "Done"),
	},
	stateAttribute: {
		jql: "issue.property[app].state", field: jql.Field{Name: "issue.property", Key: "app", Path: "state"}, kind: jql.KindProperty,
		path: propertyPath("app", "state"), values: 10, filled: 0.4, several: 1, weight: 3,
		text: numbered("state-%d"),
	},
	tierAttribute: {
		jql: "issue.property[app].tier", field: jql.Field{Name: "issue.property", Key: "app", Path: "tier"}, kind: jql.KindProperty,
		path: propertyPath("app", "tier"), values: 50, filled: 0.2, several: 1, weight: 3,
		text: numbered("tier-%d"),
	},
	syncAttribute: {
		jql: "issue.property[sync]", field: jql.Field{Name: "issue.property", Key: "sync"}, kind: jql.KindProperty,
		path: propertyPath("sync"), values: 20, filled: 0.1, several: 1, weight: 2,
		text: numbered("sync-%d"),
	},
	epicAttribute: {
		jql: `"Epic Link"`, field: jql.Field{Name: "customfield_10014"}, kind: jql.KindLink,
		path: fieldPath("customfield_10014"), values: 500, filled: 0.5, several: 1, weight: 3,
		text: numbered("EPIC-%d"),
	},
	teamAttribute: {
		jql: "cf[10020]", field: jql.Field{Name: "customfield_10020"}, kind: jql.KindAny,
		path: fieldPath("customfield_10020"), values: 40, filled: 0.6, several: 1, weight: 3,
		text: numbered("Team %d"),
	},
	versionAttribute: {
		jql: "fixVersion", field: jql.Field{Name: "fixVersion"}, kind: jql.KindNamed,
		path: fieldPath("fixVersions", "name"), values: 100, filled: 0.5, several: 2, weight: 4,
		text: numbered("Version %d"),
	},
}

func fieldPath(path ...string) []string { return append([]string{"issue", "fields"}, path...) }

func propertyPath(path ...string) []string { return append([]string{"issue", "properties"}, path...) }

func numbered(format string) func(int) string {
	return func(n int) string { return fmt.Sprintf(format, n) }
}

func oneOf(texts ...string) func(int) string { return func(n int) string { return texts[n] } }

// account makes an id of the length that those of Jira Cloud have.
func account(n int) string { return fmt.Sprintf("712020:%08x-0c3a-4f2e-9d51-%012x", n*2_654_435, n) }

// term is the form in which a text is compared.
func (a *attribute) term(text string) string { return string(a.kind.AppendTerm(nil, []byte(text))) }

// attributeOf finds the attribute of a field.
var attributeOf = func() map[jql.Field]int {
	places := map[jql.Field]int{}
	for a := range attributes {
		places[attributes[a].field] = a
	}
	return places
}()
