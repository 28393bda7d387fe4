package jql

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// The generators draw from few fields and few values, so that queries and documents often meet.

var (
	fieldRefs = []FieldRef{
		{Name: "project"}, {Name: "Status"}, {Name: "priority"}, {Name: "key"}, {Name: "assignee"}, {Name: "Epic Link"},
		{Name: "10014", Form: Numbered}, {Name: "cf[10014]", Form: Custom},
		{Name: "issue.property", Properties: []Property{{Key: "k"}}},
		{Name: "issue.property", Properties: []Property{{Key: "k", Path: "a"}}},
		{Name: "issue.property", Properties: []Property{{Key: "k", Path: "a.b"}}},
	}
	operandTexts = []string{"a", "A", "b", "5", "5.0", "0.5e1", "-5", "true", "True", "é", "É", "", "1e999999999"}
	scalars      = []any{
		nil, "", "a", "A", "b", "5", "5.0", "true", "é", true, false,
		json.Number("5"), json.Number("5.00"), json.Number("50e-1"), json.Number("-5"), json.Number("0"), json.Number("1e999999999"),
	}
	memberNames = []string{"a", "b", "key", "id", "name", "accountId"}
)

func genOperand(depth int) *rapid.Generator[Operand] {
	return rapid.Custom(func(t *rapid.T) Operand {
		switch n := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case n == 0:
			return Empty{}
		case n == 1 && depth > 0:
			return genList(depth-1).Draw(t, "list")
		}
		text := rapid.SampledFrom(operandTexts).Draw(t, "text")
		return Value{Text: text, Number: isNumber(text) && rapid.Bool().Draw(t, "number")}
	})
}

func genList(depth int) *rapid.Generator[List] {
	return rapid.Custom(func(t *rapid.T) List {
		return List{Items: rapid.SliceOfN(genOperand(depth), 1, 4).Draw(t, "items")}
	})
}

func genClause() *rapid.Generator[*Clause] {
	return rapid.Custom(func(t *rapid.T) *Clause {
		c := &Clause{
			Field: rapid.SampledFrom(fieldRefs).Draw(t, "field"),
			Op:    rapid.SampledFrom([]Op{Eq, Eq, Ne, In, NotIn, Is, IsNot}).Draw(t, "op"),
		}
		switch c.Op {
		case Eq, Ne:
			c.Operand = genOperand(0).Draw(t, "operand")
		case In, NotIn:
			c.Operand = genList(2).Draw(t, "list")
		default:
			c.Operand = Empty{}
		}
		return c
	})
}

func genExpr(depth int) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		n := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth == 0 || n < 4 {
			return genClause().Draw(t, "clause")
		}
		if n < 6 {
			return &Not{Operand: genExpr(depth-1).Draw(t, "not")}
		}
		operands := rapid.SliceOfN(genExpr(depth-1), 2, 3).Draw(t, "operands")
		if n < 8 {
			return &And{Operands: operands}
		}
		return &Or{Operands: operands}
	})
}

func genJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := rapid.IntRange(0, 9).Draw(t, "kind")
		switch {
		case depth == 0 || n < 5:
			return rapid.SampledFrom(scalars).Draw(t, "scalar")
		case n < 7:
			return rapid.SliceOfN(genJSON(depth-1), 0, 3).Draw(t, "array")
		}
		return rapid.MapOfN(rapid.SampledFrom(memberNames), genJSON(depth-1), 0, 3).Draw(t, "object")
	})
}

func genDoc() *rapid.Generator[any] {
	fields := []string{"project", "status", "priority", "assignee", "customfield_10014"}
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.IntRange(0, 19).Draw(t, "odd") == 0 {
			return map[string]any{"issue": rapid.SampledFrom(scalars).Draw(t, "issue")}
		}
		issue := map[string]any{
			"key": rapid.SampledFrom(scalars).Draw(t, "key"), "id": rapid.SampledFrom(scalars).Draw(t, "id"),
			"fields":     rapid.MapOfN(rapid.SampledFrom(fields), genJSON(2), 0, 5).Draw(t, "fields"),
			"properties": map[string]any{"k": genJSON(3).Draw(t, "property")},
		}
		doc := map[string]any{"issue": issue}
		if rapid.IntRange(0, 4).Draw(t, "set") == 0 {
			doc["webhookEvent"] = "issue_property_set"
			doc["property"] = map[string]any{"key": "k", "value": genJSON(2).Draw(t, "value")}
		}
		return doc
	})
}

