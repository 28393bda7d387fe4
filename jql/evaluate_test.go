package jql

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// noon counts as now.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) // a Sunday

// demoSite declares a field of every kind that can be declared: cf[1] to cf[10].
var demoSite = Env{
	Custom: []CustomField{
		{1, "A user", KindUser}, {2, "A thing", KindNamed}, {3, "A project", KindProject}, {4, "A link", KindLink},
		{5, "Some labels", KindExact}, {6, "A choice", KindOption}, {7, "A sprint", KindSprint}, {8, "A number", KindNumber},
		{9, "A date", KindDate}, {10, "A text", KindText},
	},
	Priorities: []string{"Low", "Medium", "High"},
}

// verdictOf evaluates a query in all ways there are, which must agree.
func verdictOf(t *testing.T, env Env, query string, doc any) bool {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	f, err := Compile(q, env)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	got := Evaluate(q, env, doc, noon)
	if e := Explain(q, env, doc, noon); e.Holds != got {
		t.Errorf("%s is %v, and explained as %v", query, got, e.Holds)
	}
	filtered := f.Holds(func(field Field) ([]string, bool) { return termsOf(env, doc, field) }, noon)
	if body, _ := doc.(map[string]any); body["issue"] != nil && filtered != got {
		t.Errorf("%s is %v, and as the filter %s %v", query, got, f, filtered)
	}
	return got
}

// fieldDoc is an event whose field has a value, given as JSON.
func fieldDoc(t *testing.T, field, value string) any {
	t.Helper()
	return decode(t, fmt.Sprintf(`{"issue": {"fields": {%q: %s}}}`, field, value))
}

