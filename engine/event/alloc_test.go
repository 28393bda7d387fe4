package event

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
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

// TestScanAndMatchAllocatesNothing takes every body through an index of 10,000 filters that are about it.
func TestScanAndMatchAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes half a minute under the race detector")
	}
	bodies := map[string][]byte{"wide": wide(t), "sized": sized(9 << 10)}
	for _, name := range fixtures {
		bodies[name] = fixture(t, name)
	}
	for name, body := range bodies {
		view := newWorkload(body).index(t, 10_000)
		plan := NewPlan(view.Fields(), jql.Env{})
		var s Scanner
		var ev matcher.Event
		var ids []matcher.ID
		allocs := testing.AllocsPerRun(100, func() {
			ev.Reset(view)
			if _, err := s.Scan(body, plan, &ev); err != nil {
				t.Fatal(err)
			}
			ids = view.Match(ids[:0], &ev)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestHostileBodiesGrowNothing: whatever a body has much of, neither the index nor the plan gets larger, and the scanner
// and the event are as small afterwards as an ordinary body leaves them.
func TestHostileBodiesGrowNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes half a minute under the race detector")
	}
	const n = 300_000
	x := matcher.New()
	for i, text := range []string{"labels = a AND component = b", "summary ~ 'w* \"a phrase\"'", "issue.property[k].a = 1", "created > -1d", "status CHANGED TO done"} {
		q, err := jql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := jql.Compile(q, jql.Env{})
		if err != nil {
			t.Fatal(err)
		}
		x.Update([]matcher.Entry{{ID: matcher.ID(i), Filter: f}}, nil)
	}
	view := x.View()
	plan := NewPlan(view.Fields(), jql.Env{})
	index, planned := x.Stats(), sizeOf(&plan.root)
	numbered := func(format string) string {
		return repeated(n, ",", func(i int) string { return fmt.Sprintf(format, i) })
	}
	fields := func(text string) string { return `"issue":{"fields":{` + text + `}}` }
	for name, members := range map[string]string{
		"members":      fields(numbered(`"customfield_%d":1`)),
		"labels":       fields(`"labels":[` + numbered(`"l%d"`) + `]`),
		"same labels":  fields(`"labels":["a"` + strings.Repeat(`,"a"`, n) + `],"components":["b"` + strings.Repeat(`,"b"`, n) + `]`),
		"words":        fields(`"summary":"` + strings.Repeat("w ", n) + `"`),
		"long words":   fields(`"summary":"` + strings.Repeat("w", 20*n) + `"`),
		"escapes":      fields(`"summary":"` + strings.Repeat(`\u0041 `, n) + `"`),
		"changes":      `"changelog":{"items":[` + numbered(`{"fieldId":"f%d","toString":"x"}`) + `]}`,
		"properties":   `"issue":{"properties":{"k":{"a":[` + numbered(`"%d"`) + `]}}}`,
		"property key": `"property":{"key":"` + strings.Repeat("k", n) + `","value":1}`,
	} {
		body := []byte(`{"webhookEvent":"jira:issue_updated",` + members + `}`)
		var s Scanner
		var ev matcher.Event
		before := heapInUse()
		for range 3 {
			ev.Reset(view)
			if _, err := s.Scan(body, plan, &ev); err != nil {
				t.Fatal(err)
			}
			view.Match(nil, &ev)
		}
		ev.Reset(view)
		if grown := heapInUse() - before; grown > 4<<20 {
			t.Errorf("%s: scanner and event keep %d bytes", name, grown)
		}
		if got := x.Stats(); got != index || sizeOf(&plan.root) != planned {
			t.Errorf("%s: the index went from %+v to %+v, the plan from %d nodes to %d", name, index, got, planned, sizeOf(&plan.root))
		}
		runtime.KeepAlive(&s)
		runtime.KeepAlive(&ev)
		runtime.KeepAlive(body)
	}
}

// heapInUse is what is alive on the heap.
func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// sizeOf counts the nodes of a plan.
func sizeOf(n *node) int {
	total := 1
	for _, b := range n.members.slots {
		if b.node != nil {
			total += sizeOf(b.node)
		}
	}
	return total + len(n.members.crowded)
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
