package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzScan checks that a scan never panics, accepts nothing that encoding/json refuses, and that what
// is stored and sent of an accepted body has the members it should have.
func FuzzScan(f *testing.F) {
	for _, name := range fixtures {
		f.Add(fixture(f, name))
	}
	for _, seed := range []string{
		`{"webhookEvent":"x","matchedWebhookIds":[1],"timestamp":1}`,
		` { "matchedWebhookIds" : { } , "webhookEvent" : "x" } `,
		`{"webhookEvent":"issue_property_set","property":{"value":[{"key":{"id":1}}],"key":"k"}}`,
		`{"issue":{"fields":{"assignee":{"key":"\ud83d\ude00"},"status":"\u00e9"},"properties":{"k":[[{}]]}},"webhookEvent":"y"}`,
		`{"changelog":{"items":[{"fieldId":"a"},{"field":"b"},3]},"webhookEvent":"y","\u0061":1,"a":2}`,
		`{"transition":{"a":1},"matchedWebhookIds":[],"webhookEvent":"jira:issue_updated"}`, `{"webhookEvent":"jira:issue_deleted", "transition" : {}}`,
		`{,}`, `{"a"::1}`, `{"a":01}`, "{\"\xff\":1}", nested(MaxDepth), nested(MaxDepth + 1), strings.Repeat("[", 200),
	} {
		f.Add([]byte(seed))
	}
	plan := NewPlan(oracleFields, oracleSite)
	var s Scanner
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		h, err := s.scan(body, plan, newRecord())
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			checkRefusal(t, body, err)
			return
		}
		if !json.Valid(body) {
			t.Fatal("accepted, but encoding/json refuses it")
		}
		checkOutput(t, &h, body)
		again, err := s.scan(h.AppendStored(nil, body, noon), plan, newRecord())
		if err != nil || again.Type != h.Type || again.HasIssue != h.HasIssue || !again.HasTimestamp || again.matched.end != 0 || again.HasTransition {
			t.Fatalf("the stored body reads as %+v, %v", again, err)
		}
	})
}

func checkRefusal(t *testing.T, body []byte, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(body)) || err.Error() == "" {
		t.Fatalf("refused with %#v", err)
	}
	switch e.Reason {
	case Duplicate, TooDeep, NotObject, NoType, TypeNotText:
	case Syntax:
		if e.detail == "" {
			t.Fatal("a syntax error without a word of what is wrong")
		}
	default:
		t.Fatalf("unknown reason %q", e.Reason)
	}
}
