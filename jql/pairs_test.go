package jql

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestPairs holds the two evaluators against each other over random queries and events of the whole
// language. HOOKLINE_JQL_PAIRS says over how many; HOOKLINE_JQL_SEED repeats a run.
func TestPairs(t *testing.T) {
	const perQuery = 5
	pairs := settingOf(t, "HOOKLINE_JQL_PAIRS", 20_000)
	seed := settingOf(t, "HOOKLINE_JQL_SEED", time.Now().UnixNano())
	t.Logf("HOOKLINE_JQL_SEED=%d", seed)
	m := maker{Rand: rand.New(rand.NewPCG(uint64(seed), 1))}
	var docs []any
	held := 0
	for n := int64(0); n < pairs && !t.Failed(); n += perQuery {
		if n%(10*perQuery) == 0 {
			m.turn()
			docs = docs[:0]
			for range 10 {
				docs = append(docs, m.doc())
			}
		}
		q := m.query(3)
		p := newPairs(t, q, m.env)
		for range perQuery {
			if p.check(docs[m.IntN(len(docs))]) {
				held++
			}
		}
		p.laws(&m, docs[m.IntN(len(docs))])
		if f := NewFilter(shuffled(p.filter.Root(), m.Rand)); f.String() != p.filter.String() {
			t.Fatalf("%s\nshuffled is %s", p.filter, f)
		}
	}
	if share := float64(held) / float64(pairs); !t.Failed() && (share < 0.05 || share > 0.8) {
		t.Errorf("%.0f%% of the queries hold, which tests little", 100*share)
	}
}

func settingOf(t *testing.T, name string, otherwise int64) int64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pairing is a query with everything that is made of it.
type pairing struct {
	t      *testing.T
	env    Env
	query  *Query
	filter *Filter
}

func newPairs(t *testing.T, q *Query, env Env) *pairing {
	t.Helper()
	p := &pairing{t: t, env: env, query: q, filter: compileFor(t, q, env)}
	again, err := Parse(q.String())
	if err != nil {
		t.Fatalf("%s does not parse: %v", q, err)
	}
	if other := compileFor(t, again, env); other.Identity() != p.filter.Identity() {
		t.Fatalf("%s\nis    %s\nbut as it prints %s", q, p.filter, other)
	}
	if err := Extended(env).Check(q); err != nil {
		t.Fatalf("%s compiles, but: %v", q, err)
	}
	if broken := brokenRule(p.filter.Root()); broken != "" {
		t.Fatalf("%s: %s", p.filter, broken)
	}
	if other := NewFilter(p.filter.Root()); other.Identity() != p.filter.Identity() || !reflect.DeepEqual(other.Root(), p.filter.Root()) {
		t.Fatalf("%s\nis not canonical, but %s", p.filter, other)
	}
	return p
}

func compileFor(t *testing.T, q *Query, env Env) *Filter {
	t.Helper()
	f, err := Compile(q, env)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return f
}

// check compares all ways to decide the query over a document, and tells what they say.
func (p *pairing) check(doc any) bool {
	p.t.Helper()
	want := Evaluate(p.query, p.env, doc, someDay)
	if got := holdsOver(p.filter, p.env, doc) && (p.query.Where == nil || isObject(memberOf(doc, "issue"))); got != want {
		p.t.Fatalf("%s\nas a filter %s\nover %s\nevaluates to %v, the filter gives %v", p.query, p.filter, toJSON(p.t, doc), want, got)
	}
	if got := Explain(p.query, p.env, doc, someDay).Holds; got != want {
		p.t.Fatalf("%s\nover %s\nevaluates to %v, the explanation says %v", p.query, toJSON(p.t, doc), want, got)
	}
	return want
}

func holdsOver(f *Filter, env Env, doc any) bool {
	return f.Holds(func(field Field) ([]string, bool) { return termsOf(env, doc, field) }, someDay)
}