// TestEvaluateKinds: for each kind values of right and wrong shape, and conditions that hold for them or do not. X
// stands for the field.
func TestEvaluateKinds(t *testing.T) {
	const (
		sprint = `"com.atlassian.greenhopper.service.sprint.Sprint@1f[id=3,rapidViewId=2,name=Sprint 7, the long one,goal=a=b, c,state=ACTIVE]"`
		neat   = `"com.atlassian.greenhopper.service.sprint.Sprint@1f[id=,name=]"`
	)
	tests := []struct {
		field, value string
		hold, fail   string // conditions with ";" between them
	}{
		{"cf[1]", `{"accountId": "5b10", "key": "k", "name": "n", "displayName": "Ada"}`,
			`X = 5b10; X != k; X IN (5b10, x); X NOT IN (x, Ada); X IS NOT EMPTY; X != currentUser(); NOT X = currentUser()`,
			`X = 5B10; X = k; X = Ada; X = currentUser(); X IN (currentUser(), EMPTY); X IS EMPTY`},
		{"cf[1]", `{"key": "k", "name": "n"}`, `X = k AND X = n`, `X = K`},
		{"cf[1]", `{"displayName": "Ada"}`, `X != Ada; X IS NOT EMPTY`, `X = Ada`},
		{"cf[1]", `"5b10"`, `X = 5b10`, `X = 5B10`},
		{"cf[1]", `[{"accountId": "a"}, {"accountId": "b"}]`, `X = a; X = b; X != c`, `X != a; X NOT IN (b)`},
		{"cf[1]", `null`, `X = EMPTY; X IN (currentUser(), EMPTY)`, `X != currentUser(); X != x; NOT X != x`},
		{"cf[2]", `{"name": "In Ärbeit", "id": 10001}`, `X = "in ärbeit"; X = 10001; X = "10001"`, `X = 010001; X = arbeit`},
		{"cf[2]", `"Plain"`, `X = plain`, `X = other`},
		{"cf[2]", `7`, `X = 7; X = "7"`, `X = "7.0"`},
		{"cf[2]", `true`, `X IS NOT EMPTY; X != "true"`, `X = "true"; X IS EMPTY`},
		{"cf[2]", `{"name": {}, "id": [1]}`, `X != x`, `X = 1; X IS EMPTY`},
		{"cf[3]", `{"key": "EX", "name": "Example", "id": "10000"}`, `X = ex; X = example; X = 10000`, `X = exa`},
		{"cf[4]", `{"key": "EX-1", "id": "5"}`, `X = ex-1; X = 5`, `X = ex-01`},
		{"cf[4]", `"EX-1"`, `X = ex-1`, `X = 1`},
		{"cf[5]", `["a", "B", 3]`, `X = a; X = B; X = 3; X != b`, `X = b; X = "3.0"; X NOT IN (a)`},
		{"cf[5]", `[{}, true]`, `X IS NOT EMPTY; X != a`, `X = "true"`},
		{"cf[6]", `{"value": "Berlin", "id": "77", "child": {"value": "Mitte", "id": "78"}}`,
			`X = berlin; X = 77; X = mitte; X = 78`, `X = child; X != mitte`},
		{"cf[6]", `{"child": "Mitte"}`, `X IS NOT EMPTY`, `X = mitte`},
		{"cf[6]", `[{"value": "a"}, "b"]`, `X = a; X = B`, `X = c`},
		{"cf[7]", `{"name": "Sprint 7", "id": 3}`, `X = "sprint 7"; X = 3`, `X = 7`},
		{"cf[7]", `[` + sprint + `]`, `X = "sprint 7, the long one"; X = 3`, `X = 2; X = active; X = ` + sprint},
		{"cf[7]", neat, `X IS NOT EMPTY; X != 3`, `X = ` + neat},
		{"cf[7]", `"Sprint [1]"`, `X = "sprint [1]"`, `X = 1`},
		{"cf[8]", `5.50`, `X = "5.5"; X = "55e-1"; X < 6; X <= "5.5"; X > 5; X >= "5.5"; X != 5; X IN (1, "5.500")`,
			`X < "5.5"; X > "5.5"; X >= 6; X != "5.5"`},
		{"cf[8]", `"5"`, `X = 5; X > -1`, `X > 5`},
		{"cf[8]", `"five"`, `X IS NOT EMPTY; X != 5`, `X = 5; X < 5; X >= 5; NOT X < 5; NOT X >= 5`},
		{"cf[8]", `[1, 10]`, `X < 5; X > 5; NOT X < 5; X != 5`, `X = 5; X > 10; X < 1`},
		{"cf[8]", `-0.0`, `X = 0; X >= 0; X <= 0`, `X < 0; X > 0`},
		{"cf[8]", `-12`, `X < -11; X > -13; X < 1`, `X > -12`},
		{"cf[8]", `1e999`, `X > 1; X = "10e998"`, `X < "1e998"`},
		{"cf[8]", `1e99999`, `X IS NOT EMPTY`, `X > 1; X < 1`},
		{"cf[8]", `true`, `X IS NOT EMPTY`, `X = 1; X > 0`},
		{"cf[8]", `null`, `X IS EMPTY`, `X < 1; X >= 1; NOT X < 1; X != 1`},
		{"cf[9]", `"2026-11-20T10:00:00.000+0100"`,
			`X > -7d; X < now(); X < -2d; X >= "2026-11-20 09:00"; X = "2026-11-20 09:00"; X < "2026/11/20 09:01"; X > startOfMonth(); X != now()`,
			`X > -2d; X = "2026-11-20"; X != "2026-11-20 09:00"; X > endOfDay(-2)`},
		{"cf[9]", `"2026-11-20"`, `X = "2026-11-20"; X = startOfDay(-2); X IN (now(), startOfDay(-2)); X <= "2026-11-20"`,
			`X != startOfDay(-2); X NOT IN (now(), startOfDay(-2)); X > "2026-11-20"`},
		{"cf[9]", `1795348800000`, `X = now(); X >= now(); X = "2026-11-22 12:00"`, `X > now()`},
		{"cf[9]", `"soon"`, `X IS NOT EMPTY; X != now()`, `X < now(); X >= now()`},
		{"cf[9]", `[]`, `X IS EMPTY`, `X < now(); NOT X < now(); X != now()`},
		{"cf[10]", `"The Login-Button, 2nd click"`,
			`X ~ button; X ~ "BUTTON the"; X ~ "2nd"; X ~ "\"login button\""; X ~ "but*"; X ~ "?utton click"; X !~ crash; X ~ "\"2nd\""; X ~ "log*n"
			 ` + `OR X ~ login; X ~ "the \"login button"; X ~ "*button*"`,
			`X ~ crash; X ~ "\"button login\""; X ~ "butto"; X ~ "butt?"; X !~ button; X ~ "button crash"; X ~ "log*n"; X IS EMPTY`},
		{"cf[10]", `["one", "two"]`, `X ~ "one two"; X !~ "\"one two\""`, `X ~ "\"one two\""`},
		{"cf[10]", `{"type": "doc"}`, `X !~ a; X IS NOT EMPTY`, `X ~ doc`},
		{"cf[10]", `7`, `X !~ 7; X IS NOT EMPTY`, `X ~ 7`},
		{"cf[10]", `""`, `X IS EMPTY`, `X ~ a; X !~ a; NOT X ~ a; NOT X !~ a`},
		{"cf[10]", `"e\u0301toile na\u00efve"`, "X ~ \"e\u0301toile\"; X ~ NA\u00cfVE", `X ~ e; X ~ toile; X ~ "étoile"`},
		// An undeclared field is whatever it looks like.
		{"cf[99]", `"Done"`, `X = done; X != x; X ~ done; X > aaa; X < e`, `X = don; X < abc; X > 5; X < 5; X > now()`},
		{"cf[99]", `5`, `X = 5; X = "5.0"; X > 4; X < 6; X IS NOT EMPTY`, `X = 6; X > now(); X ~ 5`},
		{"cf[99]", `"5"`, `X = 5; X ~ 5`, `X = "5.0"; X > 4; X < 6`},
		{"cf[99]", `true`, `X = "TRUE"; X = "true"; X != "false"`, `X = "false"; X ~ "true"`},
		{"cf[99]", `{"value": "Big Fire", "id": 7, "child": {"value": "b"}}`, `X = "big fire"; X = 7; X = b; X ~ fire`,
			`X > 5; X = "7.0"; X ~ b`},
		{"cf[99]", `{"accountId": "U1", "key": "K"}`, `X = u1; X = k`, `X ~ u1`},
		{"cf[99]", `"2026-11-20"`, `X = "2026-11-20"; X = startOfDay(-2); X < now(); X > -7d; X NOT IN (now())`, `X = "2026/11/20"; X > now()`},
		{"cf[99]", sprint, `X = "sprint 7, the long one"; X = 3; X ~ "long one"; X = ` + sprint, `X = active`},
	}
	for _, test := range tests {
		id := strings.Trim(test.field, "cf[]")
		doc := fieldDoc(t, "customfield_"+id, test.value)
		for want, conditions := range map[bool]string{true: test.hold, false: test.fail} {
			for condition := range strings.SplitSeq(conditions, ";") {
				query := strings.ReplaceAll(strings.TrimSpace(condition), "X ", test.field+" ")
				if got := verdictOf(t, demoSite, query, doc); got != want {
					t.Errorf("%s over %s: %v", query, test.value, got)
				}
			}
		}
	}
}

