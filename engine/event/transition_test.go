package event

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
)

func scanned(t rapid.TB, body string) Header {
	t.Helper()
	var s Scanner
	h, err := s.scan([]byte(body), NewPlan(nil, jql.Env{}), newRecord())
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return h
}

func TestTransitionLeftOut(t *testing.T) {
	for body, want := range map[string][2]string{
		// Of issue events, wherever it stands; what a post-function sends has it.
		`{"timestamp":1,"webhookEvent":"jira:issue_updated","transition":{"transitionId":5}}`: {
			`{"timestamp":1,"webhookEvent":"jira:issue_updated"}`, `{"timestamp":1,"webhookEvent":"jira:issue_updated","transition":{"transitionId":5}}`},
		`{ "transition" : {} , "matchedWebhookIds":[1], "timestamp":1,"webhookEvent":"jira:issue_updated"}`: {
			`{ "timestamp":1,"webhookEvent":"jira:issue_updated"}`, `{ "transition" : {}, "timestamp":1,"webhookEvent":"jira:issue_updated"}`},
		`{"matchedWebhookIds":[1],"transition":{},"timestamp":1,"webhookEvent":"jira:issue_created"}`: {
			`{"timestamp":1,"webhookEvent":"jira:issue_created"}`, `{"transition":{},"timestamp":1,"webhookEvent":"jira:issue_created"}`},
		// Anything else of that name is the publisher's.
		`{"timestamp":1,"webhookEvent":"jira:issue_updated","transition":null}`:              {`{"timestamp":1,"webhookEvent":"jira:issue_updated","transition":null}`},
		`{"timestamp":1,"webhookEvent":"comment_created","transition":{}}`:                   {`{"timestamp":1,"webhookEvent":"comment_created","transition":{}}`},
		`{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"transition":{"a":1}}}`: {`{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"transition":{"a":1}}}`},
	} {
		h := scanned(t, body)
		if got := string(h.AppendStored(nil, []byte(body), noon)); got != want[0] {
			t.Errorf("%s:\nstored %s\nwant   %s", body, got, want[0])
		}
		if h.HasTransition != (want[1] != "") {
			t.Errorf("%s: has a transition: %v", body, h.HasTransition)
		}
		if got := string(h.AppendTransition(nil, []byte(body), noon)); want[1] != "" && got != want[1] {
			t.Errorf("%s:\nfired %s\nwant  %s", body, got, want[1])
		}
	}
}

// TestTransitionProperty leaves members out wherever they stand, and nothing else.
func TestTransitionProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.Permutation([]string{
			`"webhookEvent" : "jira:issue_updated"`, `"transition":{"a":[ ]}`, `"matchedWebhookIds" : [ 1 ]`, `"a":"},{"`, `"timestamp":1`,
		}).Draw(t, "members")
		space := rapid.SampledFrom([]string{"", " ", "\n\t"})
		var kept []string
		for _, m := range members[:rapid.IntRange(1, len(members)).Draw(t, "count")] {
			kept = append(kept, space.Draw(t, "before")+m+space.Draw(t, "after"))
		}
		body := "{" + strings.Join(kept, ",") + "}"
		if !strings.Contains(body, "webhookEvent") {
			t.Skip("no event")
		}
		h := scanned(t, body)
		checkOutput(t, &h, []byte(body))
	})
}

func TestTransitionOf(t *testing.T) {
	for body, want := range map[string]Transition{
		`{"transition":{"workflowId":10001,"workflowName":"Software \"B\"","transitionId":"5","transitionName":"Resolve","from_status":"Open"}}`: {"10001", `Software "B"`, "5", "Resolve"},
		`{"transition":{"workflowId":null,"transitionName":["x"]}}`:                                                                              {},
		`{"transition":[{"workflowId":1}]}`: {},
		`{"workflowId":1}`:                  {},
	} {
		if got := TransitionOf([]byte(body)); got != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
	for body, want := range map[string]bool{
		`{"webhookEvent":"jira:issue_updated","transition":{}}`: true,
		`{"webhookEvent":"jira:issue_created","transition":{}}`: false,
		`{"webhookEvent":"jira:issue_deleted","transition":{}}`: false,
		`{"webhookEvent":"comment_created","transition":{}}`:    false,
		`{"webhookEvent":"jira:issue_updated"}`:                 false,
	} {
		if h := scanned(t, body); h.Fires() != want {
			t.Errorf("%s: fires post-functions: %v", body, h.Fires())
		}
	}
}
