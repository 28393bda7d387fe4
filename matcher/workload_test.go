package matcher

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"hookline/jql"
)

// workload makes filters and events that look like those of an issue tracker: 200 projects of which a
// few see most of the work, a dozen statuses, thousands of people, multi-valued labels and components,
// and properties that few issues have. The same seed makes the same sequence.
type workload struct {
	rng      *rand.Rand
	projects *rand.Zipf

	// conditions is the share of tests that are conditions instead. With any, documents have what these
	// look at.
	conditions float64
}

func newWorkload(seed uint64) *workload {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &workload{rng: rng, projects: rand.NewZipf(rng, 1.1, 1, 199)}
}

// attribute is one field of the workload.
type attribute struct {
	field   jql.Field
	terms   int
	filled  float64 // share of issues that have it
	several int     // up to so many terms per issue
	weight  int     // how often filters name it
}

const (
	project = 0
	status  = 1
)

var attributes = []attribute{
	project: {jql.Field{Name: "project"}, 200, 1, 1, 0},
	status:  {jql.Field{Name: "status"}, 12, 1, 1, 20},
	{jql.Field{Name: "issuetype"}, 8, 1, 1, 15},
	{jql.Field{Name: "priority"}, 5, 1, 1, 12},
	{jql.Field{Name: "assignee"}, 5000, 0.85, 1, 10},
	{jql.Field{Name: "reporter"}, 5000, 1, 1, 5},
	{jql.Field{Name: "issuekey"}, 100000, 1, 1, 2},
	{jql.Field{Name: "labels"}, 300, 0.7, 4, 10},
	{jql.Field{Name: "component"}, 400, 0.6, 3, 8},
	{jql.Field{Name: "resolution"}, 6, 0.4, 1, 4},
	{jql.Field{Name: "issue.property", Key: "app", Path: "state"}, 10, 0.4, 1, 3},
	{jql.Field{Name: "issue.property", Key: "app", Path: "tier"}, 50, 0.2, 1, 3},
	{jql.Field{Name: "issue.property", Key: "sync"}, 20, 0.1, 1, 2},
	{jql.Field{Name: "customfield_10014"}, 500, 0.5, 1, 3},
	{jql.Field{Name: "customfield_10020"}, 40, 0.6, 1, 3},
	{jql.Field{Name: "fixversion"}, 100, 0.5, 2, 4},
}

func (w *workload) term(a int) string {
	n := w.rng.IntN(attributes[a].terms)
	if a == project {
		n = int(w.projects.Uint64())
	}
	return fmt.Sprintf("%s-%d", attributes[a].field.Name, n)
}

// entries makes n subscribers with ids from first on.
func (w *workload) entries(first ID, n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{first + ID(i), nil}
		if i > 0 && w.chance(0.2) {
			entries[i].Filter = entries[w.rng.IntN(i)].Filter
			continue
		}
		entries[i].Filter = jql.NewFilter(w.root())
	}
	return entries
}

func (w *workload) chance(p float64) bool { return w.rng.Float64() < p }

func (w *workload) root() jql.Node {
	switch {
	case w.chance(0.01):
		return &jql.AllOf{}
	case w.chance(0.02):
		return w.leaf(w.attribute(), true)
	case w.chance(0.15):
		if w.chance(0.4) {
			return &jql.AnyOf{Nodes: []jql.Node{w.conjunction(), w.conjunction()}}
		}
		c := w.conjunction()
		a, b := w.attribute(), w.attribute()
		c.Nodes = append(c.Nodes, &jql.AnyOf{Nodes: []jql.Node{w.leaf(a, false), w.leaf(b, false)}})
		return c
	}
	return w.conjunction()
}

func (w *workload) conjunction() *jql.AllOf {
	n := 2 + w.rng.IntN(4)
	c := &jql.AllOf{}
	if w.chance(0.85) {
		c.Nodes = append(c.Nodes, w.test(project, false))
	}
	negated := -1
	if w.chance(0.2) {
		negated = n - 1
	}
	used := map[int]bool{}
	for len(c.Nodes) < n {
		a := w.attribute()
		if !used[a] {
			used[a] = true
			c.Nodes = append(c.Nodes, w.leaf(a, len(c.Nodes) == negated))
		}
	}
	return c
}

