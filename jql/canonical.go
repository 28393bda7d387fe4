package jql

import (
	"fmt"
	"slices"
	"strings"
)

// written is a canonical node together with its text and, for AND and OR, its children. Equal texts mean
// equal nodes, so the texts serve to sort children, to drop repeats and to tell filters apart.
type written struct {
	node     Node
	text     string
	children []written
}

// canonical brings a tree into the one form that all trees of the same shape share. The tree it is
// given stays as it is.
func canonical(n Node) written {
	switch n := n.(type) {
	case *Test:
		return canonicalTest(n)
	case *AllOf:
		return combine(flatten(nil, n.Nodes, false), false)
	case *AnyOf:
		return combine(flatten(nil, n.Nodes, true), true)
	}
	panic("jql: a filter holds a nil node")
}

var (
	always = written{node: &AllOf{}, text: "ALWAYS"}
	never  = written{node: &AnyOf{}, text: "NEVER"}
)

// canonicalTest sorts the terms. A negative test demands a value anyway, so asking for emptiness adds
// nothing to it; a positive one without anything to ask for cannot hold.
func canonicalTest(t *Test) written {
	terms := slices.Clone(t.Terms)
	slices.Sort(terms)
	c := &Test{Field: t.Field, Negate: t.Negate, Terms: slices.Compact(terms), Empty: t.Empty && !t.Negate}
	if !c.Negate && !c.Empty && len(c.Terms) == 0 {
		return never
	}
	return written{node: c, text: string(appendTest(nil, c))}
}

// flatten makes the children canonical and pulls up the children of nodes of the same kind. (A node
// without children holds always or never and stays: combine knows what to do with it.)
func flatten(dst []written, nodes []Node, anyOf bool) []written {
	for _, n := range nodes {
		w := canonical(n)
		if _, or := w.node.(*AnyOf); or == anyOf && len(w.children) > 0 {
			dst = append(dst, w.children...)
		} else {
			dst = append(dst, w)
		}
	}
	return dst
}

// combine joins canonical children into one node: tests merged, sorted, without repeats, and without
// children that decide nothing.
func combine(children []written, anyOf bool) written {
	neutral, decisive := always, never
	if anyOf {
		neutral, decisive = never, always
	}
	children = mergeTests(children, anyOf)
	children = slices.DeleteFunc(children, func(w written) bool { return w.text == neutral.text })
	if slices.ContainsFunc(children, func(w written) bool { return w.text == decisive.text }) {
		return decisive
	}
	slices.SortFunc(children, func(a, b written) int { return strings.Compare(a.text, b.text) })
	children = slices.CompactFunc(children, func(a, b written) bool { return a.text == b.text })
	switch len(children) {
	case 0:
		return neutral
	case 1:
		return children[0]
	}
	nodes := make([]Node, len(children))
	for i, w := range children {
		nodes[i] = w.node
	}
	var joined Node = &AllOf{Nodes: nodes}
	if anyOf {
		joined = &AnyOf{Nodes: nodes}
	}
	return written{joined, string(appendCompound(nil, children, anyOf)), children}
}

// mergeTests joins the tests of one field: positive ones under OR, negative ones under AND. Either way
// the union of their terms says the same, also for fields with several values. (Positive tests under
// AND must stay apart: a project may be asked for by key and by name at once.)
func mergeTests(children []written, anyOf bool) []written {
	var kept []written
	byField := make(map[Field][]written)
	for _, w := range children {
		if t, ok := w.node.(*Test); ok && t.Negate != anyOf {
			byField[t.Field] = append(byField[t.Field], w)
		} else {
			kept = append(kept, w)
		}
	}
	for _, tests := range byField {
		kept = append(kept, union(tests))
	}
	return kept
}

// union is the one test that says what all of tests say, which agree in field and Negate.
func union(tests []written) written {
	if len(tests) == 1 {
		return tests[0]
	}
	var all Test
	for _, w := range tests {
		t := w.node.(*Test)
		all.Field, all.Negate = t.Field, t.Negate
		all.Terms = append(all.Terms, t.Terms...)
		all.Empty = all.Empty || t.Empty
	}
	return canonicalTest(&all)
}

func appendCompound(b []byte, children []written, anyOf bool) []byte {
	word := " AND "
	if anyOf {
		word = " OR "
	}
	b = append(b, '(')
	for i, w := range children {
		if i > 0 {
			b = append(b, word...)
		}
		b = append(b, w.text...)
	}
	return append(b, ')')
}

// appendTest writes a test, in such a way that no two tests have one text.
func appendTest(b []byte, t *Test) []byte {
	b = appendFieldName(b, t.Field)
	word := " IN ("
	switch {
	case len(t.Terms) == 0 && t.Negate:
		return append(b, " IS NOT EMPTY"...)
	case len(t.Terms) == 0:
		return append(b, " IS EMPTY"...)
	case t.Negate:
		word = " NOT IN ("
	}
	b = append(b, word...)
	for i, term := range t.Terms {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendQuoted(b, term)
	}
	if t.Empty {
		b = append(b, ", EMPTY"...)
	}
	return append(b, ')')
}

// appendFieldName leaves simple names without quotes.
func appendFieldName(b []byte, f Field) []byte {
	simple := strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789._") == ""
	if simple && f.Name != "" {
		b = append(b, f.Name...)
	} else {
		b = appendQuoted(b, f.Name)
	}
	if f.Key != "" || f.Path != "" {
		b = append(appendQuoted(append(b, '['), f.Key), ']')
	}
	if f.Path != "" {
		b = appendQuoted(b, f.Path)
	}
	return b
}

// appendQuoted writes text in quotes. It escapes quotes and control characters and copies all other
// bytes, so that the result depends on no table of characters that may change.
func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