// TestEvaluateTruthTable covers what an operator, its opposite and NOT make of no value, one and several.
func TestEvaluateTruthTable(t *testing.T) {
	tests := []struct {
		condition, opposite string
		want, unwanted      string // over the values below: T or F
	}{
		{"X = 5", "X != 5", "FTFT", "FFTF"},
		{"X IN (5)", "X NOT IN (5)", "FTFT", "FFTF"},
		{"X IN (5, 8)", "X NOT IN (5, 8)", "FTTT", "FFFF"},
		{"X IN (5, EMPTY)", "X NOT IN (5, EMPTY)", "TTFT", "FFTF"},
		{"X IN (((5)), (EMPTY))", "X NOT IN (((5)), (EMPTY))", "TTFT", "FFTF"},
		{"X = EMPTY", "X != EMPTY", "TFFF", "FTTT"},
		{"X IS EMPTY", "X IS NOT EMPTY", "TFFF", "FTTT"},
		{"X < 7", "X >= 7", "FTFT", "FFTT"},
		{"X > 7", "X <= 7", "FFTT", "FTFT"},
		{"X ~ 5", "X !~ 5", "FTFT", "FFTF"},
		{"X ~ \"5 8\"", "X !~ \"5 8\"", "FFFT", "FTTF"},
	}
	fields := map[string][]string{
		"issue.property[p]": {`[]`, `5`, `8`, `[5, 8]`},
		"cf[8]":             {`null`, `"5"`, `8`, `[[5], 8]`},
		"cf[99]":            {`""`, `5`, `8`, `[null, 8, 5]`},
		"cf[10]":            {`null`, `"5"`, `"8"`, `["5", "8"]`},
	}
	for field, values := range fields {
		for i, value := range values {
			if field != "cf[8]" && i > 0 {
				value = strings.NewReplacer("5", `"5"`, "8", `"8"`).Replace(strings.ReplaceAll(value, `"`, ""))
			}
			doc := decode(t, fmt.Sprintf(`{"issue": {"properties": {"p": %s}, "fields":
				{"customfield_8": %s, "customfield_99": %s, "customfield_10": %s}}}`, value, value, value, value))
			for _, test := range tests {
				if !fits(t, field, test.condition) {
					continue
				}
				for query, want := range map[string]byte{
					test.condition: test.want[i], "NOT " + test.opposite: test.want[i], "NOT NOT " + test.condition: test.want[i],
					test.opposite: test.unwanted[i], "NOT " + test.condition: test.unwanted[i], "NOT NOT NOT " + test.condition: test.unwanted[i],
				} {
					query = strings.ReplaceAll(query, "X", field)
					if got := verdictOf(t, demoSite, query, doc); got != (want == 'T') {
						t.Errorf("%s over %s: %v", query, value, got)
					}
				}
			}
		}
	}
}

