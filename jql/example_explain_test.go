package jql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hookline/jql"
)

func ExampleExplain() {
	body := `{"issue": {"key": "EX-7", "fields": {
		"project": {"key": "EX"}, "status": {"name": "To Do", "id": "10001"}, "assignee": null, "created": "2026-01-01T10:00:00.000+0000"
	}}}`
	var doc any
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&doc); err != nil {
		fmt.Println(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

	q, _ := jql.Parse(`project = EX AND (status = Done OR assignee != "5b10") AND created > -7d`)
	e := jql.Explain(q, jql.Env{}, doc, now)
	fmt.Print(e.Text(false))

	status := e.Parts[1].Parts[0]
	fmt.Println(status.JQL, status.Holds, status.Found[0].Path, status.Found[0].Value)
	// Output:
	// does not match
	//   ✓ project = EX            project is EX  $.issue.fields.project.key
	// > ✗ AND (status = Done      status is To Do (id 10001)  $.issue.fields.status.name
	// > ✗   OR assignee != 5b10)  assignee is empty, and a comparison with an empty field never holds
	// > ✗ AND created > -7d       created is 2026-01-01T10:00Z, not after 2026-11-15T12:00Z (7 days before now)  $.issue.fields.created
	// status = Done false $.issue.fields.status.name To Do
}
