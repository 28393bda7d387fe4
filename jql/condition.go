package jql

import (
	"strings"
	"time"
	"unsafe"
)

// Condition is a leaf of a filter that no look-up of terms decides: an order or a pattern. It is
// [*Range] or [*Search]; the set is closed. Conditions are immutable and safe for concurrent use.
type Condition interface {
	Node

	// On is the field whose terms the condition looks at.
	On() Field

	// Holds decides for one event, from the terms of the field, whether the field is present at all,
	// and the time that counts as now. A field with terms is present. Nothing is kept of terms.
	//
	// A condition never holds on a field that is not present.
	Holds(terms [][]byte, present bool, now time.Time) bool

	// String is the canonical text; equal conditions, and no others, share it.
	String() string

	append(b []byte) []byte
}

// Range holds when some term begins with Prefix and its rest stands to the bound as Op says, byte by
// byte: terms that have an order are made so that it is that of their bytes. With Negate it holds when
// the field is present and no term does so.
type Range struct {
	Field  Field
	Negate bool
	Op     Op // Eq, Less, LessEq, Greater or GreaterEq
	Prefix string
	Bound  string  // unless Moment is set
	Moment *Moment // a bound that depends on the clock; its term less the first byte (see [AppendDateTerm]) takes the place of Bound
}

// Search looks for words in text. On the aspect [Words] it holds when some word matches Text, in which "?"
// stands for one character and a "*" at the end for any number; on [Phrases] when some phrase
// contains Text, made by [AppendPhraseTerm]. With Negate it holds when the field is present and that is
// not so.
type Search struct {
	Field  Field
	Negate bool
	Text   string
}

func (*Range) node()  {}
func (*Search) node() {}

// On implements [Condition].
func (r *Range) On() Field { return r.Field }

// On implements [Condition].
func (s *Search) On() Field { return s.Field }

// Holds implements [Condition].
func (r *Range) Holds(terms [][]byte, present bool, now time.Time) bool {
	if !present && len(terms) == 0 {
		return false
	}
	bound := r.Bound
	if r.Moment != nil {
		var buf [32]byte
		bound = string(appendInstant(buf[:0], r.Moment.At(now)))
	}
	for _, term := range terms {
		rest, ok := cutPrefix(term, r.Prefix)
		if ok && ordered(compareText(rest, bound), r.Op) {
			return !r.Negate
		}
	}
	return r.Negate
}

// Conversions that only serve a comparison cost no memory.

func cutPrefix(term []byte, prefix string) (rest []byte, ok bool) {
	if len(term) < len(prefix) || string(term[:len(prefix)]) != prefix {
		return nil, false
	}
	return term[len(prefix):], true
}

func compareText(a []byte, b string) int {
	switch {
	case string(a) < b:
		return -1
	case string(a) > b:
		return 1
	}
	return 0
}

// ordered tells whether a comparison that came out as sign is what op asks for.
func ordered(sign int, op Op) bool {
	switch op {
	case Less:
		return sign < 0
	case LessEq:
		return sign <= 0
	case Greater:
		return sign > 0
	case GreaterEq:
		return sign >= 0
	}
	return sign == 0
}

// Holds implements [Condition].
func (s *Search) Holds(terms [][]byte, present bool, _ time.Time) bool {
	if !present && len(terms) == 0 {
		return false
	}
	for _, term := range terms {
		if s.finds(term) {
			return !s.Negate
		}
	}
	return s.Negate
}

func (s *Search) finds(term []byte) bool {
	if s.Field.Aspect == Phrases {
		// bytes.Contains would copy the text every time.
		return strings.Contains(unsafe.String(unsafe.SliceData(term), len(term)), s.Text)
	}
	return wildcard(s.Text, term)
}

// String implements [Condition].
func (r *Range) String() string { return string(r.append(nil)) }

func (r *Range) append(b []byte) []byte {
	b = appendFieldName(b, r.Field)
	if r.Negate {
		b = append(b, " NOT"...)
	}
	b = append(append(append(b, ' '), r.Op.String()...), ' ')
	b = append(appendQuoted(b, r.Prefix), '+')
	if r.Moment != nil {
		return append(b, r.Moment.String()...)
	}
	return appendQuoted(b, r.Bound)
}

// String implements [Condition].
func (s *Search) String() string { return string(s.append(nil)) }

func (s *Search) append(b []byte) []byte {
	b = appendFieldName(b, s.Field)
	if s.Negate {
		b = append(b, " !~ "...)
	} else {
		b = append(b, " ~ "...)
	}
	return appendQuoted(b, s.Text)
}