// fits tells whether a field has the operator of a condition, and orders numbers as the truth table has them.
func fits(t *testing.T, field, condition string) bool {
	q, err := Parse(strings.ReplaceAll(condition, "X", field))
	if err != nil {
		t.Fatal(err)
	}
	op := q.Where.(*Clause).Op
	if _, err := Compile(q, demoSite); err != nil {
		return false
	}
	return field == "cf[8]" || op < Less || op > GreaterEq
}

func TestEvaluateEvents(t *testing.T) {
	const issue = `"issue": {"key": "EX-12", "id": "7", "fields": {"priority": {"name": "Medium", "id": "3"}, "summary": "big fire",
		"comment": {"comments": [{"body": "put out"}, {"body": "ash"}]}, "assignee": {"accountId": "u1", "displayName": "Ada Lind"}},
		"properties": {"k": [{"a": {"b": 1}}, {"a": [{"b": "x"}, {"b": true}]}], "day": "2026-11-20"}}`
	tests := []struct {
		doc, hold, fail string
	}{
		{`{` + issue + `}`,
			`key > EX-5; key >= ex-012; key < EX-100; key <= "EX-12"; NOT key > EX-12`,
			`key > EX-12; key < AB-20; key > AB-2; NOT key < AB-20; key > "EX-99999999999999999999"`},
		{`{` + issue + `}`,
			`priority > low; priority >= MEDIUM; priority < High; priority <= high; NOT priority > High`, `priority > Medium; priority < Low`},
		{`{` + issue + `}`, `text ~ "fire ash"; comment ~ "put"; comment ~ "out ash"`, `comment ~ "\"out ash\""; comment ~ fire; text !~ fire`},
		{`{` + issue + `}`, `issue.property[k].a.b = 1; issue.property[k].a.b = x; issue.property[k].a.b = "true"; issue.property[k].a.b >= 1
			AND issue.property[k].a.b > a; issue.property[day] < now(); issue.property[day] = startOfDay(-2); issue.property[k] != x`,
			`issue.property[k].a.b = "TRUE"; issue.property[k].a.b > 1; issue.property[k].a = x; issue.property[day] = "2026/11/20"; issue.property[k].a.b = X`},
		{`{"webhookEvent": "jira:issue_updated", "user": {"accountId": "u2"}, ` + issue + `}`,
			`event = "jira:issue_updated"; actor = u2; actor != assignee; event != "JIRA:issue_updated"`, `actor = U2; event IS EMPTY`},
		{`{"comment": {"body": "hello"}, ` + issue + `}`, `comment ~ hello; text ~ "hello fire"`, ``},
		{`{"webhookEvent": "issue_property_set", "property": {"key": "k", "value": {"a": {"b": "new"}}}, ` + issue + `}`,
			`issue.property[k].a.b = new; issue.property[k].a.b = 1`, `issue.property[j].a.b = new`},
		{`{"webhookEvent": "issue_property_deleted", "property": {"key": "k", "value": {"a": {"b": "new"}}}, ` + issue + `}`,
			`issue.property[k].a.b != new`, `issue.property[k].a.b = new`},
		{`{"issue": {}}`, `assignee IS EMPTY; key IS NOT EMPTY; NOT status CHANGED; actor IS EMPTY`, `key = EX-1; assignee != x`},
		{`{"issue": null}`, ``, `assignee IS EMPTY; NOT assignee IS EMPTY; NOT status CHANGED`},
		{`[]`, ``, `assignee IS EMPTY; NOT assignee IS EMPTY; status CHANGED`},
	}
	for _, test := range tests {
		doc := decode(t, test.doc)
		for want, conditions := range map[bool]string{true: test.hold, false: test.fail} {
			for query := range strings.SplitSeq(conditions, ";") {
				if query == "" {
					continue
				}
				if got := verdictOf(t, demoSite, query, doc); got != want {
					t.Errorf("%s over %s: %v", query, test.doc, got)
				}
			}
		}
		if !verdictOf(t, demoSite, "ORDER BY key", doc) {
			t.Errorf("the empty query does not hold over %s", test.doc)
		}
	}
}

