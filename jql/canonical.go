package jql

import (
	"slices"
	"strings"
)

// simplify copies a tree without what decides nothing: children that always or never hold, compounds of one
// child, and compounds inside their like. The constants are compounds without children.
func simplify(n Node) Node {
	switch n := n.(type) {
	case *Test:
		if !n.Negate && !n.Empty && len(n.Terms) == 0 { // there is nothing that it could find
			return &AnyOf{}
		}
		return n
	case *AllOf:
		return simplifyCompound(n.Nodes, false)
	case *AnyOf:
		return simplifyCompound(n.Nodes, true)
	}
	if c, ok := n.(Condition); ok {
		return c
	}
	panic("jql: a filter holds a nil node")
}

func simplifyCompound(nodes []Node, anyOf bool) Node {
	kept := make([]Node, 0, len(nodes))
	for _, child := range nodes {
		n := simplify(child)
		inner, or, isCompound := operands(n)
		switch {
		case !isCompound:
			kept = append(kept, n)
		case len(inner) == 0 && or == anyOf: // neutral
		case len(inner) == 0:
			return n // decisive
		case or != anyOf:
			kept = append(kept, n)
		case len(inner) > len(kept): // the order will not matter, so copy the fewer
			kept = append(inner, kept...)
		default:
			kept = append(kept, inner...)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return join(kept, anyOf)
}

// operands are the children of a compound, and whether it is an OR.
func operands(n Node) (nodes []Node, anyOf, ok bool) {
	switch n := n.(type) {
	case *AllOf:
		return n.Nodes, false, true
	case *AnyOf:
		return n.Nodes, true, true
	}
	return nil, false, false
}

func join(nodes []Node, anyOf bool) Node {
	if len(nodes) == 0 {
		nodes = nil
	}
	if anyOf {
		return &AnyOf{Nodes: nodes}
	}
	return &AllOf{Nodes: nodes}
}

// written is a canonical node with the text of a leaf, or the children of AND and OR. Equal texts mean equal
// leaves, and so the texts serve to sort children, to drop repeats and to tell filters apart.
type written struct {
	node  Node
	text  string
	inner *inner // nil for a leaf
}

// inner is what a compound joins.
type inner struct {
	children []written
	anyOf    bool
}

// canonical brings a tree into the one form that all trees of the same shape share. The tree it is
// given stays as it is.
func canonical(n Node) written {
	var s sorter
	return s.sorted(simplify(n))
}

// sorter brings simple trees into order.
type sorter struct{ buf []byte }

func (s *sorter) sorted(n Node) written {
	nodes, anyOf, isCompound := operands(n)
	switch {
	case !isCompound:
		return s.leaf(n)
	case len(nodes) == 0:
		return written{node: n, text: constantText(anyOf)}
	}
	leaves := make([]Node, 0, len(nodes))
	children := make([]written, 0, len(nodes))
	for _, child := range nodes {
		if _, _, isCompound := operands(child); !isCompound {
			leaves = append(leaves, child)
			continue
		}
		// A compound of repeats may come out as a leaf, or as one of the kind that its parent is.
		some := []written{s.sorted(child)}
		if in := some[0].inner; in != nil && in.anyOf == anyOf {
			some = in.children
		}
		for _, w := range some {
			if w.inner == nil {
				leaves = append(leaves, w.node)
			} else {
				children = append(children, w)
			}
		}
	}
	for _, n := range mergeTests(leaves, anyOf) {
		children = append(children, s.leaf(n))
	}
	slices.SortFunc(children, compareWritten)
	children = slices.CompactFunc(children, func(a, b written) bool { return compareWritten(a, b) == 0 })
	if len(children) == 1 {
		return children[0]
	}
	nodes = make([]Node, len(children))
	for i, w := range children {
		nodes[i] = w.node
	}
	return written{node: join(nodes, anyOf), inner: &inner{children, anyOf}}
}

// constantText is the text of a compound without children.
func constantText(anyOf bool) string {
	if anyOf {
		return "NEVER"
	}
	return "ALWAYS"
}

// leaf copies a test and sorts its terms. A negative test demands a value anyway, so asking for emptiness adds
// nothing to it.
func (s *sorter) leaf(n Node) written {
	t, ok := n.(*Test)
	if !ok {
		s.buf = n.(Condition).append(s.buf[:0])
		return written{node: n, text: string(s.buf)}
	}
	t = &Test{Field: t.Field, Negate: t.Negate, Terms: slices.Clone(t.Terms), Empty: t.Empty && !t.Negate}
	slices.Sort(t.Terms)
	t.Terms = slices.Compact(t.Terms)
	s.buf = appendTest(s.buf[:0], t)
	return written{node: t, text: string(s.buf)}
}

// mergeTests joins the tests of one field: positive ones under OR, negative ones under AND. Either way
// the union of their terms says the same, also for fields with several values. (Positive tests under
// AND must stay apart: a project may be asked for by key and by name at once.) Conditions stay as they are: two
// of them are one only if they are equal. The nodes change places.
func mergeTests(nodes []Node, anyOf bool) []Node {
	var tests []*Test
	kept := nodes[:0]
	for _, n := range nodes {
		if t, ok := n.(*Test); ok && t.Negate != anyOf {
			tests = append(tests, t)
		} else {
			kept = append(kept, n)
		}
	}
	slices.SortFunc(tests, func(a, b *Test) int { return compareFields(a.Field, b.Field) })
	for len(tests) > 0 {
		same := 1
		for same < len(tests) && tests[same].Field == tests[0].Field {
			same++
		}
		kept = append(kept, union(tests[:same]))
		tests = tests[same:]
	}
	return kept
}

// union is the one test that says what all of tests say, which agree in field and Negate.
func union(tests []*Test) *Test {
	if len(tests) == 1 {
		return tests[0]
	}
	all := &Test{Field: tests[0].Field, Negate: tests[0].Negate}
	for _, t := range tests {
		all.Terms = append(all.Terms, t.Terms...)
		all.Empty = all.Empty || t.Empty
	}
	return all
}

// compareWritten orders nodes as their texts are ordered, without writing those of compounds, which would
// repeat at every level what is inside. (A compound begins with a parenthesis, AND or OR stands between its
// children, and no text of a leaf is the beginning of another one.)
func compareWritten(a, b written) int {
	if a.inner == nil || b.inner == nil {
		return strings.Compare(a.opening(), b.opening())
	}
	left, right := a.inner.children, b.inner.children
	for i := range min(len(left), len(right)) {
		if i == 1 && a.inner.anyOf != b.inner.anyOf {
			return strings.Compare(a.inner.word(), b.inner.word())
		}
		if c := compareWritten(left[i], right[i]); c != 0 {
			return c
		}
	}
	return len(right) - len(left) // where one ends stands ")", which comes after " "
}

func (w written) opening() string {
	if w.inner != nil {
		return "("
	}
	return w.text
}

func (in *inner) word() string {
	if in.anyOf {
		return " OR "
	}
	return " AND "
}

func (w written) append(b []byte) []byte {
	if w.inner == nil {
		return append(b, w.text...)
	}
	b = append(b, '(')
	for i, child := range w.inner.children {
		if i > 0 {
			b = append(b, w.inner.word()...)
		}
		b = child.append(b)
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
	simple := strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._") == ""
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
	if f.Aspect != Values {
		b = append(append(b, '/'), f.Aspect.String()...)
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes text in quotes. It escapes quotes and control characters and copies all other
// bytes, so that the result depends on no table of characters that may change.
func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'x', '0'+c>>4, hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
