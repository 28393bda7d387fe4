package event

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hookline/jql"
	"hookline/matcher"
)

// attribute is a field that filters of the workload ask for.
type attribute struct {
	name   string   // as a query writes it
	path   []string // to its value in the fields of an issue, or to the elements that have it
	member []string // of that value, the first that is there
	others int      // values that other issues have
	weight int      // how often filters name it
}

// attributes are those of an issue tracker: a few of a hundred projects see most of the work, there are a dozen statuses,
// and thousands of people.
var attributes = []attribute{
	{"project", []string{"project"}, []string{"key"}, 200, 0},
	{"status", []string{"status"}, []string{"name"}, 11, 20},
	{"issuetype", []string{"issuetype"}, []string{"name"}, 7, 15},
	{"priority", []string{"priority"}, []string{"name"}, 4, 12},
	{"assignee", []string{"assignee"}, []string{"accountId", "name"}, 5000, 10},
	{"reporter", []string{"reporter"}, []string{"accountId", "name"}, 5000, 5},
	{"labels", []string{"labels"}, nil, 300, 10},
	{"component", []string{"components"}, []string{"name"}, 400, 8},
	{"resolution", []string{"resolution"}, []string{"name"}, 6, 4},
	{"fixVersion", []string{"fixVersions"}, []string{"name"}, 100, 4},
	{"cf[10014]", []string{"customfield_10014"}, nil, 500, 3},
}

// workload makes filters about what a body says, and about what other bodies might.
type workload struct {
	rng      *rand.Rand
	projects *rand.Zipf
	own      [][]string // by attribute: the values in the body
	total    int        // of the weights
}

func newWorkload(body []byte) *workload {
	rng := rand.New(rand.NewPCG(42, 0))
	w := &workload{rng: rng, projects: rand.NewZipf(rng, 1.1, 1, 199)}
	var doc struct {
		Issue struct{ Fields map[string]any }
	}
	_ = json.Unmarshal(body, &doc)
	for _, a := range attributes {
		w.own = append(w.own, a.valuesIn(doc.Issue.Fields))
		w.total += a.weight
	}
	return w
}

func (a *attribute) valuesIn(fields map[string]any) (values []string) {
	list, ok := fields[a.path[0]].([]any)
	if !ok {
		list = []any{fields[a.path[0]]}
	}
	for _, v := range list {
		object, _ := v.(map[string]any)
		for _, name := range a.member {
			if inner, ok := object[name]; ok {
				v = inner
				break
			}
		}
		if text, ok := v.(string); ok {
			values = append(values, text)
		}
	}
	return values
}

// value is a value of an attribute: one of the body's in about as many of the cases as it is one of so many.
func (w *workload) value(a int) string {
	n := w.rng.IntN(attributes[a].others + 1)
	if a == 0 {
		n = int(w.projects.Uint64())
	}
	if own := w.own[a]; n < len(own) {
		return own[n]
	}
	return fmt.Sprint(attributes[a].name, " ", n)
}

func (w *workload) chance(p float64) bool { return w.rng.Float64() < p }

func (w *workload) clause(a int, negate bool) string {
	n := 1
	if w.chance(0.35) {
		n = 2 + w.rng.IntN(3)
	}
	var list []string
	for range n {
		list = append(list, fmt.Sprintf("%q", w.value(a)))
	}
	op := " IN ("
	if negate {
		op = " NOT IN ("
	}
	return attributes[a].name + op + strings.Join(list, ", ") + ")"
}

func (w *workload) attribute() int {
	at := w.rng.IntN(w.total)
	for i := range attributes {
		if at -= attributes[i].weight; at < 0 {
			return i
		}
	}
	panic("unreachable")
}

// query is a conjunction, often of a project and what else there is; some have a negation, some an alternative.
func (w *workload) query() string {
	var clauses []string
	if w.chance(0.85) {
		clauses = append(clauses, w.clause(0, false))
	}
	for n := 2 + w.rng.IntN(4); len(clauses) < n; {
		clauses = append(clauses, w.clause(w.attribute(), len(clauses) == n-1 && w.chance(0.2)))
	}
	if w.chance(0.15) {
		clauses = append(clauses, "("+w.clause(w.attribute(), false)+" OR "+w.clause(w.attribute(), false)+")")
	}
	return strings.Join(clauses, " AND ")
}

// index is an index of n filters about a body, each with the demand that the event is of one of the types that webhooks are
// registered for, as the registry makes it.
func (w *workload) index(t testing.TB, n int) *matcher.View {
	types := []string{"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated"}
	entries := make([]matcher.Entry, n)
	for i := range entries {
		q, err := jql.Parse(w.query())
		if err != nil {
			t.Fatal(err)
		}
		f, err := jql.Compile(q, jql.Env{})
		if err != nil {
			t.Fatal(err)
		}
		at := w.rng.IntN(len(types))
		entries[i] = matcher.Entry{ID: matcher.ID(i), Filter: jql.NewFilter(&jql.AllOf{Nodes: []jql.Node{
			&jql.Test{Field: TypeField, Terms: types[at:min(at+2, len(types))]}, &jql.Test{Field: IssueField, Negate: true}, f.Root(),
		}})}
	}
	x := matcher.New()
	x.Update(entries, nil)
	return x.View()
}
