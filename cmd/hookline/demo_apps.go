package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hookline/jql"
)

const (
	demoTenant   = "demo"
	demoLogLevel = slog.LevelWarn
)

// demoWaits stand in for Jira's waits between attempts, which nobody wants to sit through.
var demoWaits = []time.Duration{
	200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond,
}

// demoApp is an app that registers webhooks and is called back at a receiver of its own.
type demoApp struct {
	key, token, url string
	flaky           bool // its receiver refuses some attempts
	webhooks        []*demoWebhook
}

type demoWebhook struct {
	id     int64 // from the answer to the registration
	filter string
	events []string
	query  *jql.Query
}

type demoApps []*demoApp

func newDemoApps() demoApps {
	const created, updated, commented = "jira:issue_created", "jira:issue_updated", "comment_created"
	return demoApps{
		{key: "ci", token: newDemoToken(), webhooks: []*demoWebhook{
			newDemoWebhook(`project = DEMO AND status = Done`, updated),
			newDemoWebhook(`issuetype = Bug AND priority IN (Highest, High)`, created, updated),
			newDemoWebhook(`project IN (DEMO, SHOP) AND NOT status IN (Done, "To Do")`, updated),
		}},
		{key: "chat", token: newDemoToken(), webhooks: []*demoWebhook{
			newDemoWebhook(`project = SHOP`, commented),
			newDemoWebhook(`assignee = EMPTY AND priority IN (Highest, High)`, created),
			newDemoWebhook(`project = OPS AND assignee != "70121:d2"`, updated, commented),
		}},
		{key: "flaky", token: newDemoToken(), flaky: true, webhooks: []*demoWebhook{
			newDemoWebhook(`project = OPS OR "Epic Link" = DEMO-1`, created, updated, commented),
			newDemoWebhook(`issue.property[release].team = north`, updated),
		}},
	}
}

func newDemoWebhook(filter string, events ...string) *demoWebhook {
	query, err := jql.Parse(filter)
	if err != nil {
		panic(err) // the filters are constants of this file
	}
	return &demoWebhook{filter: filter, events: events, query: query}
}

func newDemoToken() string { return rand.Text() }

// last is the highest number among the demo's webhooks. Those above it were registered by whoever tries
// the API while the demo runs.
func (apps demoApps) last() int64 {
	last := int64(0)
	for _, a := range apps {
		for _, w := range a.webhooks {
			last = max(last, w.id)
		}
	}
	return last
}

// own returns the numbers of the demo's own webhooks among the given ones.
func (apps demoApps) own(ids []int64) []int64 {
	last := apps.last()
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id > last })
}

// expect says which of the demo's webhooks a body is owed to: numbers in ascending order, by app. It is found out
// with the plain evaluator of JQL, which shares neither index nor scanner with the server.
func (apps demoApps) expect(body []byte) ([][]int64, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("the body is no JSON object: %w", err)
	}
	name, _ := doc["webhookEvent"].(string)
	expected := make([][]int64, len(apps))
	for i, a := range apps {
		for _, w := range a.webhooks {
			if slices.Contains(w.events, name) && jql.Evaluate(w.query, jql.Env{}, doc, time.Time{}) {
				expected[i] = append(expected[i], w.id)
			}
		}
		slices.Sort(expected[i])
	}
	return expected, nil
}

// owedBy is what an expectation comes to: the webhooks that match, and a delivery for each app that has one.
func owedBy(expected [][]int64) (webhooks, deliveries int) {
	for _, ids := range expected {
		webhooks += len(ids)
		deliveries += min(1, len(ids))
	}
	return webhooks, deliveries
}
