package event

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
	"hookline/matcher"
)

// TestFiltersAgainstEvaluate takes random bodies and random queries of the whole language: the compiled filter
// over what the scan finds must hold exactly where the query does by the definition of the language.
func TestFiltersAgainstEvaluate(t *testing.T) {
	var s Scanner
	rapid.Check(t, func(t *rapid.T) {
		queries, filters := compiled(t, rapid.IntRange(1, 12).Draw(t, "queries"))
		var fields []jql.Field
		for _, f := range filters {
			fields = append(fields, f.Fields()...)
		}
		w := writer{t: t}
		w.body()
		body := []byte(w.String())
		got := newRecord()
		h, err := s.scan(body, NewPlan(fields, oracleSite), got)
		if err != nil {
			return
		}
		root := decode(t, body)
		terms := func(f jql.Field) ([]string, bool) {
			slot := slices.Index(fields, f)
			return got.terms[slot], got.present[slot]
		}
		for i, f := range filters {
			holds, want := h.HasIssue && f.Holds(terms, noon), jql.Evaluate(queries[i], oracleSite, root, noon)
			if holds != want {
				t.Errorf("%s\nfilter %s\nholds %v, want %v; body %s", queries[i], f, holds, want, body)
			}
		}
	})
}

// compiled makes random queries and leaves out those that do not compile.
func compiled(t *rapid.T, n int) (queries []*jql.Query, filters []*jql.Filter) {
	for range n {
		text := asked(t, 2)
		q, err := jql.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if f, err := jql.Compile(q, oracleSite); err == nil {
			queries, filters = append(queries, q), append(filters, f)
		}
	}
	return queries, filters
}

// TestAgainstEvaluate takes random bodies all the way: scanned into a matcher's event, they must match
// exactly the queries that hold by the definition of the language.
func TestAgainstEvaluate(t *testing.T) {
	queries := everyComparison(t)
	x := matcher.New()
	x.Update(entriesOf(t, queries), nil)
	view := x.View()
	plan := NewPlan(view.Fields(), oracleSite)
	var s Scanner
	var ev matcher.Event
	rapid.Check(t, func(t *rapid.T) {
		w := writer{t: t}
		w.body()
		body := []byte(w.String())
		ev.Reset(view)
		ev.SetTime(noon)
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
			if jql.Evaluate(q, oracleSite, root, noon) {
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

// everyComparison is every field compared with everything that random bodies may say, as far as its kind has the
// operator.
func everyComparison(t *testing.T) (queries []*jql.Query) {
	add := func(format string, args ...any) {
		q, err := jql.Parse(fmt.Sprintf(format, args...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jql.Compile(q, oracleSite); err == nil {
			queries = append(queries, q)
		}
	}
	for _, f := range queryFields {
		add("%s IS EMPTY", f)
		add("%s IS NOT EMPTY", f)
		add("%s CHANGED", f)
		for _, v := range operandTexts {
			for _, op := range []string{"=", "!=", "<", ">=", "CHANGED FROM", "CHANGED TO EMPTY FROM"} {
				add("%s %s %q", f, op, v)
			}
		}
		for _, v := range searchTexts {
			add(`%s ~ "%s"`, f, v)
			add(`%s !~ "%s"`, f, v)
		}
	}
	return queries
}

func entriesOf(t *testing.T, queries []*jql.Query) (entries []matcher.Entry) {
	for i, q := range queries {
		f, err := jql.Compile(q, oracleSite)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		entries = append(entries, matcher.Entry{ID: matcher.ID(i), Filter: f})
	}
	return entries
}
