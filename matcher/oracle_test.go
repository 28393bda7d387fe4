package matcher

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"hookline/jql"
)

// document is an event in the plain form: the terms per field, and the fields that are present without
// any. It is what jql.Filter.Holds is asked about.
type document struct {
	terms   map[jql.Field][]string
	present map[jql.Field]bool
	now     time.Time
}

func (d document) lookup(f jql.Field) ([]string, bool) {
	return d.terms[f], d.present[f] || len(d.terms[f]) > 0
}

// fill extracts what a view asks for, in the order of the slots or the other way round.
func (d document) fill(e *Event, v *View, backwards bool) {
	e.Reset(v)
	e.SetTime(d.now)
	fields := v.Fields()
	for i := range fields {
		if backwards {
			i = len(fields) - 1 - i
		}
		for _, t := range d.terms[fields[i]] {
			e.Add(i, []byte(t))
		}
		if d.present[fields[i]] {
			e.SetPresent(i)
		}
	}
}

// model is an index without an index.
type model map[ID]*jql.Filter

func (m model) match(d document) []ID {
	var ids []ID
	for id, f := range m {
		if f.Holds(d.lookup, d.now) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m model) apply(add []Entry, remove []ID) {
	for _, id := range remove {
		delete(m, id)
	}
	for _, e := range add {
		m[e.ID] = e.Filter
	}
}

func (m model) clone() model {
	c := make(model, len(m))
	for id, f := range m {
		c[id] = f
	}
	return c
}

// matchSorted matches in both ways, which must agree.
func matchSorted(v *View, e *Event) []ID {
	ids := v.Match(nil, e)
	slices.Sort(ids)
	if by := matchByFilter(v, e); !slices.Equal(ids, by) {
		panic(fmt.Sprintf("matched %v, and filter by filter %v", ids, by))
	}
	return ids
}

func matchByFilter(v *View, e *Event) (ids []ID) {
	filters := v.MatchDistinct(nil, e)
	slices.Sort(filters)
	if n := len(filters); len(slices.Compact(filters)) != n {
		panic(fmt.Sprintf("%d filters, some of them repeatedly: %v", n, filters))
	}
	for _, f := range filters {
		before := len(ids)
		if ids = v.Subscribers(ids, f); len(ids) == before {
			panic(fmt.Sprintf("filter %d has no subscribers", f))
		}
	}
	slices.Sort(ids)
	return ids
}

// Random filters and documents over a vocabulary that is small enough for them to meet.

var testFields = []jql.Field{
	{Name: "project"}, {Name: "status"}, {Name: "labels"}, {Name: "customfield_10014"},
	{Name: "issue.property", Key: "k", Path: "a.b"}, {Name: "issue.property", Key: "k"},
	wordsField, phrasesField,
}

const testTerms = 6

func genField() *rapid.Generator[jql.Field] { return rapid.SampledFrom(testFields) }

func genTerms(atLeast, atMost int) *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		numbers := rapid.SliceOfN(rapid.IntRange(0, testTerms), atLeast, atMost).Draw(t, "terms")
		terms := []string{}
		for _, n := range numbers {
			terms = append(terms, fmt.Sprint("t", n))
		}
		return terms
	})
}

func genNode(depth int) *rapid.Generator[jql.Node] {
	return rapid.Custom(func(t *rapid.T) jql.Node {
		kind := rapid.IntRange(0, 12).Draw(t, "kind")
		if kind > 9 {
			return genCondition().Draw(t, "condition")
		}
		if depth == 0 || kind > 5 {
			return genTest().Draw(t, "test")
		}
		nodes := rapid.SliceOfN(genNode(depth-1), 0, 4).Draw(t, "nodes")
		if kind < 4 {
			return &jql.AllOf{Nodes: nodes}
		}
		return &jql.AnyOf{Nodes: nodes}
	})
}

func genTest() *rapid.Generator[*jql.Test] {
	return rapid.Custom(func(t *rapid.T) *jql.Test {
		terms := genTerms(0, 4).Draw(t, "terms")
		slices.Sort(terms)
		test := &jql.Test{Field: genField().Draw(t, "field"), Terms: slices.Compact(terms)}
		switch rapid.IntRange(0, 5).Draw(t, "form") {
		case 0:
			test.Negate = true
		case 1:
			test.Empty = true
		}
		return test
	})
}

func genFilter() *rapid.Generator[*jql.Filter] {
	return rapid.Custom(func(t *rapid.T) *jql.Filter {
		return jql.NewFilter(genNode(3).Draw(t, "root"))
	})
}

func genDocument() *rapid.Generator[document] {
	return rapid.Custom(func(t *rapid.T) document {
		d := document{map[jql.Field][]string{}, map[jql.Field]bool{}, genTime().Draw(t, "now")}
		for _, f := range testFields {
			switch rapid.IntRange(0, 7).Draw(t, "state") {
			case 0:
			case 1:
				d.present[f] = true
			case 2:
				d.terms[f] = append(genTerms(0, 2).Draw(t, "terms"), "known to no filter")
			case 3:
				d.terms[f] = genTerms(2, 8).Draw(t, "terms")
			case 4:
				d.terms[f] = rapid.SliceOfN(genConditionTerm(f), 1, 4).Draw(t, "terms")
			default:
				d.terms[f] = genTerms(1, 1).Draw(t, "term")
			}
		}
		return d
	})
}
