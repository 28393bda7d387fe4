package jql

// maxChanges bounds the pairs of an old and a new value that a query compares: each has a term of its own, so
// that two long lists would make of a small text a large filter.
const maxChanges = 10_000

// change compiles CHANGED, or with negate its complement.
func (x *comparison) change(negate bool) Node {
	var from, to, by Operand
	for i := range x.Predicates {
		p := &x.Predicates[i]
		var place *Operand
		switch p.Op {
		case From:
			place = &from
		case To:
			place = &to
		case By:
			place = &by
		default:
			x.problem(p.Pos, msgNoPredicate(p.Op))
			continue
		}
		if *place != nil {
			x.problem(p.Pos, msgRepeated(p.Op))
			continue
		}
		*place = p.Operand
	}
	nodes := []Node{x.changed(from, to)}
	if by != nil {
		nodes = append(nodes, x.by(by))
	}
	if negate {
		return complement(&AllOf{Nodes: nodes})
	}
	return &AllOf{Nodes: nodes}
}

// by compares who caused the event.
func (x *comparison) by(users Operand) Node {
	actor := comparison{
		compiler: x.compiler,
		Clause:   &Clause{Field: FieldRef{Name: actorField, Pos: x.Pos}, Op: In, Operand: users, Pos: x.Pos},
		resolved: resolved{field: Field{Name: actorField}, kind: KindUser},
	}
	return actor.equality(false)
}

// changed tests that the changelog has an item with one of the old values and one of the new ones; nil is
// any.
func (x *comparison) changed(from, to Operand) Node {
	old, new := x.side(from), x.side(to)
	switch {
	case from == nil && to == nil:
		return &Test{Field: x.field.Of(Changes), Negate: true}
	case to == nil:
		return &Test{Field: x.field.Of(ChangedFrom), Terms: old}
	case from == nil:
		return &Test{Field: x.field.Of(ChangedTo), Terms: new}
	}
	before := x.changes
	x.changes += len(old) * len(new)
	if x.changes > maxChanges {
		if before <= maxChanges {
			x.problem(x.Pos, msgTooManyChanges)
		}
		return &AnyOf{}
	}
	return &Test{Field: x.field.Of(ChangedBoth), Terms: pairs(old, new)}
}

func pairs(from, to []string) []string {
	terms := make([]string, 0, len(from)*len(to))
	for _, a := range from {
		for _, b := range to {
			terms = append(terms, string(AppendChangeTerm(nil, []byte(a), []byte(b))))
		}
	}
	return terms
}

// historySide is the operand of FROM or TO.
type historySide struct {
	*comparison
	terms []string
	empty bool
}

// side is the terms of an old or new value in a changelog.
func (x *comparison) side(operand Operand) []string {
	s := historySide{comparison: x}
	s.add(operand)
	if s.empty {
		s.terms = append(s.terms, "")
	}
	return s.terms
}

func (s *historySide) add(operand Operand) {
	switch o := operand.(type) {
	case Empty:
		s.empty = true
	case List:
		for _, item := range o.Items {
			if s.found.full() {
				return
			}
			s.add(item)
		}
	case Function:
		if m, ok := s.function(o); ok && m != nil {
			s.problem(o.Pos, msgMovingDate(o.String(), s.Field.Name))
		}
	case Value:
		s.addValue(o)
	}
}

// addValue adds the terms of a text. The empty one is no value, and its term that of EMPTY.
func (s *historySide) addValue(v Value) {
	switch {
	case s.kind == KindDate:
		d, ok := s.date(v)
		switch {
		case !ok:
			s.problem(v.Pos, msgBadDate(v.Text, s.Field.Name))
		case d.Clock != nil:
			s.problem(v.Pos, msgMovingDate(v.Text, s.Field.Name))
		default:
			s.terms = append(s.terms, dateTerm(d.At))
		}
	case s.kind == KindNumber:
		if term, ok := AppendNumberTerm(nil, []byte(v.Text)); ok {
			s.terms = append(s.terms, string(term))
		} else {
			s.problem(v.Pos, msgNotNumber(v.Text, s.Field.Name))
		}
	case v.Text != "":
		s.terms = appendTerms(s.terms, s.kind, v.Text)
	}
}

// complement holds exactly where n does not. It takes what CHANGED compiles to.
func complement(n Node) Node {
	switch n := n.(type) {
	case *AllOf:
		return &AnyOf{Nodes: complements(n.Nodes)}
	case *AnyOf:
		return &AllOf{Nodes: complements(n.Nodes)}
	case *Test:
		return n.complement()
	}
	return &AnyOf{}
}

func complements(nodes []Node) []Node {
	all := make([]Node, len(nodes))
	for i, n := range nodes {
		all[i] = complement(n)
	}
	return all
}

func (t *Test) complement() Node {
	switch {
	case t.Negate:
		return &Test{Field: t.Field, Terms: t.Terms, Empty: true}
	case t.Empty:
		return &Test{Field: t.Field, Negate: true, Terms: t.Terms}
	case len(t.Terms) == 0:
		return &AllOf{}
	}
	return &AnyOf{Nodes: []Node{
		&Test{Field: t.Field, Empty: true},
		&Test{Field: t.Field, Negate: true, Terms: t.Terms},
	}}
}
