package jql

// Parse reads one query. A blank text is the query that selects everything. It accepts the whole
// grammar; what a given API makes of it is up to [Dialect.Check] and [Compile].
//
// Every error is a *[SyntaxError]. Text longer than [MaxLength] or nested deeper than [MaxDepth] is
// one too.
func Parse(src string) (*Query, error) {
	if len(src) > MaxLength {
		return nil, &SyntaxError{Pos: Pos{Offset: 0, Line: 1, Column: 1}, Msg: msgTooLong(len(src))}
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

func (b *builder) keep(refused *SyntaxError) {
	if b.err == nil {
		b.err = refused
	}
}

func (b *builder) query(n *queryNode) *Query {
	q := &Query{}
	if n.Where != nil {
		q.Where = n.Where.build(b)
	}
	order := n.Order
	if order == nil {
		order = n.OrderBy
	}
	if order != nil {
		for _, s := range order.Sorts {
			b.keep(s.Field.refused)
			q.OrderBy = append(q.OrderBy, Sort{Field: s.Field.FieldRef, Direction: s.Direction.Direction})
		}
	}
	return q
}

func (n *orNode) build(b *builder) Expr {
	if len(n.Operands) == 1 {
		return n.Operands[0].build(b)
	}
	or := &Or{Operands: make([]Expr, len(n.Operands))}
	for i, operand := range n.Operands {
		or.Operands[i] = operand.build(b)
	}
	return or
}

func (n *andNode) build(b *builder) Expr {
	var operands []Expr
	for _, conjunct := range n.Operands {
		operands = conjunct.appendTo(operands, b)
	}
	if len(operands) == 1 {
		return operands[0]
	}
	return &And{Operands: operands}
}

func (n *clausesNode) appendTo(operands []Expr, b *builder) []Expr {
	b.keep(n.refused)
	if operands == nil {
		return n.clauses
	}
	return append(operands, n.clauses...)
}

func (n *groupNode) appendTo(operands []Expr, b *builder) []Expr {
	return append(operands, n.build(b))
}

func (n *negationNode) appendTo(operands []Expr, b *builder) []Expr {
	return append(operands, n.build(b))
}

func (n *negationNode) build(b *builder) Expr { return &Not{Operand: n.Operand.build(b)} }

func (n *groupNode) build(b *builder) Expr { return n.Inner.build(b) }

func (n *clauseNode) build(b *builder) Expr {
	b.keep(n.refused)
	return &n.Clause
}
