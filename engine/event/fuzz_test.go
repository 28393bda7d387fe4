package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzScan checks that a scan never panics, accepts exactly what jsontext does, as far as the grammar goes, and nothing
// that encoding/json refuses, and that what is stored and sent of an accepted body has the members it should have.
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
		`{"webhookEvent":"x","n":[0,-0.5e+7,1E400,true,null,"\"\\\/\b\ud834\udd1e",""]}`, `{"a":"\ud834x"}`, `{"a":"\udd1e"}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":tru}`,
		`{"webhookEvent":"x","` + strings.Repeat("customfield_10001\":[],\"z", 20) + `":1}`, manyMembers(40, `"customfield_7"`), manyMembers(40, `"customfield_77"`),
		"{\"a\":\"\xe2\x82\",\"b\":\"\xed\xa0\x80 €\"}", "{\"a\":\"12345678\x7f\x1f\"}",
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
			reason := checkRefusal(t, body, err)
			if faulty := reason == Syntax || reason == Duplicate || reason == TooDeep; faulty && sound(body) {
				t.Fatalf("refused with %v, but jsontext accepts it", err)
			} else if !faulty && reason != NotObject && !sound(body) {
				t.Fatalf("refused with %v, but its JSON is not sound", err)
			}
			return
		}
		if !sound(body) {
			t.Fatal("accepted, but jsontext refuses it")
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

// sound says whether a body is JSON for jsontext, without repeated names, and not nested too deep.
func sound(body []byte) bool {
	if !jsontext.Value(body).IsValid() {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		if _, err := dec.ReadToken(); err != nil {
			return err == io.EOF
		}
		if dec.StackDepth() > MaxDepth {
			return false
		}
	}
}

func checkRefusal(t *testing.T, body []byte, err error) Reason {
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
	return e.Reason
}
