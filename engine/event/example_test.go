package event_test

import (
	"errors"
	"fmt"
	"time"

	"hookline/engine/event"
	"hookline/jql"
	"hookline/matcher"
)

func Example() {
	query, err := jql.Parse(`project = LOOM AND status = "In Review"`)
	if err != nil {
		panic(err)
	}
	filter, err := jql.Compile(query, jql.Env{})
	if err != nil {
		panic(err)
	}
	index := matcher.New()
	index.Update([]matcher.Entry{{ID: 1000, Filter: filter}}, nil)

	view := index.View()
	plan := event.NewPlan(view.Fields(), jql.Env{}) // once for every view

	body := []byte(`{"webhookEvent": "jira:issue_updated", "issue": {"key": "LOOM-482",
		"fields": {"project": {"key": "LOOM"}, "status": {"name": "In review"}}}}`)
	var scanner event.Scanner
	var ev matcher.Event
	ev.Reset(view)
	header, err := scanner.Scan(body, plan, &ev)
	if err != nil {
		panic(err)
	}
	fmt.Println(header.Type, view.Match(nil, &ev))
	// Output: jira:issue_updated [1000]
}

func ExampleError() {
	var scanner event.Scanner
	var ev matcher.Event
	_, err := scanner.Scan([]byte(`{"webhookEvent":"user_created","user":{"name":"a","name":"b"}}`), event.NewPlan(nil, jql.Env{}), &ev)
	var refusal *event.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason, refusal.Pointer)
	}
	// Output: duplicate member /user/name
}

func ExampleAppendMatched() {
	body := []byte(` {"webhookEvent": "sprint_closed", "matchedWebhookIds": [7], "sprint": {"id": 37.0}} `)
	var scanner event.Scanner
	var ev matcher.Event
	header, err := scanner.Scan(body, event.NewPlan(nil, jql.Env{}), &ev)
	if err != nil {
		panic(err)
	}
	stored := header.AppendStored(nil, body, time.UnixMilli(1734163200000))
	fmt.Printf("%s\n", stored)
	fmt.Printf("%s\n", event.AppendMatched(nil, stored, []int64{1000, 1001}))
	// Output:
	// {"webhookEvent": "sprint_closed", "sprint": {"id": 37.0},"timestamp":1734163200000}
	// {"webhookEvent": "sprint_closed", "sprint": {"id": 37.0},"timestamp":1734163200000,"matchedWebhookIds":[1000,1001]}
}
