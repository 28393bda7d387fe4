package jql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hookline/jql"
)

func ExampleParse() {
	q, err := jql.Parse(`project=EX and(status in (Done,"In Progress")or !assignee is null)`)
	fmt.Println(q, err)

	_, err = jql.Parse("project = EX AND status Done")
	fmt.Println(err)
	// Output:
	// project = EX AND (status IN (Done, "In Progress") OR NOT assignee IS EMPTY) <nil>
	// Error in the JQL Query: Expecting operator but got 'Done'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'. (line 1, character 25)
}

func ExampleDialect_Check() {
	q, _ := jql.Parse("project is not EMPTY AND myClause = 1")
	fmt.Println(jql.Dynamic(jql.Env{}).Check(q))
	// Output:
	// The operator IS NOT is unsupported; The clause myClause is unsupported
}

func ExampleFull() {
	site := jql.Env{
		Custom:     []jql.CustomField{{ID: 10016, Name: "Story Points", Kind: jql.KindNumber}},
		Priorities: []string{"Low", "Medium", "High"},
	}
	for _, query := range []string{
		`"Story Points" > 5 AND priority >= Medium AND summary ~ "fire*"`,
		`status CHANGED TO Done BY 5b10ac8d82 AND due < endOfWeek()`,
		`summary = fire AND due > tomorrow AND status WAS Done`,
	} {
		q, _ := jql.Parse(query)
		if err := jql.Full(site).Check(q); err != nil {
			for _, p := range err.(*jql.CheckError).Problems {
				fmt.Printf("character %d: %.60s\n", p.Pos.Column, p.Message)
			}
			continue
		}
		f, _ := jql.Compile(q, site)
		fmt.Println(f)
	}
	// Output:
	// (customfield_10016 > "n"+"a15" AND priority IN ("high", "medium") AND summary/words ~ "fire*")
	// (actor IN ("5b10ac8d82") AND due < "t"+endOfWeek()/Monday@UTC AND status/to IN ("done"))
	// character 1: The operator '=' is not supported by the 'summary' field.
	// character 26: Date value 'tomorrow' for field 'due' is invalid. Valid form
	// character 39: The operator 'WAS' needs the history of the issue, which an
}

func ExampleCompile() {
	q, _ := jql.Parse(`NOT (type = Bug OR assignee = EMPTY) AND project IN (EX, "Example")`)
	f, err := jql.Compile(q, jql.Env{})
	fmt.Println(f, err)

	event := map[string][]string{"project": {"ex", "10000"}, "issuetype": {"task", "3"}, "assignee": {"5b10"}}
	fmt.Println(f.Holds(func(field jql.Field) ([]string, bool) {
		terms, present := event[field.Name]
		return terms, present
	}, time.Now()))
	// Output:
	// (assignee IS NOT EMPTY AND issuetype NOT IN ("bug") AND project IN ("ex", "example")) <nil>
	// true
}

func ExampleNewFilter() {
	q, _ := jql.Parse("project = EX")
	f, _ := jql.Compile(q, jql.Env{})
	wrapped := jql.NewFilter(&jql.AllOf{Nodes: []jql.Node{
		&jql.Test{Field: jql.Field{Name: "event"}, Terms: []string{"jira:issue_updated", "jira:issue_created"}},
		f.Root(),
	}})
	fmt.Println(wrapped)
	// Output:
	// (event IN ("jira:issue_created", "jira:issue_updated") AND project IN ("ex"))
}

func ExampleEvaluate() {
	body := `{"issue": {"key": "EX-1", "fields": {"project": {"key": "EX"}, "assignee": null}}}`
	var doc any
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		fmt.Println(err)
	}
	for _, query := range []string{"project = ex", "assignee != fred", "NOT assignee = fred", "assignee = EMPTY"} {
		q, _ := jql.Parse(query)
		fmt.Println(query, jql.Evaluate(q, jql.Env{}, doc, time.Now()))
	}
	// Output:
	// project = ex true
	// assignee != fred false
	// NOT assignee = fred false
	// assignee = EMPTY true
}
