package jql

// Compile turns a query into a filter: NOT is pushed to the clauses (each operator has its opposite,
// AND and OR change places), names become canonical fields, operands become terms, and the tree is
// brought into the form of [NewFilter].
//
// It covers what the catalogue knows: equality in all its spellings (=, !=, IN, NOT IN, IS, IS NOT)
// over the fields of [Env.Catalogue]. Everything else is a *[CheckError] that names each problem in
// the order of the text. ORDER BY is ignored, as it does not change what a query selects.
//
// An event without an issue meets no query but the empty one, not even assignee = EMPTY, and a filter
// cannot tell such an event from an issue whose fields are all empty. Whoever matches filters against
// events of both kinds has to add that test.
func Compile(q *Query, env Env) (*Filter, error) {
	c := compiler{env: env}
	if q.Where == nil {
		return NewFilter(&AllOf{}), nil
	}
	root := c.expr(q.Where, false)
	if err := c.found.err(); err != nil {
		return nil, err
	}
	return NewFilter(root), nil
}

type compiler struct {
	env   Env
	found problems
}

// expr compiles e, or its opposite.
func (c *compiler) expr(e Expr, negate bool) Node {
	switch e := e.(type) {
	case *And:
		return c.compound(e.Operands, negate, negate)
	case *Or:
		return c.compound(e.Operands, !negate, negate)
	case *Not:
		return c.expr(e.Operand, !negate)
	case *Clause:
		return c.clause(e, negate)
	}
	return &AnyOf{}
}

// compound compiles the operands of AND and OR; anyOf tells which of the two comes out.
func (c *compiler) compound(operands []Expr, anyOf, negate bool) Node {
	nodes := make([]Node, len(operands))
	for i, operand := range operands {
		nodes[i] = c.expr(operand, negate)
	}
	if anyOf {
		return &AnyOf{Nodes: nodes}
	}
	return &AllOf{Nodes: nodes}
}

func (c *compiler) clause(clause *Clause, negate bool) Node {
	field, info, ok := c.env.Resolve(clause.Field)
	if !ok {
		c.found.add(clause.Field.Pos, "Field '%s' does not exist or you do not have permission to view it.", clause.Field.Name)
	}
	switch clause.Op {
	case Eq, In, Is:
	case Ne, NotIn, IsNot:
		negate = !negate
	default:
		c.found.add(clause.Pos, "The operator '%s' is not supported by the '%s' field.", clause.Op, clause.Field.Name)
	}
	test := &Test{Field: field, Negate: negate}
	c.operand(test, info.Kind, clause.Operand, clause.Pos)
	return test
}

// operand adds the terms of an operand to the test. Lists inside lists are their elements.
func (c *compiler) operand(test *Test, kind Kind, operand Operand, at Pos) {
	switch o := operand.(type) {
	case Value:
		test.Terms = append(test.Terms, kind.operandTerms(o.Text)...)
	case Empty:
		test.Empty = true
	case List:
		for _, item := range o.Items {
			c.operand(test, kind, item, at)
		}
	case Function:
		c.found.add(at, "%s", unknownFunction(o))
	}
}
