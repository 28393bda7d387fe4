package matcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
)

// describe writes what Filters says of each filter, by its first subscriber.
func describe(v *View) map[ID]string {
	all := map[ID]string{}
	for f := range v.Filters {
		var slots, terms []string
		for _, s := range f.Slots {
			slots = append(slots, v.Fields()[s].Name)
		}
		for _, id := range f.Terms {
			term := v.Term(id)
			terms = append(terms, term.Field.Name+"="+term.Text)
		}
		slices.Sort(slots)
		slices.Sort(terms)
		slices.Sort(f.Subscribers)
		all[f.Subscribers[0]] = fmt.Sprintf("%d by %d %s of [%s], exact %v, terms [%s], %d conditions", len(f.Subscribers),
			f.Keys, f.Filing, strings.Join(slots, " "), f.Exact, strings.Join(terms, " "), f.Conditions)
	}
	return all
}

func TestFilters(t *testing.T) {
	for name, test := range map[string]struct {
		node jql.Node
		want string
	}{
		"everything":  {all(), "1 by 1 always of [], exact true, terms [], 0 conditions"},
		"nothing":     {some(), "1 by 0 nowhere of [], exact true, terms [], 0 conditions"},
		"a term":      {is(fieldP, "x"), "1 by 1 term of [p], exact true, terms [p=x], 0 conditions"},
		"two terms":   {is(fieldP, "x", "z"), "1 by 2 term of [p], exact true, terms [p=x p=z], 0 conditions"},
		"a pair":      {all(is(fieldP, "x"), is(fieldS, "y")), "1 by 1 pair of [p s], exact true, terms [p=x s=y], 0 conditions"},
		"negated":     {not(fieldP, "x"), "1 by 1 presence of [p], exact false, terms [p=x], 0 conditions"},
		"or empty":    {orEmpty(fieldP, "x"), "1 by 2 presence of [p], exact true, terms [p=x], 0 conditions"},
		"a condition": {after(fieldL, "a"), "1 by 1 presence of [l], exact false, terms [], 1 conditions"},
		"either":      {some(is(fieldP, "x"), not(fieldS, "y")), "1 by 2 presence of [p s], exact false, terms [p=x s=y], 0 conditions"},
		"a repeat":    {is(fieldP, "often"), "4 by 1 term of [p], exact true, terms [p=often], 0 conditions"},
	} {
		for _, place := range []string{"base", "delta"} {
			t.Run(name+" in the "+place, func(t *testing.T) {
				x := New()
				x.writer = newWriter(&tuning{maxKeys: 256, maxSchemas: 48, maxCombinations: 1024, backgroundFrom: 100})
				fill := []Entry{
					{10, jql.NewFilter(is(fieldP, "often"))}, {11, jql.NewFilter(is(fieldP, "often"))},
					{12, jql.NewFilter(is(fieldP, "often"))}, {13, jql.NewFilter(all(is(fieldP, "often"), is(fieldS, "w")))},
				}
				added := Entry{1, jql.NewFilter(test.node)}
				if place == "base" {
					x.Update(append(fill, added), nil)
				} else {
					x.Update(fill, nil)
					x.Update([]Entry{added}, nil)
				}
				if got := describe(x.View())[1]; got != test.want {
					t.Errorf("%s\nwant %s", got, test.want)
				}
			})
		}
	}
}

// TestVisits: what is named more often is expected more often, and what a pair asks for less often than either.
func TestVisits(t *testing.T) {
	x := New()
	x.writer = newWriter(&tuning{maxKeys: 256, maxSchemas: 48, maxCombinations: 1024, backgroundFrom: 100})
	entries := []Entry{
		{1, jql.NewFilter(all(is(fieldP, "rare"), is(fieldS, "y")))}, {2, jql.NewFilter(is(fieldP, "rare"))},
		{4, jql.NewFilter(not(fieldP, "often"))}, {5, jql.NewFilter(all())},
	}
	for i := range ID(8) { // each another filter
		entries = append(entries, Entry{20 + i, jql.NewFilter(some(is(fieldP, "often"), is(fieldL, fmt.Sprint(i))))})
	}
	x.Update(append(entries, Entry{3, jql.NewFilter(is(fieldP, "often"))}), nil)
	visits := map[ID]float64{}
	for f := range x.View().Filters {
		visits[f.Subscribers[0]] = f.Visits
	}
	for id := ID(1); id < 5; id++ {
		if visits[id] <= 0 || visits[id] >= visits[id+1] {
			t.Errorf("%v visits of filter %d, %v of filter %d", visits[id], id, visits[id+1], id+1)
		}
	}
	if visits[5] != 1 {
		t.Errorf("%v visits of the filter that holds always", visits[5])
	}
}

