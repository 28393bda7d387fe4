package event

import (
	"bytes"
	"testing"

	"hookline/jql"
	"hookline/matcher"
)

func TestScanAllocatesNothing(t *testing.T) {
	bodies := map[string][]byte{
		"wide":    wide(t),
		"escapes": []byte(`{"webhookEvent":"issue_property_set","\u0061":1,"issue":{"fields":{"st\u0061tus":"\u0044one"}},"property":{"key":"revie\u0077","value":{"state":["a\n",1,true]}}}`),
	}
	for _, name := range fixtures {
		bodies[name] = fixture(t, name)
	}
	view := usualView(t)
	plan := NewPlan(view.Fields(), jql.Env{})
	for name, body := range bodies {
		var s Scanner
		var ev matcher.Event
		allocs := testing.AllocsPerRun(100, func() {
			ev.Reset(view)
			if _, err := s.Scan(body, plan, &ev); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestEveryFieldAllocatesNothing asks for every field under every aspect.
func TestEveryFieldAllocatesNothing(t *testing.T) {
	bodies := map[string][]byte{
		"comment": fixture(t, "comment_created.json"),
		"issue":   fixture(t, "issue_updated.json"),
		"every kind": []byte(`{"webhookEvent":"issue_property_set","property":{"value":"The \u0064isk","key":"k"},
			"user":{"displayName":"M\u00efa","accountId":"5b"},"comment":{"body":"The disk\n\"is full\""},
			"changelog":{"items":[
				{"toString":"a\u0020b","fromString":"c d","from":null,"to":"","field":"labels"},
				{"toString":"S 1, S 2","fromString":"S\t1","from":"1","to":"1, 2","fieldId":"customfield_7","field":"Sprint"},
				{"toString":"7.5","fromString":"x","from":null,"to":null,"fieldId":"customfield_8"},
				{"to":"2026-01-05","from":"2026-01-05 12:00:00.0","fieldId":"duedate"}]},
			"issue":{"key":"EX-12","id":10002,"fields":{"created":"2026-01-05T09:00:00.123+0100","updated":1500000000123,
				"comment":{"comments":[{"body":"one"},{"body":"two"}]},"labels":["a","b"],
				"customfield_1":[{"displayName":"A"},{"key":"b","name":"c"}],"customfield_6":{"value":"a","child":{"value":"b"}},
				"customfield_7":["com.atlassian.greenhopper.service.sprint.Sprint@1f[id=12,name=Sprint 7, Done=x,goal=]",{"id":1}],
				"customfield_8":"-12.50e3","customfield_11":{"value":"Big\u0020Red","id":10,"child":{"id":5}},"customfield_10014":"EX-7"},
				"properties":{"k":{"key":[{"id":"2026-01-05"},true,5.0]}}}}`),
	}
	plan := NewPlan(oracleFields, oracleSite)
	for name, body := range bodies {
		var s Scanner
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := s.scan(body, plan, discard{}); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func TestSpliceAllocatesNothing(t *testing.T) {
	body := fixture(t, "issue_updated.json")
	var s Scanner
	h, err := s.scan(body, NewPlan(nil, jql.Env{}), discard{})
	if err != nil {
		t.Fatal(err)
	}
	kept, sent := make([]byte, 0, 2*len(body)), make([]byte, 0, 2*len(body))
	ids := []int64{1000, 1001}
	allocs := testing.AllocsPerRun(100, func() {
		kept = h.AppendStored(kept[:0], body, noon)
		sent = AppendMatched(sent[:0], kept, ids)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestScannerLetsGo checks that a scanner neither refers to the body after a scan nor holds on to what
// an unusually large body made it grow to.
func TestScannerLetsGo(t *testing.T) {
	long := bytes.Repeat([]byte(`\u0041`), 100_000)
	body := []byte(manyMembers(40_000, `"`+string(long)+`":{},"z"`))
	body = append(body[:len(body)-1], `,"issue":{"key":"`+string(long)+`"}}`...)
	var s Scanner
	if _, err := s.scan(body, NewPlan(usualFields, jql.Env{}), discard{}); err != nil {
		t.Fatal(err)
	}
	if s.text != nil || s.event != nil || s.property[0] != nil || s.property[1] != nil || s.plan != nil || s.out != nil || s.slots != nil {
		t.Error("the scanner still refers to the last scan")
	}
	kept := cap(s.names.list) + cap(s.names.slots) + cap(s.names.unescaped) + cap(s.scratch.plain) + cap(s.scratch.term)
	if kept > 5*largestKept {
		t.Errorf("buffers of %d elements kept", kept)
	}
}
