package jql

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// someDay is the time that counts as now.
var someDay = time.Date(2026, 2, 11, 10, 20, 30, 400_000_000, time.UTC)

// decode reads a JSON document as Evaluate wants it.
func decode(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// evaluateBoth runs a query over a document in both ways and expects them to agree.
func evaluateBoth(t testing.TB, query string, doc any) bool {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return checkAgreement(t, q, doc)
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkAgreement(t fataler, q *Query, doc any) bool {
	t.Helper()
	f, err := Compile(q, Env{})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	want := Evaluate(q, Env{}, doc, someDay)
	got := f.Holds(func(field Field) ([]string, bool) { return termsOf(Env{}, doc, field) }, someDay)
	if body, ok := doc.(map[string]any); q.Where != nil && (!ok || !isObject(body["issue"])) {
		got = false
	}
	if got != want {
		t.Fatalf("%s\nas a filter %s\nover %v\nevaluates to %v, the filter gives %v", q, f, doc, want, got)
	}
	return want
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// TestTruthTable covers every operator over an empty field, one value and several.
func TestTruthTable(t *testing.T) {
	tests := []struct {
		condition          string // of the field x
		none, a, b, both   bool   // with no value, a, b, and both of them
		opposite           string // what NOT condition is the same as
		oNone, oA, oB, oAB bool
	}{
		{"x = a", false, true, false, true, "x != a", false, false, true, false},
		{"x = EMPTY", true, false, false, false, "x != EMPTY", false, true, true, true},
		{"x IN (a)", false, true, false, true, "x NOT IN (a)", false, false, true, false},
		{"x IN (a, b)", false, true, true, true, "x NOT IN (a, b)", false, false, false, false},
		{"x IN (a, EMPTY)", true, true, false, true, "x NOT IN (a, EMPTY)", false, false, true, false},
		{"x IN ((a, c), (EMPTY))", true, true, false, true, "x NOT IN ((a, c), (EMPTY))", false, false, true, false},
		{"x IN (EMPTY)", true, false, false, false, "x NOT IN (NULL)", false, true, true, true},
		{"x IS EMPTY", true, false, false, false, "x IS NOT EMPTY", false, true, true, true},
	}
	values := []string{`[]`, `["a"]`, `["b"]`, `["a","b"]`}
	for _, test := range tests {
		check := func(condition string, want ...bool) {
			for i, value := range values {
				doc := decode(t, `{"issue":{"properties":{"x":`+value+`}}}`)
				query := asProperty(condition)
				if got := evaluateBoth(t, query, doc); got != want[i] {
					t.Errorf("%s with x = %s: %v", condition, value, got)
				}
			}
		}
		check(test.condition, test.none, test.a, test.b, test.both)
		check(test.opposite, test.oNone, test.oA, test.oB, test.oAB)
		check("NOT "+test.condition, test.oNone, test.oA, test.oB, test.oAB)
		check("NOT "+test.opposite, test.none, test.a, test.b, test.both)
		check("NOT NOT "+test.condition, test.none, test.a, test.b, test.both)
	}
}

// asProperty puts an entity property, which may have any number of values, in place of x.
func asProperty(condition string) string {
	return strings.Replace(condition, "x", "issue.property[x]", 1)
}

const sample = `{
	"webhookEvent": "jira:issue_updated",
	"issue": {
		"id": "10007", "key": "EX-7",
		"properties": {
			"flags": {"n": 5, "s": "5", "big": 1e999999999, "yes": true, "list": [1, "two", null, {"deep": "x"}], "none": null, "blank": "", "obj": {}},
			"my key": [{"a": 1.50}, {"a": [2, 3]}],
			"Ünï": "É"
		},
		"fields": {
			"project": {"id": "10000", "key": "EX", "name": "Example Ünit"},
			"issuetype": {"id": "3", "name": "Task"},
			"status": {"id": 10001, "name": "In Progress"},
			"priority": "Minor",
			"assignee": null,
			"reporter": {"accountId": "5b10ac8d82e05b22cc7d4ef5", "key": "fred", "name": "Fred"},
			"customfield_10014": "EX-1"
		}
	}
}`

func TestFields(t *testing.T) {
	doc := decode(t, sample)
	tests := []struct {
		query string
		want  bool
	}{
		{"", true},
		{"ORDER BY created", true},
		{"project = EX", true},
		{"project = ex", true},
		{`project = "example ünit"`, true},
		{`project = "EXAMPLE ÜNIT"`, true},
		{"project = 10000", true},
		{`project = "10000"`, true},
		{"project = 010000", false},
		{"space = EX AND PROJECT = EX", true},
		{"key = EX-7 AND issuekey = ex-7 AND issue = 10007 AND id = EX-7 AND ISSUEKEY = EX-7", true},
		{"key = EX-8", false},
		{"type = task AND issuetype = 3", true},
		{`status = "in progress" AND status = 10001`, true},
		{"priority = minor", true},
		{"priority != minor", false},
		{"priority = EMPTY", false},
		{"assignee = EMPTY", true},
		{"assignee != x", false},
		{"NOT assignee = x", false},
		{"assignee not in (x)", false},
		{"assignee != x OR assignee = EMPTY", true},
		{"reporter = 5b10ac8d82e05b22cc7d4ef5", true},
		{"reporter = 5B10ac8d82e05b22cc7d4ef5", false},
		{"reporter = fred OR reporter = Fred", false},
		{"reporter != fred", true},
		{`"epic link" = ex-1 AND cf[10014] = EX-1 AND 10014 = EX-1 AND customfield_10014 = EX-1 AND "cf[10014]" = EX-1 AND cf[010014] = EX-1`, true},
		{"issue.property[flags].n = 5", true},
		{"ISSUE.property[flags].n = 5.0", true},
		{"issue.property[flags].n = 5e0", true},
		{"issue.property[flags].n = 0.05E2 AND issue.property[flags].n = 50e-1", true},
		{"issue.property[Flags].n = 5", false},
		{"issue.property[flags].N = 5", false},
		{"issue.property[flags].s = 5", true},
		{"issue.property[flags].s = 5.0", false},
		{"issue.property[flags].n = five", false},
		{"issue.property[flags].n != five", true},
		{`issue.property[flags].big = 1e999999999`, false},
		{`issue.property[flags].big != EMPTY AND issue.property[flags].big != 1e999999999`, true},
		{`issue.property[flags].yes = "true"`, true},
		{`issue.property[flags].yes = "TRUE" OR issue.property[flags].yes = 1`, false},
		{"issue.property[flags].list = 1 AND issue.property[flags].list = two", true},
		{"issue.property[flags].list != three", true},
		{"issue.property[flags].list.deep = x", true},
		{"issue.property[flags].none = EMPTY AND issue.property[flags].blank = EMPTY AND issue.property[flags].what.ever = EMPTY", true},
		{"issue.property[flags].obj = EMPTY OR issue.property[flags].obj = x", false},
		{"issue.property[flags].obj != x AND issue.property[flags] != x", true},
		{`issue.property["my key"].a = 1.5 AND issue.property["my key"].a = 3`, true},
		{"issue.property[Ünï] = É", true},
		{"issue.property[Ünï] = é", false},
	}
	for _, test := range tests {
		if got := evaluateBoth(t, test.query, doc); got != test.want {
			t.Errorf("%s: %v", test.query, got)
		}
	}
}

func TestShapes(t *testing.T) {
	tests := []struct {
		query, doc string
		want       bool
	}{
		// No issue: nothing but the empty query.
		{"", `{}`, true},
		{"assignee = EMPTY", `{}`, false},
		{"NOT assignee = EMPTY", `{"issue":null}`, false},
		{"issue.property[k] = EMPTY", `{"issue_event":{}}`, false},
		{"assignee = EMPTY", `[]`, false},
		{"assignee = EMPTY", `{"issue":{}}`, true},
		{"assignee = EMPTY", `{"issue":{"fields":null}}`, true},
		// Users of Jira Server.
		{"assignee = Fred AND assignee = JIRAUSER1", `{"issue":{"fields":{"assignee":{"name":"Fred","key":"JIRAUSER1"}}}}`, true},
		{"assignee = fred", `{"issue":{"fields":{"assignee":{"name":"Fred"}}}}`, false},
		{"assignee = EMPTY OR assignee = x", `{"issue":{"fields":{"assignee":{}}}}`, false},
		{"assignee = fred", `{"issue":{"fields":{"assignee":{"accountId":"","name":"fred"}}}}`, true},
		// The Epic Link in its three shapes.
		{`"Epic Link" = EX-1`, `{"issue":{"fields":{"customfield_10014":{"key":"ex-1","id":"5"}}}}`, true},
		{`"Epic Link" = 5`, `{"issue":{"fields":{"customfield_10014":5}}}`, true},
		{`"Epic Link" = EMPTY`, `{"issue":{"fields":{"customfield_10014":""}}}`, true},
		// A property that was just set.
		{"issue.property[k].a = 1", `{"webhookEvent":"issue_property_set","property":{"key":"k","value":{"a":1}},"issue":{}}`, true},
		{"issue.property[k].a = 1", `{"webhookEvent":"issue_property_deleted","property":{"key":"k","value":{"a":1}},"issue":{}}`, false},
		{"issue.property[j].a = 1", `{"webhookEvent":"issue_property_set","property":{"key":"k","value":{"a":1}},"issue":{}}`, false},
		{"issue.property[k].a = 2", `{"webhookEvent":"issue_property_set","property":{"key":"k","value":{"a":1}},"issue":{"properties":{"k":{"a":2}}}}`, true},
		// Odd values.
		{"status = EMPTY", `{"issue":{"fields":{"status":[]}}}`, true},
		{"status = b", `{"issue":{"fields":{"status":[{"name":"a"},"B"]}}}`, true},
		{"status = EMPTY OR status = true1", `{"issue":{"fields":{"status":true}}}`, false},
		{"status = EMPTY OR status = x", `{"issue":{"fields":{"status":{"name":{},"id":[1]}}}}`, false},
		{"issue.property[k] = 10", `{"issue":{"properties":{"k":[[["x"],[1e1]]]}}}`, true},
		{"issue.property[k] = EMPTY", `{"issue":{"properties":{"k":[[],[null,""]]}}}`, true},
		{"issue.property[k] != 1", `{"issue":{"properties":{"k":[{}]}}}`, true},
		{`status = "STRASSE" OR status = "straSSe"`, `{"issue":{"fields":{"status":"straße"}}}`, false},
		{"status = \"\u212Aelvin\"", `{"issue":{"fields":{"status":"kELVIN"}}}`, true},
	}
	for _, test := range tests {
		if got := evaluateBoth(t, test.query, decode(t, test.doc)); got != test.want {
			t.Errorf("%s over %s: %v", test.query, test.doc, got)
		}
	}
}

// TestFloats: documents decoded without json.Number evaluate alike.
func TestFloats(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(`{"issue":{"fields":{"status":1000000},"properties":{"k":1.5e2}}}`), &doc); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"status = 1000000", "issue.property[k] = 1.5e2"} {
		q, _ := Parse(query)
		if !Evaluate(q, Env{}, doc, someDay) {
			t.Errorf("%s does not hold over %v", query, doc)
		}
	}
}

func TestEpicLinkID(t *testing.T) {
	env := Env{EpicLink: 77}
	doc := decode(t, `{"issue":{"fields":{"customfield_77":"EX-1","customfield_10014":"EX-2"}}}`)
	for query, want := range map[string]bool{`"Epic Link" = EX-1`: true, "cf[77] = EX-1": true, "cf[77] = EX-2": false} {
		q, _ := Parse(query)
		if got := Evaluate(q, env, doc, someDay); got != want {
			t.Errorf("%s: %v", query, got)
		}
		f, err := Compile(q, env)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Fields(); len(got) != 1 || got[0] != (Field{Name: "customfield_77"}) {
			t.Errorf("%s asks for %v", query, got)
		}
	}
	f, err := compileText("cf[10014] = EX-2")
	if err != nil || len(f.Fields()) != 1 {
		t.Errorf("another custom field is %v, %v", f, err)
	}
}