// TestFilterAgreesWithEvaluate holds the two evaluators against each other, and the printed query
// against the tree.
func TestFilterAgreesWithEvaluate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := &Query{Where: genExpr(4).Draw(t, "query")}
		for _, doc := range rapid.SliceOfN(genDoc(), 1, 5).Draw(t, "docs") {
			checkAgreement(t, q, doc)
		}
		again, err := Parse(q.String())
		if err != nil {
			t.Fatalf("%s does not parse: %v", q, err)
		}
		if diff := cmp.Diff(q, again, cmpopts.IgnoreTypes(Pos{})); diff != "" {
			t.Fatalf("%s is another tree: %s", q, diff)
		}
	})
}

// TestLaws: rewriting a query by a law of JQL changes neither its outcome nor, where the two sides have
// the same canonical form, its identity.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := genExpr(2).Draw(t, "x"), genExpr(2).Draw(t, "y")
		doc := genDoc().Draw(t, "doc")
		c := genClause().Draw(t, "clause")
		list := genList(1).Draw(t, "list")
		laws := []struct {
			name string
			a, b Expr
		}{
			{"double negation", &Not{Operand: &Not{Operand: x}}, x},
			{"De Morgan, and", &Not{Operand: &And{Operands: []Expr{x, y}}}, &Or{Operands: []Expr{&Not{Operand: x}, &Not{Operand: y}}}},
			{"De Morgan, or", &Not{Operand: &Or{Operands: []Expr{x, y}}}, &And{Operands: []Expr{&Not{Operand: x}, &Not{Operand: y}}}},
			{"and commutes", &And{Operands: []Expr{x, y}}, &And{Operands: []Expr{y, x, y}}},
			{"or associates", &Or{Operands: []Expr{x, &Or{Operands: []Expr{c, y}}}}, &Or{Operands: []Expr{&Or{Operands: []Expr{x, c}}, y}}},
			{"!= is NOT =", with(c, Ne, list.Items[0]), &Not{Operand: with(c, Eq, list.Items[0])}},
			{"NOT IN is NOT of IN", with(c, NotIn, list), &Not{Operand: with(c, In, list)}},
			{"IN is OR of =", with(c, In, list), &Or{Operands: each(c, Eq, list)}},
			{"NOT IN is AND of !=", with(c, NotIn, list), &And{Operands: each(c, Ne, list)}},
			{"IS EMPTY is = EMPTY", with(c, Is, Empty{}), with(c, Eq, Empty{})},
			{"IS NOT EMPTY is != EMPTY", with(c, IsNot, Empty{}), with(c, Ne, Empty{})},
		}
		for _, law := range laws {
			a, b := &Query{Where: law.a}, &Query{Where: law.b}
			if Evaluate(a, Env{}, doc, someDay) != Evaluate(b, Env{}, doc, someDay) {
				t.Fatalf("%s: %s and %s differ over %v", law.name, a, b, doc)
			}
			f, g := compiled(t, a), compiled(t, b)
			if f.Identity() != g.Identity() {
				t.Fatalf("%s: %s and %s become %s and %s", law.name, a, b, f, g)
			}
		}
	})
}

func with(c *Clause, op Op, operand Operand) Expr {
	return &Clause{Field: c.Field, Op: op, Operand: operand}
}

// each compares the field of c with every element of a list.
func each(c *Clause, op Op, list List) (all []Expr) {
	for _, item := range list.Items {
		if inner, ok := item.(List); ok {
			all = append(all, each(c, op, inner)...)
			continue
		}
		all = append(all, with(c, op, item))
	}
	return all
}

func compiled(t fataler, q *Query) *Filter {
	t.Helper()
	f, err := Compile(q, Env{})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return f
}

