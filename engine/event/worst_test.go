package event

import (
	"fmt"
	"strings"
	"testing"

	"hookline/jql"
	"hookline/matcher"
)

// repeated joins n items.
func repeated(n int, join string, item func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = item(i)
	}
	return strings.Join(list, join)
}

// worstFilters are as large as jql.DefaultLimits allow, each in another way, and file badly: events of all kinds lead to
// them.
func worstFilters() map[string]string {
	most := jql.DefaultLimits
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	values := func(i int) string {
		return repeated(most.List, ",", func(j int) string { return fmt.Sprint("v", i*most.List+j) })
	}
	lists := most.Size/(most.List+2) - 1
	pairs := repeated(69, ",", numbered("v%d")) // whose square is just below the largest size
	return map[string]string{
		"fields":        repeated(most.Clauses, " OR ", numbered("cf[1%d] != 1")),
		"alternatives":  repeated(most.Clauses, " OR ", numbered("labels = v%d")),
		"exclusions":    repeated(most.Clauses, " AND ", numbered("labels != x%d")),
		"long lists":    repeated(lists, " OR ", func(i int) string { return "labels IN (" + values(i) + ")" }),
		"not in lists":  repeated(lists, " OR ", func(i int) string { return "labels NOT IN (" + values(i) + ")" }),
		"patterns":      "summary ~ '" + repeated(most.Conditions, " ", numbered("w?rd%d*")) + "'",
		"no patterns":   repeated(most.Conditions, " AND ", numbered("summary !~ '%d?*'")),
		"phrases":       repeated(most.Conditions, " OR ", numbered(`summary ~ '"word word %d"'`)),
		"moments":       "created IN (" + repeated(most.Conditions, ",", numbered("-%dd")) + ")",
		"ranges":        repeated(most.Conditions, " OR ", numbered("issuekey > EX-1%d")),
		"changes":       "status CHANGED FROM (" + pairs + ") TO (" + pairs + ")",
		"nested":        strings.Repeat("(labels = v1 OR (labels != x1 AND ", most.Nesting/2) + "labels != x" + strings.Repeat("))", most.Nesting/2),
		"several keys":  repeated(most.Clauses/2, " OR ", numbered("(labels = v%[1]d AND component = v%[1]d)")),
		"same property": repeated(most.Clauses, " OR ", numbered("issue.property[k].p%d != 1")),
	}
}

// worstBody has much of all that the worst filters ask for: n labels and components, a summary of n words, and an item
// in its changelog.
func worstBody(n int) []byte {
	list := func(format string) string {
		return repeated(n, ",", func(i int) string { return fmt.Sprintf(format, i) })
	}
	words := repeated(n, " ", func(i int) string { return fmt.Sprint("word", i%7919) })
	return fmt.Appendf(nil, `{"webhookEvent":"jira:issue_updated","changelog":{"items":[{"fieldId":"status","fromString":"v1","toString":"v68"}]},`+
		`"issue":{"key":"EX-19","fields":{"created":"2026-01-05T00:00:00.000+0000","summary":%q,"labels":[%s],"components":[%s],"customfield_15":2}}}`,
		words, list(`"v%d"`), list(`{"name":"v%d"}`))
}

// worst is the largest filter of a kind in an index of its own.
type worst struct {
	query *jql.Query
	index *matcher.Index
	view  *matcher.View
	plan  *Plan
}

func newWorst(t testing.TB, text string) *worst {
	t.Helper()
	d := jql.Extended(jql.Env{})
	d.Limits = jql.DefaultLimits
	q, err := jql.Parse(text)
	if err == nil {
		err = d.Check(q)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := jql.Compile(q, d.Env)
	if err != nil {
		t.Fatal(err)
	}
	w := &worst{query: q, index: matcher.New()}
	w.index.Update([]matcher.Entry{{Filter: f}}, nil)
	w.view = w.index.View()
	w.plan = NewPlan(w.view.Fields(), d.Env)
	return w
}

// TestWorstFilters: the largest filters that may be registered are matched as the language is defined, by small events and
// by large ones, and what the index keeps of them is in proportion to the limits: few keys under which an event can come
// across them, and no more memory than some numbers a value.
func TestWorstFilters(t *testing.T) {
	bodies := [][]byte{worstBody(0), worstBody(1), worstBody(3000), []byte(`{"webhookEvent":"x","issue":{}}`), fixture(t, "issue_updated.json")}
	for name, text := range worstFilters() {
		t.Run(name, func(t *testing.T) {
			w := newWorst(t, text)
			if s := w.index.Stats(); s.Keys > 600 || s.Conditions > jql.DefaultLimits.Conditions || s.Bytes > 100*jql.DefaultLimits.Size {
				t.Errorf("%+v", s)
			}
			var s Scanner
			var ev matcher.Event
			for i, body := range bodies {
				ev.Reset(w.view)
				ev.SetTime(noon)
				if _, err := s.Scan(body, w.plan, &ev); err != nil {
					t.Fatal(err)
				}
				got := w.view.Match(nil, &ev)
				if want := jql.Evaluate(w.query, jql.Env{}, decode(t, body), noon); len(got) == 1 != want || len(got) > 1 {
					t.Errorf("body %d: %d matches, want %v", i, len(got), want)
				}
			}
		})
	}
}

// BenchmarkWorstFilters is what one filter as large as it may be costs an event, without the extraction: an ordinary event,
// and one of some 100 KiB that is made for it.
func BenchmarkWorstFilters(b *testing.B) {
	bodies := []namedBody{{"issue", fixture(b, "issue_updated.json")}, {"made for it", worstBody(3000)}}
	for name, text := range worstFilters() {
		for _, c := range bodies {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				w := newWorst(b, text)
				var s Scanner
				var ev matcher.Event
				ev.Reset(w.view)
				ev.SetTime(noon)
				if _, err := s.Scan(c.body, w.plan, &ev); err != nil {
					b.Fatal(err)
				}
				var ids []matcher.ID
				b.ReportAllocs()
				for b.Loop() {
					ids = w.view.Match(ids[:0], &ev)
				}
			})
		}
	}
}
