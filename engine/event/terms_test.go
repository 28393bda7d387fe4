package event

import (
	"slices"
	"testing"

	"hookline/jql"
)

type termCase struct {
	body    string // members of the root object besides webhookEvent
	terms   []string
	present bool // without terms; with terms a field is always present
}

func runTermCases(t *testing.T, f jql.Field, cases []termCase) {
	t.Helper()
	for _, c := range cases {
		for _, body := range []string{
			`{"webhookEvent":"issue_property_set",` + c.body + `}`,
			"{\n" + c.body + "\n,\t\"webhookEvent\" : \"issue_property_set\" }",
		} {
			terms, present := scanFor(t, f, body)
			want := slices.Sorted(slices.Values(c.terms))
			if there := c.present || len(want) > 0; !slices.Equal(terms, want) || present != there {
				t.Errorf("%v in %s:\n got %q, present %v\nwant %q, present %v",
					f, body, terms, present, want, there)
			}
		}
	}
}

func issue(members string) string { return `"issue":{` + members + `}` }
func fields(members string) string {
	return `"issue":{"self":"x","fields":{"summary":"s",` + members + `,"votes":{"name":"no","id":"0"}}}`
}

func TestNamedFields(t *testing.T) {
	for _, name := range []string{"issuetype", "status", "priority"} {
		m := `"` + name + `":`
		runTermCases(t, jql.Field{Name: name}, []termCase{
			{fields(m + `{"name":"In Progress","id":"3"}`), []string{folded("In Progress"), "3"}, false},
			{fields(m + `{"id":3,"statusCategory":{"id":4,"name":"Other"},"name":"ÄÖ"}`), []string{folded("äö"), "3"}, false},
			{fields(m + `{"name":"In\u0020Progress"}`), []string{folded("in progress")}, false},
			{fields(m + `{"na\u006de":"Done"}`), []string{folded("done")}, false},
			{fields(m + `"Done"`), []string{folded("done")}, false},
			{fields(m + `7`), []string{"7"}, false},
			{fields(m + `[{"name":"x"},"y",null,"",[{"id":"z"}]]`), []string{"x", "y", "z"}, false},
			{fields(m + `[{}]`), nil, true},
			{fields(m + `{"name":null,"id":""}`), nil, true},
			{fields(m + `{"Name":"x","key":"y"}`), nil, true},
			{fields(m + `{"name":{"id":"1"},"id":["1"]}`), nil, true},
			{fields(m + `true`), nil, true},
			{fields(m + `null`), nil, false},
			{fields(m + `""`), nil, false},
			{fields(m + `[]`), nil, false},
			{fields(m + `[null,""]`), nil, false},
			{`"issue":{"fields":[{` + m + `"x"},[{` + m + `{"id":"y"}}],5]}`, []string{"x", "y"}, false},
			{fields(`"other":{"` + name + `":"x"}`), nil, false},
			{issue(m + `"x"`), nil, false},
			{`"fields":{` + m + `"x"}`, nil, false},
			{`"issue":null`, nil, false},
			{`"issue":[` + `{"fields":{` + m + `"x"}}]`, nil, false},
			{issue(`"fields":null`), nil, false},
		})
	}
}

func TestProject(t *testing.T) {
	runTermCases(t, jql.Field{Name: "project"}, []termCase{
		{fields(`"project":{"id":"10000","key":"EX","name":"Example One"}`), []string{"10000", folded("ex"), folded("example one")}, false},
		{fields(`"project":{"id":10000}`), []string{"10000"}, false},
		{fields(`"project":"EX"`), []string{folded("ex")}, false},
		{fields(`"project":{}`), nil, true},
		{fields(`"project":null`), nil, false},
		{`"project":{"id":1,"key":"EX"}`, nil, false},
	})
}

func TestIssueKey(t *testing.T) {
	runTermCases(t, jql.Field{Name: "issuekey"}, []termCase{
		{issue(`"id":"10002","key":"EX-1"`), []string{"10002", folded("ex-1")}, false},
		{issue(`"fields":{"key":"no","id":"0"},"key":"EX-1"`), []string{folded("ex-1")}, false},
		{issue(`"id":10002`), []string{"10002"}, false},
		{issue(`"id":null,"key":""`), nil, true},
		{`"issue":[{"key":"EX-1"}]`, nil, false},
		{`"issue":"EX-1"`, nil, false},
	})
}