func (w *workload) attribute() int {
	total := 0
	for _, a := range attributes {
		total += a.weight
	}
	at := w.rng.IntN(total)
	for i, a := range attributes {
		if at -= a.weight; at < 0 {
			return i
		}
	}
	panic("unreachable")
}

func (w *workload) leaf(a int, negate bool) jql.Node {
	if w.conditions > 0 && w.chance(w.conditions) {
		return w.condition(negate)
	}
	return w.test(a, negate)
}

func (w *workload) test(a int, negate bool) *jql.Test {
	n := 1
	if w.chance(0.35) {
		n = 2 + w.rng.IntN(3)
	}
	terms := make([]string, n)
	for i := range terms {
		terms[i] = w.term(a)
	}
	slices.Sort(terms)
	return &jql.Test{Field: attributes[a].field, Negate: negate, Terms: slices.Compact(terms)}
}

func (w *workload) document() document {
	d := document{terms: map[jql.Field][]string{}}
	for i, a := range attributes {
		if !w.chance(a.filled) {
			continue
		}
		terms := make([]string, 1+w.rng.IntN(a.several))
		for j := range terms {
			terms[j] = w.term(i)
		}
		d.terms[a.field] = terms
	}
	if w.conditions > 0 {
		w.describe(&d)
	}
	return d
}

func (w *workload) documents(n int) []document {
	docs := make([]document, n)
	for i := range docs {
		docs[i] = w.document()
	}
	return docs
}

// prepared is a document as an extractor would hand it over: terms by slot.
type prepared [][][]byte

func (d document) prepare(v *View) prepared {
	p := make(prepared, len(v.Fields()))
	for slot, f := range v.Fields() {
		for _, t := range d.terms[f] {
			p[slot] = append(p[slot], []byte(t))
		}
	}
	return p
}

func (p prepared) fill(e *Event, v *View) {
	e.Reset(v)
	for slot, terms := range p {
		for _, t := range terms {
			e.Add(slot, t)
		}
	}
}

// What conditions of the workload look at.
var (
	created = jql.Field{Name: "created"}
	points  = jql.Field{Name: "customfield_10016"}
)

func (w *workload) day() string { return dateTerm(firstDay.AddDate(0, 0, w.rng.IntN(400))) }

// condition makes one of some thousand conditions.
func (w *workload) condition(negate bool) jql.Node {
	ops := []jql.Op{jql.Less, jql.LessEq, jql.Greater, jql.GreaterEq}
	switch op := ops[w.rng.IntN(len(ops))]; w.rng.IntN(5) {
	case 0:
		ago := &jql.Moment{Shift: []jql.Shift{{Count: -w.rng.IntN(60), Unit: jql.Day}}}
		return &jql.Range{Field: created, Negate: negate, Op: op, Prefix: "t", Moment: ago}
	case 1:
		return &jql.Range{Field: created, Negate: negate, Op: op, Prefix: "t", Bound: w.day()[1:]}
	case 2:
		return &jql.Range{Field: points, Negate: negate, Op: op, Prefix: "n", Bound: fmt.Sprintf("%02d", w.rng.IntN(40))}
	case 3:
		return &jql.Search{Field: phrasesField, Negate: negate, Text: fmt.Sprintf(" %s %s ", w.word(), w.word())}
	}
	return &jql.Search{Field: wordsField, Negate: negate, Text: w.word() + "*"}
}

func (w *workload) word() string { return fmt.Sprintf("word%d", w.rng.IntN(300)) }

// describe adds what conditions look at.
func (w *workload) describe(d *document) {
	d.now = firstDay.AddDate(0, 0, w.rng.IntN(400))
	d.terms[created] = []string{w.day()}
	if w.chance(0.5) {
		d.terms[points] = []string{fmt.Sprintf("n%02d", w.rng.IntN(40))}
	}
	words := make([]string, 20)
	for i := range words {
		words[i] = w.word()
	}
	d.terms[wordsField] = words
	d.terms[phrasesField] = []string{" " + strings.Join(words, " ") + " "}
}
