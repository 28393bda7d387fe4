package jql

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// Node is a node of a canonical filter: [*AllOf], [*AnyOf], [*Test] or a [Condition]. The set is
// closed.
type Node interface{ node() }

// AllOf holds when every child holds; without children it always holds.
type AllOf struct{ Nodes []Node }

// AnyOf holds when some child holds; without children it never holds.
type AnyOf struct{ Nodes []Node }

// Test is one comparison of a field's values with a set of terms.
//
// With V the terms of the field in the event (no terms and not present: the field is empty):
//
//	Negate false: V and Terms have a term in common, or Empty is set and the field is empty
//	Negate true:  the field is not empty, and V and Terms have no term in common
//
// Empty is never set together with Negate. Terms are normalised (see [FoldTerm], [TypedTerms]),
// sorted and free of repeats. The field of the aspects that history has is empty where the changelog has no item
// of it.
type Test struct {
	Field  Field
	Negate bool
	Terms  []string
	Empty  bool
}

func (*AllOf) node() {}
func (*AnyOf) node() {}
func (*Test) node()  {}

// Filter is the canonical form of a condition: AND and OR flattened and sorted, no NOT, tests of one
// field merged where that changes nothing. It is immutable and safe for concurrent use.
type Filter struct {
	root Node
	said said
	once sync.Once // for said
}

// said is what can be said of a filter.
type said struct {
	text   string
	id     [16]byte
	fields []Field
}

// NewFilter makes a filter of a tree that the caller built, which it copies. Trees that differ only in
// the order or nesting of AND and OR, in repeats, or in the order of terms give equal filters.
// NewFilter(&AllOf{}) is the filter that always holds. A nil node panics.
func NewFilter(n Node) *Filter { return filterOf(canonical(n)) }

func filterOf(w written) *Filter {
	f := &Filter{root: w.node}
	f.once.Do(func() { f.said = say(w) })
	return f
}

func say(w written) said {
	text := w.append(nil)
	sum := sha256.Sum256(text)
	s := said{text: string(text), fields: fieldsOf(nil, w.node)}
	copy(s.id[:], sum[:])
	slices.SortFunc(s.fields, compareFields)
	s.fields = slices.Clip(slices.Compact(s.fields))
	return s
}

// tell returns what can be said of a filter. Of one that a [Decoder] read it is worked out when it is first asked for.
func (f *Filter) tell() *said {
	f.once.Do(func() { f.said = say(canonical(f.root)) })
	return &f.said
}

// Root is the canonical tree. It must not be changed.
func (f *Filter) Root() Node { return f.root }

// Identity is the same for equal filters, in every process and version of this package, and differs
// for others (it is half of a SHA-256).
func (f *Filter) Identity() [16]byte { return f.tell().id }

// String is the canonical text of the filter, for people and logs. It is not JQL: the values in it are
// terms.
func (f *Filter) String() string { return f.tell().text }

// Fields lists the fields that the filter asks for, each once, sorted. The slice must not be changed.
func (f *Filter) Fields() []Field { return f.tell().fields }

// Holds evaluates the filter over an event. The function terms gives the terms of a field in the
// event, without repeats or with them, and whether the field has any value at all; a field with terms
// is present, whatever it says. The time that counts as now decides conditions such as
// created > startOfDay(). Holds keeps nothing of what it is given.
func (f *Filter) Holds(terms func(Field) (terms []string, present bool), now time.Time) bool {
	return holds(f.root, terms, now)
}

func holds(n Node, terms func(Field) ([]string, bool), now time.Time) bool {
	switch n := n.(type) {
	case *AllOf:
		return !slices.ContainsFunc(n.Nodes, func(x Node) bool { return !holds(x, terms, now) })
	case *AnyOf:
		return slices.ContainsFunc(n.Nodes, func(x Node) bool { return holds(x, terms, now) })
	case *Test:
		values, present := terms(n.Field)
		return n.holds(values, present || len(values) > 0)
	case Condition:
		values, present := terms(n.On())
		bytes := make([][]byte, len(values))
		for i, v := range values {
			bytes[i] = []byte(v)
		}
		return n.Holds(bytes, present, now)
	}
	return false
}

func (t *Test) holds(values []string, present bool) bool {
	if !present {
		return t.Empty && !t.Negate
	}
	common := slices.ContainsFunc(values, func(v string) bool {
		_, found := slices.BinarySearch(t.Terms, v)
		return found
	})
	return common != t.Negate
}

// fieldsOf appends the fields of n, some of them repeatedly.
func fieldsOf(dst []Field, n Node) []Field {
	switch n := n.(type) {
	case *AllOf:
		for _, x := range n.Nodes {
			dst = fieldsOf(dst, x)
		}
	case *AnyOf:
		for _, x := range n.Nodes {
			dst = fieldsOf(dst, x)
		}
	case *Test:
		return addField(dst, n.Field)
	case Condition:
		return addField(dst, n.On())
	}
	return dst
}

// addField leaves out a field that was the last one, too: children stand in the order of their fields.
func addField(dst []Field, f Field) []Field {
	if last := len(dst) - 1; last >= 0 && dst[last] == f {
		return dst
	}
	return append(dst, f)
}