func toJSON(t testing.TB, doc any) string {
	t.Helper()
	text, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// laws rewrites the query in ways that do not change what it says.
func (p *pairing) laws(m *maker, doc any) {
	p.t.Helper()
	x, y := p.query.Where, m.query(1).Where
	if x == nil || y == nil {
		return
	}
	c := m.clause()
	laws := [][2]Expr{
		{not(not(x)), x},
		{not(and(x, y)), or(not(x), not(y))},
		{not(or(x, y)), and(not(x), not(y))},
		{and(x, y, x), and(y, x)},
		{or(x, or(c, y)), or(or(x, c), y)},
	}
	if other := slices.Index([]Op{Eq, Ne, Like, NotLike, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot}, c.Op); other >= 0 {
		laws = append(laws, [2]Expr{not(c), with(c, opposite[c.Op], c.Operand)})
	}
	if list, ok := c.Operand.(List); ok && c.Op == In {
		laws = append(laws, [2]Expr{c, or(each(c, Eq, list)...)}, [2]Expr{not(c), and(each(c, Ne, list)...)})
	}
	for _, law := range laws {
		a, b := &Query{Where: law[0]}, &Query{Where: law[1]}
		if Evaluate(a, p.env, doc, someDay) != Evaluate(b, p.env, doc, someDay) {
			p.t.Fatalf("%s\nand %s\ndiffer over %s", a, b, toJSON(p.t, doc))
		}
		if f, g := compileFor(p.t, a, p.env), compileFor(p.t, b, p.env); f.Identity() != g.Identity() {
			p.t.Fatalf("%s\nand %s\nbecome %s\nand %s", a, b, f, g)
		}
	}
}

func not(x Expr) Expr      { return &Not{Operand: x} }
func and(all ...Expr) Expr { return &And{Operands: all} }
func or(some ...Expr) Expr { return &Or{Operands: some} }

// FuzzEvaluate: no query and no event makes an evaluator panic or disagree with another.
func FuzzEvaluate(f *testing.F) {
	m := maker{Rand: rand.New(rand.NewPCG(1, 2)), env: site}
	for _, query := range seeds(f) {
		f.Add(query, toJSON(f, m.doc()))
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		q, err := Parse(query)
		if err != nil || !json.Valid([]byte(body)) {
			return
		}
		doc := decode(t, body)
		for _, env := range sites {
			_ = Full(env).Check(q)
			filter, err := Compile(q, env)
			if err != nil {
				holds := Evaluate(q, env, doc, someDay)
				if Explain(q, env, doc, someDay).Holds != holds {
					t.Fatalf("%s, which does not compile: %v, but not explained so", q, holds)
				}
				if _, single := q.Where.(*Clause); single && holds {
					t.Fatalf("%s holds, which does not compile: %v", q, err)
				}
				continue
			}
			p := pairing{t: t, env: env, query: q, filter: filter}
			p.check(doc)
		}
	})
}

// TestMakerMeets: what the maker draws is neither always true nor always false, whatever the kind of the field and the
// operator; otherwise TestPairs would say little.
func TestMakerMeets(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(1, 1))}
	type key struct {
		kind         Kind
		op           Op
		from, to, by bool
	}
	type tally struct{ held, not int }
	tallies := map[key]*tally{}
	for range 3000 {
		m.turn()
		doc := m.doc()
		for range 20 {
			c := m.clause()
			_, info, _ := m.env.Resolve(c.Field)
			change := key{op: c.Op}
			for _, p := range c.Predicates {
				change.from, change.to, change.by = change.from || p.Op == From, change.to || p.Op == To, change.by || p.Op == By
			}
			holds := Evaluate(&Query{Where: c}, m.env, doc, someDay)
			for _, k := range []key{{kind: info.Kind, op: c.Op}, change} {
				if tallies[k] == nil {
					tallies[k] = &tally{}
				}
				if holds {
					tallies[k].held++
				} else {
					tallies[k].not++
				}
			}
		}
	}
	for k := range KindAny + 1 {
		for _, op := range k.Operators() {
			if tallies[key{kind: k, op: op}] == nil {
				t.Errorf("kind %d is never compared by %s", k, op)
			}
		}
	}
	for k, n := range tallies {
		sure := k.kind == KindIssue && (k.op == Is || k.op == IsNot) // an issue there must be
		if n.not == 0 && !sure || n.held == 0 && !sure {
			t.Errorf("%+v: %d held, %d did not", k, n.held, n.not)
		}
	}
}

// What an Evaluator keeps of an event changes no answer to a later query.
func TestEvaluatorKeepsNoAnswer(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(2, 2))}
	held := 0
	for range 300 {
		m.turn()
		doc := m.doc()
		e := NewEvaluator(m.env, doc, someDay)
		for range 40 {
			q := m.query(1)
			holds := Evaluate(q, m.env, doc, someDay)
			if e.Evaluate(q) != holds {
				t.Fatalf("%s\nover %s\nevaluates to %v, and to %v after others", q, toJSON(t, doc), holds, !holds)
			}
			if holds {
				held++
			}
		}
	}
	if held < 300 {
		t.Errorf("only %d held", held)
	}
}
