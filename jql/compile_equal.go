package jql

import "time"

// equality compiles =, IN and IS, or with negate their opposites.
func (x *comparison) equality(negate bool) Node {
	e := alternatives{comparison: x}
	e.add(x.Operand)
	return e.node(negate)
}

// alternatives are the ways in which a field may be equal to an operand.
type alternatives struct {
	*comparison
	terms   []string
	empty   bool
	names   []string // display names of users
	moments []*Moment
}

func (e *alternatives) add(operand Operand) {
	switch o := operand.(type) {
	case Empty:
		e.empty = true
	case Value:
		e.addValue(o)
	case List:
		if e.terms == nil {
			e.terms = make([]string, 0, len(o.Items))
		}
		for _, item := range o.Items {
			if e.found.full() {
				return
			}
			e.add(item)
		}
	case Function:
		if m, ok := e.function(o); ok && m != nil {
			e.addMoment(m, o.Pos)
		}
	}
}

func (e *alternatives) addValue(v Value) {
	switch e.kind {
	case KindDate:
		d, ok := e.date(v)
		switch {
		case !ok:
			e.problem(v.Pos, msgBadDate(v.Text, e.Field.Name))
		case d.Clock != nil:
			e.addMoment(d.Clock, v.Pos)
		default:
			e.terms = append(e.terms, dateTerm(d.At))
		}
		return
	case KindNumber:
		if term, ok := AppendNumberTerm(nil, []byte(v.Text)); ok {
			e.terms = append(e.terms, string(term))
		} else {
			e.problem(v.Pos, msgNotNumber(v.Text, e.Field.Name))
		}
		return
	case KindUser:
		if e.env.DisplayNames {
			e.names = append(e.names, folded(v.Text))
		}
	}
	e.terms = appendTerms(e.terms, e.kind, v.Text)
}

// maxMoments bounds the dates relative to the clock that a query lists. Each is a node of the filter.
const maxMoments = 1000

func (e *alternatives) addMoment(m *Moment, at Pos) {
	e.compiler.moments++
	if e.compiler.moments <= maxMoments {
		e.moments = append(e.moments, m)
	} else if e.compiler.moments == maxMoments+1 {
		e.problem(at, msgTooManyMoments)
	}
}

// date reads a value as a date; a number without quotes is none.
func (x *comparison) date(v Value) (dateOperand, bool) {
	if v.Number {
		return dateOperand{}, false
	}
	return parseDate(v.Text, x.env)
}

// node is the test of all that was gathered: with negate, that none of it holds of a field that has a value.
func (e *alternatives) node(negate bool) Node {
	field := e.field
	test := &Test{Field: field, Negate: negate, Terms: e.terms, Empty: e.empty}
	if len(e.names) == 0 && len(e.moments) == 0 {
		return test
	}
	var nodes []Node
	if len(e.terms) > 0 || e.empty {
		nodes = append(nodes, test)
	}
	if len(e.names) > 0 {
		nodes = append(nodes, &Test{Field: field.Of(Names), Negate: negate, Terms: e.names})
	}
	if e.kind != KindDate {
		field = field.Of(Dates)
	}
	for _, m := range e.moments {
		nodes = append(nodes, &Range{Field: field, Negate: negate, Op: Eq, Prefix: datePrefix, Moment: m})
	}
	if negate {
		return &AllOf{Nodes: nodes}
	}
	return &AnyOf{Nodes: nodes}
}

// appendTerms appends the terms that a value has if it equals the text of an operand, for kinds that take any
// text.
func appendTerms(terms []string, kind Kind, text string) []string {
	switch kind {
	case KindProperty:
		return append(terms, TypedTerms(text)...)
	case KindUser, KindExact:
		return append(terms, text)
	case KindAny:
		text = folded(text)
		terms = append(terms, string(stringMark)+text)
		if number, ok := AppendNumberTerm(nil, []byte(text)); ok {
			terms = append(terms, string(number))
		}
		if text == "true" || text == "false" {
			terms = append(terms, string(boolMark)+text)
		}
		return terms
	}
	return append(terms, folded(text))
}

func folded(text string) string { return string(FoldTerm(nil, []byte(text))) }

func dateTerm(at time.Time) string { return string(AppendDateTerm(nil, at)) }
