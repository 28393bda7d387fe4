package jql

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
)

// Field identifies one thing that a filter can ask of an event. It is comparable and serves as a map
// key. The zero Field is invalid.
//
// Name is the canonical name: "project", "issuekey", "customfield_10014" for any custom field however
// it was spelled, "issue.property" for entity properties. Key and Path are set for entity properties
// only: the property's key, and the path inside its value with dots between the steps ("" for the
// whole value). Names outside the catalogue are allowed: a program that filters on more than JQL says
// (the type of an event, for example) makes up its own.
type Field struct {
	Name string
	Key  string
	Path string
}

// Steps splits the path of an entity property into the names of members to follow, none for the whole
// value. A step into an array goes into each of its elements.
func (f Field) Steps() []string {
	if f.Path == "" {
		return nil
	}
	return strings.Split(f.Path, ".")
}

// Node is a node of a canonical filter: [*AllOf], [*AnyOf] or [*Test]. The set is closed.
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
// sorted and free of repeats.
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
	root   Node
	text   string
	id     [16]byte
	fields []Field
}

// NewFilter makes a filter of a tree that the caller built, which it copies. Trees that differ only in
// the order or nesting of AND and OR, in repeats, or in the order of terms give equal filters.
// NewFilter(&AllOf{}) is the filter that always holds. A nil node panics.
func NewFilter(n Node) *Filter {
	w := canonical(n)
	sum := sha256.Sum256([]byte(w.text))
	f := &Filter{root: w.node, text: w.text, fields: fieldsOf(nil, w.node)}
	copy(f.id[:], sum[:])
	return f
}

// Root is the canonical tree. It must not be changed.
func (f *Filter) Root() Node { return f.root }

// Identity is the same for equal filters, in every process and version of this package, and differs
// for others (it is half of a SHA-256).
func (f *Filter) Identity() [16]byte { return f.id }

// String is the canonical text of the filter, for people and logs. It is not JQL: the values in it are
// terms.
func (f *Filter) String() string { return f.text }

// Fields lists the fields that the filter asks for, each once, sorted. The slice must not be changed.
func (f *Filter) Fields() []Field { return f.fields }

// Holds evaluates the filter over an event. The function terms gives the terms of a field in the
// event, without repeats or with them, and whether the field has any value at all; a field with terms
// is present, whatever it says. Holds keeps nothing of what it is given.
func (f *Filter) Holds(terms func(Field) (terms []string, present bool)) bool {
	return holds(f.root, terms)
}

func holds(n Node, terms func(Field) ([]string, bool)) bool {
	switch n := n.(type) {
	case *AllOf:
		return !slices.ContainsFunc(n.Nodes, func(x Node) bool { return !holds(x, terms) })
	case *AnyOf:
		return slices.ContainsFunc(n.Nodes, func(x Node) bool { return holds(x, terms) })
	case *Test:
		values, present := terms(n.Field)
		return n.holds(values, present || len(values) > 0)
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

// fieldsOf appends the fields of n to the sorted set dst.
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
		if i, found := slices.BinarySearchFunc(dst, n.Field, compareFields); !found {
			dst = slices.Insert(dst, i, n.Field)
		}
	}
	return dst
}

func compareFields(a, b Field) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Path, b.Path))
}