func TestEvaluateDisplayNames(t *testing.T) {
	env := Env{DisplayNames: true}
	doc := fieldDoc(t, "assignee", `[{"accountId": "u1", "displayName": "Ada Lind"}, {"displayName": "Bo"}]`)
	for query, want := range map[string]bool{
		`assignee = "ada lind"`: true, `assignee = u1`: true, `assignee = U1`: false, `assignee = bo`: true,
		`assignee != "Ada Lind"`: false, `assignee != u1`: false, `assignee != x`: true, `assignee NOT IN (x, BO)`: false,
		`NOT assignee IN ("ADA LIND", EMPTY)`: false,
	} {
		if got := verdictOf(t, env, query, doc); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestEvaluateChanges(t *testing.T) {
	const changelog = `{"user": {"accountId": "u1", "displayName": "Ada"}, "issue": {}, "changelog": {"items": [
		{"field": "status", "fieldId": "status", "from": "1", "fromString": "To Do", "to": "3", "toString": "Done"},
		{"field": "STATUS", "from": "3", "fromString": "Done", "to": "4", "toString": "Closed"},
		{"field": "status", "fieldId": "other", "from": "8", "fromString": "Never", "to": "9", "toString": "Ever"},
		{"field": "assignee", "fieldId": "assignee", "from": "u1", "fromString": "Ada", "tmpFromAccountId": "5b:1", "to": null, "toString": null},
		{"field": "reporter", "fieldId": "reporter", "from": null, "fromString": "Bo", "to": "u1", "toString": "Ada"},
		{"field": "labels", "fieldId": "labels", "from": "", "fromString": "", "to": "", "toString": "red  Green"},
		{"field": "Component", "fieldId": "components", "from": null, "fromString": null, "to": "5", "toString": "API, v2"},
		{"field": "A sprint", "fieldId": "customfield_7", "from": "1, 2", "fromString": "One, Two", "to": "2", "toString": "Two"},
		{"field": "A number", "fieldId": "customfield_8", "from": null, "fromString": "5.0", "to": "8", "toString": "eight"},
		{"field": "duedate", "fieldId": "duedate", "from": "2026-11-20", "fromString": "20/Nov/26", "to": 1, "toString": "2026-11-25 00:00"},
		{"field": "summary", "fieldId": "summary", "fromString": "Big  fire", "toString": "small fire"},
		{"field": "Undeclared", "fieldId": "customfield_99", "from": "10", "fromString": "Ten", "to": 11, "toString": ""},
		"odd", null, {}
	]}}`
	tests := []struct{ hold, fail string }{
		{`status CHANGED; status CHANGED FROM "to do"; status CHANGED FROM 1 TO 3; status CHANGED FROM 3 TO closed;
			status CHANGED FROM (x, ("To Do")) TO (Done, y); status CHANGED BY u1; status CHANGED TO Done BY (u2, u1)`,
			`status CHANGED FROM "To Do" TO Closed; status CHANGED TO Never; status CHANGED FROM EMPTY; status CHANGED TO "";
			status CHANGED BY u2; status CHANGED BY EMPTY; status CHANGED BY currentUser(); status CHANGED BY Ada; NOT status CHANGED`},
		{`assignee CHANGED FROM u1; assignee CHANGED FROM "5b:1"; assignee CHANGED TO EMPTY; assignee CHANGED FROM u1 TO (x, EMPTY)`,
			`assignee CHANGED FROM Ada; assignee CHANGED FROM U1; assignee CHANGED FROM currentUser(); assignee CHANGED TO u1`},
		{`reporter CHANGED; reporter CHANGED TO u1; NOT reporter CHANGED FROM EMPTY`, `reporter CHANGED FROM Bo; reporter CHANGED FROM EMPTY`},
		{`labels CHANGED FROM EMPTY TO red; labels CHANGED TO Green`, `labels CHANGED TO green; labels CHANGED FROM red; labels CHANGED TO "red  Green"`},
		{`component CHANGED FROM EMPTY TO 5; component CHANGED TO "api, v2"`, `component CHANGED TO api`},
		{`cf[7] CHANGED FROM one; cf[7] CHANGED FROM 2 TO two; cf[7] CHANGED FROM "One, two"; "a sprint" CHANGED FROM 1`, `cf[7] CHANGED TO 1`},
		{`cf[8] CHANGED FROM 5 TO 8; cf[8] CHANGED FROM "50e-1"`, `cf[8] CHANGED TO 5; cf[8] CHANGED FROM EMPTY`},
		{`due CHANGED FROM "2026-11-20" TO "2026/11/25"`, `due CHANGED FROM "2026-11-21"; due CHANGED TO "2026-11-20"`},
		{`summary CHANGED FROM "BIG  FIRE"; summary CHANGED TO "small fire"`, `summary CHANGED FROM fire; summary CHANGED FROM "big fire"`},
		{`cf[99] CHANGED FROM ten TO 11; cf[99] CHANGED FROM "1e1"; 99 CHANGED FROM 10`, `cf[99] CHANGED FROM 11; cf[99] CHANGED TO EMPTY`},
		{`NOT priority CHANGED; NOT priority CHANGED FROM x; NOT (priority CHANGED OR resolution CHANGED)`,
			`priority CHANGED; resolution CHANGED FROM EMPTY; NOT NOT priority CHANGED`},
	}
	doc := decode(t, changelog)
	silent := decode(t, `{"webhookEvent": "jira:issue_created", "issue": {"fields": {"status": {"name": "To Do"}}}}`)
	for _, test := range tests {
		for want, conditions := range map[bool]string{true: test.hold, false: test.fail} {
			for query := range strings.SplitSeq(conditions, ";") {
				if got := verdictOf(t, demoSite, query, doc); got != want {
					t.Errorf("%s: %v", query, got)
				}
				changed := strings.Count(query, "NOT")%2 == 0
				if got := verdictOf(t, demoSite, query, silent); got == changed {
					t.Errorf("%s without a changelog: %v", query, got)
				}
			}
		}
	}
	nobody := decode(t, `{"issue": {}, "changelog": {"items": [{"field": "status", "toString": "Done"}]}}`)
	if !verdictOf(t, demoSite, "status CHANGED TO Done BY EMPTY", nobody) || verdictOf(t, demoSite, "status CHANGED BY u1", nobody) {
		t.Error("an event without an actor is not one by EMPTY")
	}
}

// TestEvaluateRefused: what Compile refuses does not hold, nor does its opposite.
func TestEvaluateRefused(t *testing.T) {
	doc := decode(t, `{"issue": {"key": "EX-1", "fields": {"status": {"name": "a"}, "created": "2026-01-01", "customfield_8": 5, "summary": "a",
		"priority": {"name": "Low"}, "assignee": {"accountId": "u"}}},
		"changelog": {"items": [{"field": "status", "toString": "a"}, {"field": "created"}, {"field": "duedate"}]}}`)
	many := strings.TrimSuffix(strings.Repeat("a,", 101), ",")
	for _, query := range []string{
		`summary ~ "` + strings.Repeat("a ", maxWords+1) + `"`, `status CHANGED FROM (` + many + `) TO (` + many + `)`,
		`nofield = a`, `status[a] = a`, `issue.property[a].b[0] = 1`, `status > a`, `status ~ a`, `status WAS a`, `status WAS NOT IN (a)`,
		`summary = a`, `summary IN (a)`, `summary = EMPTY`, `summary ~ EMPTY`, `summary ~ "!"`, `summary ~ now()`, `summary ~ currentUser()`,
		`created = soon`, `created > 5`, `created < EX-1`, `created IN ("2026-01-01", soon)`, `created > startOfDay(x)`, `created > now(1)`,
		`created > bogus()`, `created = currentUser()`, `created CHANGED`, `due CHANGED FROM -1d`, `due CHANGED TO now()`, `due CHANGED TO soon`,
		`cf[8] = five`, `cf[8] > five`, `cf[8] > now()`, `cf[8] ~ 5`, `cf[8] CHANGED TO five`, `key > 5`, `key < EX`, `key CHANGED`,
		`priority > nothing`, `priority > currentUser()`, `assignee = currentUser(1)`, `assignee = now()`, `assignee > u`,
		`status = currentUser()`, `status IN (a, currentUser())`, `status CHANGED FROM now()`, `status CHANGED AFTER "2026-01-01"`,
		`status CHANGED TO a TO b`, `status CHANGED BY u BY v`, `status CHANGED BY now()`, `text CHANGED`, `issue.property[a] CHANGED`,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if _, err := Compile(q, demoSite); err == nil {
			t.Errorf("%s compiles", query)
		}
		for _, where := range []Expr{q.Where, &Not{Operand: q.Where}} {
			if Evaluate(&Query{Where: where}, demoSite, doc, noon) {
				t.Errorf("%s holds", where)
			}
		}
		e := Explain(q, demoSite, doc, noon)
		if e.Holds || !strings.HasPrefix(e.Reason, "the clause cannot be compared: ") {
			t.Errorf("%s is explained with %q", query, e.Reason)
		}
	}
}

// TestEvaluateFloats: documents decoded without json.Number evaluate alike.
func TestEvaluateFloats(t *testing.T) {
	var doc any
	text := `{"issue": {"fields": {"status": 1000000, "customfield_8": 0.1, "created": 1.7e12}, "properties": {"k": 1.5e2}}}`
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"status = 1000000", "issue.property[k] = 1.5e2", "cf[8] = 0.1", `created > "2023-11-14 22:13"`} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if !Evaluate(q, demoSite, doc, noon) {
			t.Errorf("%s does not hold over %v", query, doc)
		}
	}
}
