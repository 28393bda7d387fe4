package event

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
	"hookline/matcher"
)

// TestAgainstEvaluate takes random bodies all the way: scanned into a matcher's event, they must match
// exactly the queries that hold by the definition of the language.
func TestAgainstEvaluate(t *testing.T) {
	queries := everyComparison(t)
	x := matcher.New()
	x.Update(entriesOf(t, queries), nil)
	view := x.View()
	plan := NewPlan(view.Fields())
	var s Scanner
	var ev matcher.Event
	rapid.Check(t, func(t *rapid.T) {
		w := writer{t: t}
		w.body()
		body := []byte(w.String())
		ev.Reset(view)
		h, err := s.Scan(body, plan, &ev)
		if err != nil {
			return
		}
		var got []uint64
		if h.HasIssue {
			for _, id := range view.Match(nil, &ev) {
				got = append(got, uint64(id))
			}
		}
		slices.Sort(got)
		var want []uint64
		root := decode(t, body)
		for i, q := range queries {
			if jql.Evaluate(q, jql.Env{}, root) {
				want = append(want, uint64(i))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("body %s\n got %s\nwant %s", body, show(queries, got), show(queries, want))
		}
	})
}

func show(queries []*jql.Query, ids []uint64) (out []string) {
	for _, id := range ids {
		out = append(out, queries[id].String())
	}
	return out
}

// everyComparison is every field compared with everything that random bodies may say.
func everyComparison(t *testing.T) (queries []*jql.Query) {
	fields := []string{
		"project", "issuetype", "status", "priority", "assignee", "reporter", "issuekey", `"Epic Link"`,
		"issue.property[k]", "issue.property[k].key", "issue.property[k].key.id", "issue.property[key].value",
	}
	values := []string{`"k"`, `"EX-1"`, `"äöü"`, `"5B10:X"`, `"10014"`, `"5"`, `"1E5"`, `"true"`}
	add := func(format string, args ...any) {
		q, err := jql.Parse(fmt.Sprintf(format, args...))
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, q)
	}
	for _, f := range fields {
		add("%s IS EMPTY", f)
		add("%s IS NOT EMPTY", f)
		for _, v := range values {
			add("%s = %s", f, v)
			add("%s != %s", f, v)
		}
	}
	return queries
}

func entriesOf(t *testing.T, queries []*jql.Query) (entries []matcher.Entry) {
	for i, q := range queries {
		f, err := jql.Compile(q, jql.Env{})
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		entries = append(entries, matcher.Entry{ID: matcher.ID(i), Filter: f})
	}
	return entries
}