// TestCanonicalForm: the form does not depend on the order of anything, is a fixed point, and keeps its
// own rules.
func TestCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := compiled(t, &Query{Where: genExpr(4).Draw(t, "query")}).Root()
		f := NewFilter(root)
		seed := rapid.Uint64().Draw(t, "seed")
		g := NewFilter(shuffled(root, rand.New(rand.NewPCG(seed, 1))))
		if f.Identity() != g.Identity() || f.String() != g.String() {
			t.Fatalf("%s shuffled is %s", f, g)
		}
		if diff := cmp.Diff(root, f.Root()); diff != "" {
			t.Fatalf("not a fixed point: %s", diff)
		}
		if broken := brokenRule(f.Root()); broken != "" {
			t.Fatalf("%s: %s", f, broken)
		}
	})
}

// TestOrderIsThatOfTexts: nodes are in the order of their texts, though those of compounds are not written for it.
func TestOrderIsThatOfTexts(t *testing.T) {
	m := maker{Rand: rand.New(rand.NewPCG(3, 4)), env: site}
	var nodes []written
	texts := map[string]bool{}
	for len(nodes) < 400 {
		m.focus = m.focus[:0]
		for range 2 {
			ref, _ := m.fieldRef()
			m.focus = append(m.focus, ref)
		}
		w := canonical(compileExpr(t, m.expr(3)))
		if text := string(w.append(nil)); !texts[text] {
			texts[text] = true
			nodes = append(nodes, w)
		}
	}
	for _, a := range nodes {
		for _, b := range nodes {
			got := compareWritten(a, b)
			want := strings.Compare(string(a.append(nil)), string(b.append(nil)))
			if (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Fatalf("%s\nand %s\ncompare as %d, their texts as %d", a.append(nil), b.append(nil), got, want)
			}
		}
	}
}

func compileExpr(t *testing.T, x Expr) Node {
	t.Helper()
	f, err := Compile(&Query{Where: x}, site)
	if err != nil {
		t.Fatal(err)
	}
	return f.Root()
}

// shuffled permutes children and terms and wraps nodes in nodes of one child.
func shuffled(n Node, r *rand.Rand) Node {
	permute := func(nodes []Node) (all []Node) {
		for _, i := range r.Perm(len(nodes)) {
			all = append(all, shuffled(nodes[i], r))
		}
		if len(all) > 0 {
			all = append(all, all[0])
		}
		return all
	}
	switch n := n.(type) {
	case *AllOf:
		return &AnyOf{Nodes: []Node{&AllOf{Nodes: permute(n.Nodes)}}}
	case *AnyOf:
		return &AllOf{Nodes: []Node{&AnyOf{Nodes: permute(n.Nodes)}}}
	case *Test:
		c := *n
		c.Terms = slices.Clone(n.Terms)
		r.Shuffle(len(c.Terms), func(i, j int) { c.Terms[i], c.Terms[j] = c.Terms[j], c.Terms[i] })
		return &c
	}
	return n
}

// brokenRule names a rule of the canonical form that n breaks.
func brokenRule(n Node) string {
	compound := func(nodes []Node, anyOf bool) string {
		if len(nodes) == 1 {
			return "a compound with one child"
		}
		tests := make(map[string]bool)
		for _, child := range nodes {
			switch child := child.(type) {
			case *AllOf:
				if !anyOf || len(child.Nodes) == 0 {
					return "AND directly under AND, or a constant"
				}
			case *AnyOf:
				if anyOf || len(child.Nodes) == 0 {
					return "OR directly under OR, or a constant"
				}
			case *Test:
				key := fmt.Sprint(child.Field)
				if child.Negate != anyOf && tests[key] {
					return "tests that could be one"
				}
				tests[key] = tests[key] || child.Negate != anyOf
			}
			if broken := brokenRule(child); broken != "" {
				return broken
			}
		}
		return ""
	}
	switch n := n.(type) {
	case *AllOf:
		return compound(n.Nodes, false)
	case *AnyOf:
		return compound(n.Nodes, true)
	case *Test:
		if n.Negate && n.Empty {
			return "a negative test that asks for emptiness"
		}
		if !slices.IsSorted(n.Terms) || len(slices.Compact(slices.Clone(n.Terms))) != len(n.Terms) {
			return "terms out of order or repeated"
		}
	}
	return ""
}