func TestUsers(t *testing.T) {
	for _, name := range []string{"assignee", "reporter"} {
		m := `"` + name + `":`
		runTermCases(t, jql.Field{Name: name}, []termCase{
			{fields(m + `{"accountId":"5b10A:x","displayName":"Mia"}`), []string{"5b10A:x"}, false},
			{fields(m + `{"name":"mia","accountId":"5b10A","key":"k"}`), []string{"5b10A"}, false},
			{fields(m + `{"key":"JIRAUSER1","name":"Mia","emailAddress":"m@example.test"}`), []string{"JIRAUSER1", "Mia"}, false},
			{fields(m + `{"name":"mia"}`), []string{"mia"}, false},
			{fields(m + `{"accountId":"","key":"k"}`), []string{"k"}, false},
			{fields(m + `{"accountId":null,"name":"n"}`), []string{"n"}, false},
			{fields(m + `{"accountId":"a\u002db"}`), []string{"a-b"}, false},
			{fields(m + `{"key":"a\u002db","name":"c\u002dd"}`), []string{"a-b", "c-d"}, false},
			{fields(m + `{"accountId":["a"],"name":"n"}`), []string{"n"}, false},
			{fields(m + `{"accountId":5}`), []string{"5"}, false},
			{fields(m + `"Mia"`), []string{"Mia"}, false},
			{fields(m + `[{"accountId":"a"},{"name":"n"}]`), []string{"a", "n"}, false},
			{fields(m + `{"displayName":"Mia"}`), nil, true},
			{fields(m + `{}`), nil, true},
			{fields(m + `null`), nil, false},
			{fields(m + `""`), nil, false},
		})
	}
}

func TestEpicLink(t *testing.T) {
	runTermCases(t, jql.Field{Name: "customfield_10014"}, []termCase{
		{fields(`"customfield_10014":"EX-7"`), []string{folded("ex-7")}, false},
		{fields(`"customfield_10014":{"id":"70","key":"EX-7","name":"no"}`), []string{"70", folded("ex-7")}, false},
		{fields(`"customfield_10014":70`), []string{"70"}, false},
		{fields(`"customfield_10015":"EX-7"`), nil, false},
		{fields(`"customfield_10014":null`), nil, false},
		{fields(`"customfield_10014":""`), nil, false},
	})
}

func TestPropertyPath(t *testing.T) {
	in := func(value string) string { return issue(`"properties":{"a.b":` + value + `,"z":{"x":{"y":"no"}}}`) }
	runTermCases(t, jql.Field{Name: "issue.property", Key: "a.b", Path: "x.y"}, []termCase{
		{in(`{"x":{"y":"Word"}}`), []string{text("Word")}, false},
		{in(`{"x":{"y":5.0}}`), []string{number("5.0")}, false},
		{in(`{"x":{"y":true}}`), []string{boolean(true)}, false},
		{in(`{"x":{"y":["a",1,false,null,"",["b"]]}}`), []string{text("a"), number("1"), boolean(false), text("b")}, false},
		{in(`{"x":[{"y":"a"},{"y":["b"]},{"z":"c"},"d",[{"y":"e"}]]}`), []string{text("a"), text("b"), text("e")}, false},
		{in(`[{"x":{"y":"a"}}]`), []string{text("a")}, false},
		{in(`{"x":{"y":{"z":1}}}`), nil, true},
		{in(`{"x":{"y":[{},"a"]}}`), []string{text("a")}, true},
		{in(`{"x":{"y":1e999999999999}}`), nil, true},
		{in(`{"x":{"y":[]}}`), nil, false},
		{in(`{"x":{"y":null}}`), nil, false},
		{in(`{"x":{"y":""}}`), nil, false},
		{in(`{"x":{}}`), nil, false},
		{in(`{"x":"y"}`), nil, false},
		{in(`{"x.y":"no"}`), nil, false},
		{in(`null`), nil, false},
		{issue(`"properties":[]`), nil, false},
		{issue(`"properties":[{"a.b":{"x":{"y":1}}}]`), nil, false},
		{`"properties":{"a.b":{"x":{"y":1}}}`, nil, false},
	})
}

func TestWholeProperty(t *testing.T) {
	runTermCases(t, jql.Field{Name: "issue.property", Key: "k"}, []termCase{
		{issue(`"properties":{"k":"v"}`), []string{text("v")}, false},
		{issue(`"properties":{"k":{"a":1}}`), nil, true},
		{issue(`"properties":{"k":[1,2]}`), []string{number("1"), number("2")}, false},
		{issue(`"properties":{"K":"v"}`), nil, false},
	})
}

func TestRootProperty(t *testing.T) {
	runTermCases(t, jql.Field{Name: "issue.property", Key: "k", Path: "a"}, []termCase{
		{`"property":{"key":"k","value":{"a":1}}`, []string{number("1")}, false},
		{`"property":{"value":[{"a":1},{"a":{}}],"key":"\u006b"}`, []string{number("1")}, true},
		{`"property":{"key":"k","value":{"a":1}},` + issue(`"properties":{"k":{"a":2}}`), []string{number("1"), number("2")}, false},
		{`"property":{"key":"other","value":{"a":1}}`, nil, false},
		{`"property":{"key":"k"}`, nil, false},
		{`"property":{"key":["k"],"value":{"a":1}}`, nil, false},
		{`"property":[{"key":"k","value":{"a":1}}]`, nil, false},
	})
	terms, present := scanFor(t, jql.Field{Name: "issue.property", Key: "k"},
		`{"property":{"key":"k","value":"v"},"webhookEvent":"issue_property_deleted"}`)
	if terms != nil || present {
		t.Errorf("the root property of another event counts: %q %v", terms, present)
	}
}