// TestInspection: whatever an index went through, its filters have the subscribers that there are, each once; the
// terms are those that can be found; and all that matches was a candidate.
func TestInspection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := genIndex().Draw(t, "index"), model{}
		defer x.settle()
		for range rapid.IntRange(1, 5).Draw(t, "updates") {
			add, remove := genEntries(200, 60).Draw(t, "add"), genIDs(200, 20).Draw(t, "remove")
			x.Update(add, remove)
			m.apply(add, remove)
		}
		v := x.View()
		seen, filings := map[ID]bool{}, Filings{}
		for f := range v.Filters {
			for _, id := range f.Subscribers {
				if m[id] == nil || seen[id] || m[id].Identity() != m[f.Subscribers[0]].Identity() {
					t.Fatalf("subscriber %d: has %v, listed before %v, among %v", id, m[id], seen[id], f.Subscribers)
				}
				seen[id] = true
			}
			filings[f.Filing]++
			for _, id := range f.Terms {
				term := v.Term(id)
				slot := slices.Index(v.Fields(), term.Field)
				if found, ok := v.Find(slot, term.Text); !ok || found != id || !strings.Contains(m[f.Subscribers[0]].String(), term.Text) {
					t.Fatalf("term %+v is found %v as %d, filter %v", term, ok, found, m[f.Subscribers[0]])
				}
			}
		}
		if len(seen) != len(m) {
			t.Fatalf("%d subscribers, want %d", len(seen), len(m))
		}
		for filing, n := range v.filings { // which counts those whose last subscriber has gone
			if filings[filing] > n {
				t.Fatalf("%d filters by %s, %d counted", filings[filing], Filing(filing), n)
			}
		}
		var e Event
		genDocument().Draw(t, "document").fill(&e, v, false)
		distinct := map[[16]byte]bool{}
		for _, id := range v.Match(nil, &e) {
			distinct[m[id].Identity()] = true
		}
		if e.Candidates() < len(distinct) {
			t.Fatalf("%d candidates, %d filters match", e.Candidates(), len(distinct))
		}
	})
}

func TestCandidates(t *testing.T) {
	filters := []jql.Node{all(), is(fieldP, "x"), not(fieldP, "y"), all(is(fieldS, "s1"), not(fieldL, "l1")), is(fieldS, "s2", "s3")}
	for name, test := range map[string]struct {
		s                 []string
		candidates, tests int
	}{
		"no term":        {nil, 3, 1}, // everything, p = x and p != y, whose field is present
		"one":            {[]string{"s1"}, 4, 2},
		"none that is":   {[]string{"s9"}, 3, 1},
		"by two of keys": {[]string{"s2", "s3"}, 5, 1},
	} {
		for _, place := range []string{"base", "delta"} {
			t.Run(name+" in the "+place, func(t *testing.T) {
				x := New()
				x.writer = newWriter(&tuning{maxKeys: 256, minSaved: 1e9, backgroundFrom: 100, switchFrom: 16, exceptFrom: 4})
				first := []Entry{}
				for i := range ID(40) {
					first = append(first, Entry{100 + i, jql.NewFilter(is(fieldL, fmt.Sprint("other", i)))})
				}
				var entries []Entry
				for i, n := range filters {
					entries = append(entries, Entry{ID(i), jql.NewFilter(n)})
				}
				if place == "base" {
					x.Update(append(first, entries...), nil)
				} else {
					x.Update(first, nil)
					x.Update(entries, nil)
				}
				v := x.View()
				d := document{terms: map[jql.Field][]string{fieldP: {"x"}, fieldS: test.s}}
				var e Event
				for range 2 { // Reset forgets
					d.fill(&e, v, false)
					v.Match(nil, &e)
				}
				if e.Candidates() != test.candidates || e.Tests() != test.tests {
					t.Errorf("%d candidates, %d tests; want %d and %d", e.Candidates(), e.Tests(), test.candidates, test.tests)
				}
			})
		}
	}
}

func BenchmarkFilters(b *testing.B) {
	const filters = 10_000
	x := New()
	x.Update(newWorkload(1).entries(1, filters), nil)
	v := x.View()
	for b.Loop() {
		for f := range v.Filters {
			_ = f
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/filters, "ns/subscriber")
}
