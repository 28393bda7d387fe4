package event

import (
	"bytes"
	"testing"

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
	plan := NewPlan(view.Fields())
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

func TestSpliceAllocatesNothing(t *testing.T) {
	body := fixture(t, "issue_updated.json")
	var s Scanner
	h, err := s.scan(body, NewPlan(nil), discard{})
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
	if _, err := s.scan(body, NewPlan(usualFields), discard{}); err != nil {
		t.Fatal(err)
	}
	if s.body != nil || s.event != nil || s.property[0] != nil || s.property[1] != nil || s.plan != nil || s.out != nil {
		t.Error("the scanner still refers to the last scan")
	}
	kept := cap(s.names.slots) + cap(s.names.unescaped) + cap(s.scratch.plain) + cap(s.scratch.term)
	if kept > 5*largestKept {
		t.Errorf("buffers of %d elements kept", kept)
	}
}
