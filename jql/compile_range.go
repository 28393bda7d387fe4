package jql

import (
	"bytes"
	"slices"
	"strings"
)

// The first byte of terms that have an order among their like.
const (
	textPrefix   = string(stringMark)
	numberPrefix = string(numberMark)
	datePrefix   = "t"
)

// order compiles <, <=, > and >=.
func (x *comparison) order(op Op) Node {
	switch o := x.Operand.(type) {
	case Value:
		if x.ranked() {
			return x.rank(op, o)
		}
		if r := x.bound(o); r != nil {
			r.Op = op
			return r
		}
	case Function:
		field := x.field
		if x.kind != KindDate {
			field = field.Of(Dates)
		}
		if m, ok := x.function(o); ok && m != nil {
			return &Range{Field: field, Op: op, Prefix: datePrefix, Moment: m}
		}
	default: // of a tree that was not parsed
		x.problem(x.Pos, operandMessage(x.Op, o, x.Field.Name))
	}
	return &AnyOf{}
}

// bound is a range without its operator, or nil and a problem for a text that has no place in the order.
func (x *comparison) bound(v Value) *Range {
	switch x.kind {
	case KindIssue:
		if r := x.keyBound(v.Text); r != nil {
			return r
		}
		x.problem(v.Pos, msgNotKey(v.Text, x.Field.Name))
	case KindNumber:
		if r := x.numberBound(v.Text); r != nil {
			return r
		}
		x.problem(v.Pos, msgNotNumber(v.Text, x.Field.Name))
	case KindDate:
		if r := x.dateBound(v, x.field); r != nil {
			return r
		}
		x.problem(v.Pos, msgBadDate(v.Text, x.Field.Name))
	default:
		return x.typedBound(v)
	}
	return nil
}

// typedBound reads a text as what it looks like, as the values of the field are whatever they look like.
func (x *comparison) typedBound(v Value) *Range {
	if r := x.numberBound(v.Text); r != nil {
		return r
	}
	if r := x.dateBound(v, x.field.Of(Dates)); r != nil {
		return r
	}
	text := v.Text
	if x.kind == KindAny {
		text = folded(text)
	}
	return &Range{Field: x.field, Prefix: textPrefix, Bound: text}
}

func (x *comparison) numberBound(text string) *Range {
	term, ok := AppendNumberTerm(nil, []byte(text))
	if !ok {
		return nil
	}
	return &Range{Field: x.field, Prefix: numberPrefix, Bound: string(term[len(numberPrefix):])}
}

func (x *comparison) dateBound(v Value, field Field) *Range {
	d, ok := x.date(v)
	if !ok {
		return nil
	}
	r := &Range{Field: field, Prefix: datePrefix, Moment: d.Clock}
	if d.Clock == nil {
		r.Bound = dateTerm(d.At)[len(datePrefix):]
	}
	return r
}

// keyBound is one within the project of a key.
func (x *comparison) keyBound(text string) *Range {
	term, ok := AppendKeyTerm(nil, []byte(text))
	if !ok {
		return nil
	}
	number := bytes.IndexByte(term, '-') + 1
	return &Range{Field: x.field.Of(Ranks), Prefix: string(term[:number]), Bound: string(term[number:])}
}

// rank lists the priorities that stand so to the operand.
func (x *comparison) rank(op Op, v Value) Node {
	place := slices.IndexFunc(x.env.Priorities, func(name string) bool { return strings.EqualFold(name, v.Text) })
	if place < 0 {
		x.problem(v.Pos, msgNoValue(v.Text, x.Field.Name))
		return &AnyOf{}
	}
	test := &Test{Field: x.field}
	for i, name := range x.env.Priorities {
		if ordered(i-place, op) {
			test.Terms = append(test.Terms, folded(name))
		}
	}
	return test
}