func TestSharedPrefixes(t *testing.T) {
	plan := NewPlan([]jql.Field{
		{Name: "issue.property", Key: "k", Path: "a.b"},
		{Name: "issue.property", Key: "k", Path: "a"},
		{Name: "issue.property", Key: "k", Path: "a.b"},
		{Name: "project"},
		{Name: "project"},
	}, jql.Env{})
	var s Scanner
	r := newRecord()
	body := `{"issue":{"fields":{"project":{"id":"1"}},"properties":{"k":{"a":[{"b":1},2]}}},"webhookEvent":"x"}`
	if _, err := s.scan([]byte(body), plan, r); err != nil {
		t.Fatal(err)
	}
	for slot, want := range [][]string{{number("1")}, {number("2")}, {number("1")}, {"1"}, {"1"}} {
		if got := r.set(slot); !slices.Equal(got, want) || !r.present[slot] {
			t.Errorf("slot %d: %q, present %v; want %q", slot, got, r.present[slot], want)
		}
	}
}

func TestEngineFields(t *testing.T) {
	runTermCases(t, TypeField, []termCase{{`"event":"no"`, []string{"issue_property_set"}, false}})
	runTermCases(t, ChangedField, []termCase{
		{`"changelog":{"id":"1","items":[{"field":"Fix Version","fieldId":"fixVersions"},{"field":"status"}]}`, []string{"fixVersions", "status"}, false},
		{`"changelog":{"items":[{"fieldId":"","field":"Sprint"},{"fieldId":null,"field":"Rank"},{}]}`, []string{"Sprint", "Rank"}, false},
		{`"changelog":{"items":[]}`, nil, false},
		{`"changelog":{"items":["status",["x"],null]}`, nil, false},
		{`"changelog":{"items":[{"field":"status","fieldId":10},{"field":7},{"items":[{"field":"status"}]}]}`, []string{"status"}, false},
		{`"changelog":{"items":{"field":"status"}}`, nil, false},
		{`"changelog":{"items":[[{"field":"status"}]]}`, nil, false},
		{`"changelog":[{"items":[{"field":"status"}]}]`, nil, false},
		{`"changelog":null`, nil, false},
	})
	runTermCases(t, PropertyField, []termCase{
		{`"property":{"key":"My.Key","value":1}`, []string{"My.Key"}, false},
		{`"property":{"key":""}`, nil, false},
		{`"property":{"key":7}`, nil, false},
		{`"property":null`, nil, false},
	})
	runTermCases(t, IssueField, []termCase{
		{`"issue":{}`, nil, true},
		{`"issue":null`, nil, false},
		{`"issue":"EX-1"`, nil, false},
		{`"worklog":{"issue":{}}`, nil, false},
	})
	runTermCases(t, MergedField, []termCase{
		{`"mergedTo":{"id":"1"}`, nil, true},
		{`"mergedTo":null`, nil, false},
		{`"version":{"mergedTo":{}}`, nil, false},
	})
}

func TestUnknownFieldIsEmpty(t *testing.T) {
	for _, f := range []jql.Field{{}, {Name: "nosuch"}, {Name: "fields"}, {Name: "event.nosuch"}} {
		terms, present := scanFor(t, f, `{"webhookEvent":"x","nosuch":"x","issue":{"fields":{"nosuch":"x"}}}`)
		if terms != nil || present {
			t.Errorf("%v: %q %v", f, terms, present)
		}
	}
}

func TestHeader(t *testing.T) {
	for body, want := range map[string]Header{
		`{"webhookEvent":"jira:issue_updated","issue":{},"timestamp":1}`:   {Type: "jira:issue_updated", HasIssue: true, HasTimestamp: true},
		`{"webhookEvent":"comment\u005fcreated"}`:                          {Type: "comment_created"},
		`{"timestamp":null,"webhookEvent":"made:up","issue":[]}`:           {Type: "made:up", HasTimestamp: true},
		`{"issue":{"webhookEvent":"no","timestamp":2},"webhookEvent":"x"}`: {Type: "x", HasIssue: true},
	} {
		var s Scanner
		got, err := s.scan([]byte(body), NewPlan(nil, jql.Env{}), newRecord())
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		got = Header{Type: got.Type, HasIssue: got.HasIssue, HasTimestamp: got.HasTimestamp}
		if got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}
