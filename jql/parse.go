package jql

import "strings"

// Parse reads one query. A blank text is the query that selects everything. It accepts the whole
// grammar; what a given API makes of it is up to [Dialect.Check] and [Compile].
//
// Every error is a *[SyntaxError]. Text longer than [MaxLength] or nested deeper than [MaxDepth] is
// one too.
func Parse(src string) (*Query, error) {
	if len(src) > MaxLength {
		return nil, &SyntaxError{Pos: Pos{Offset: 0, Line: 1, Column: 1}, Msg: msgTooLong}
	}
	root, err := parseTree(src)
	if err != nil {
		return nil, err
	}
	var b builder
	q := b.query(root)
	if b.err != nil {
		return nil, b.err
	}
	return q, nil
}

// builder turns the parser's tree into the public one. It keeps the first thing in the text that the
// grammar lets through and JQL does not.
type builder struct{ err *SyntaxError }

func (b *builder) fail(at Pos, msg string) {
	if b.err == nil {
		b.err = &SyntaxError{Pos: at, Msg: msg}
	}
}

func (b *builder) query(n *queryNode) *Query {
	q := &Query{}
	if n.Where != nil {
		q.Where = b.or(n.Where)
	}
	order := n.Order
	if order == nil {
		order = n.OrderBy
	}
	if order != nil {
		for _, s := range order.Sorts {
			q.OrderBy = append(q.OrderBy, Sort{Field: b.field(&s.Field), Direction: s.Direction.Direction})
		}
	}
	return q
}

func (b *builder) or(n *orNode) Expr {
	if len(n.Operands) == 1 {
		return b.and(n.Operands[0])
	}
	or := &Or{Operands: make([]Expr, len(n.Operands))}
	for i, operand := range n.Operands {
		or.Operands[i] = b.and(operand)
	}
	return or
}

func (b *builder) and(n *andNode) Expr {
	if len(n.Operands) == 1 {
		return b.not(n.Operands[0])
	}
	and := &And{Operands: make([]Expr, len(n.Operands))}
	for i, operand := range n.Operands {
		and.Operands[i] = b.not(operand)
	}
	return and
}

func (b *builder) not(n *notNode) Expr {
	switch {
	case n.Not != nil:
		return &Not{Operand: b.not(n.Not)}
	case n.Group != nil:
		return b.or(n.Group)
	}
	return b.clause(n.Clause)
}

func (b *builder) clause(n *clauseNode) *Clause {
	field := b.field(&n.Field)
	c := &Clause{Field: field, Op: Changed, Pos: field.Pos}
	switch {
	case n.Operand != nil:
		c.Op = n.Op.Op
		c.Operand = b.checked(c, n.Operand)
	case n.WasOperand != nil:
		c.Op = n.Was.Op
		c.Operand = b.checked(c, n.WasOperand)
		for _, p := range n.WasPredicates {
			c.Predicates = append(c.Predicates, b.predicate(&p.Op, p.Operand))
		}
	default:
		for _, p := range n.ChangedPredicates {
			c.Predicates = append(c.Predicates, b.predicate(&p.Op, p.Operand))
		}
	}
	return c
}

// checked builds the operand of c and refuses the kinds that the operator does not take.
func (b *builder) checked(c *Clause, n *operandNode) Operand {
	operand := b.operand(n)
	if !c.Op.allows(operand) {
		b.fail(n.pos(), operandMessage(c.Op, operand, c.Field.Name))
	}
	return operand
}

func (n *operandNode) pos() Pos {
	switch {
	case n.Text != nil:
		return posOf(n.Text)
	case n.Empty != nil:
		return posOf(n.Empty)
	}
	return posOf(&n.List.Open)
}

var predicateOps = map[tokenType]PredicateOp{
	tokBefore: Before, tokAfter: After, tokOn: On, tokDuring: During, tokBy: By, tokFrom: From, tokTo: To,
}

func (b *builder) predicate(op *token, operand *operandNode) Predicate {
	return Predicate{Op: predicateOps[op.Type], Operand: b.operand(operand), Pos: posOf(op)}
}

func (b *builder) field(n *fieldNode) FieldRef {
	switch {
	case n.Number != nil:
		return FieldRef{Name: n.Number.Value, Form: Numbered, Pos: posOf(n.Number)}
	case n.Custom != nil:
		return FieldRef{Name: "cf[" + n.Custom.ID.Text + "]", Form: Custom, Pos: posOf(&n.Custom.Cf)}
	}
	ref := FieldRef{Name: n.Name.Value, Pos: posOf(n.Name)}
	if strings.TrimSpace(ref.Name) == "" {
		b.fail(ref.Pos, msgEmptyField)
	}
	for _, p := range n.Properties {
		path := strings.TrimPrefix(strings.Join(p.Path, ""), ".")
		ref.Properties = append(ref.Properties, Property{Key: p.Key.Text, Path: path})
	}
	return ref
}

func (b *builder) operand(n *operandNode) Operand {
	switch {
	case n.Call != nil:
		return b.call(n)
	case n.Text != nil:
		return Value{Text: n.Text.Value, Number: n.Text.Type == tokNumber}
	case n.List != nil:
		list := List{Items: make([]Operand, len(n.List.Items))}
		for i, item := range n.List.Items {
			list.Items[i] = b.operand(item)
		}
		return list
	}
	return Empty{}
}

func (b *builder) call(n *operandNode) Operand {
	f := Function{Name: n.Text.Value}
	if strings.TrimSpace(f.Name) == "" {
		b.fail(posOf(n.Text), msgEmptyFunction)
	}
	for _, arg := range n.Call.Args {
		f.Args = append(f.Args, arg.Text)
	}
	for _, arg := range n.Call.More {
		f.Args = append(f.Args, arg.Text)
	}
	return f
}
