package jql

import "slices"

// Compile turns a query into a filter: NOT is pushed to the clauses (each operator has its opposite,
// AND and OR change places), names become canonical fields, operands become terms and conditions, and the
// tree is brought into the form of [NewFilter].
//
// It covers every field of [Env.Catalogue], every custom field, and the operators of their kinds.
// Everything else is a *[CheckError] that names each problem in the order of the text. ORDER BY is ignored,
// as it does not change what a query selects.
//
// An event without an issue meets no query but the empty one, not even assignee = EMPTY, and a filter
// cannot tell such an event from an issue whose fields are all empty. Whoever matches filters against
// events of both kinds has to add that test.
func Compile(q *Query, env Env) (*Filter, error) {
	if q.Where == nil {
		return NewFilter(&AllOf{}), nil
	}
	c := newCompiler(&env, nil)
	root := c.expr(q.Where, false)
	if err := c.found.err(); err != nil {
		return nil, err
	}
	return NewFilter(root), nil
}

// compiler turns the clauses of one query into nodes and collects what is wrong with them. Where
// something is, the node does not matter.
type compiler struct {
	env     *Env
	dialect *Dialect // nil for all that is known
	fields  resolver
	changes int // pairs of an old and a new value so far
	words   int // that ~ looks for so far
	moments int // in lists so far
	found   problems
}

func newCompiler(env *Env, dialect *Dialect) *compiler {
	return &compiler{env: env, dialect: dialect, fields: resolver{env: env}}
}

// expr compiles e, or its opposite.
func (c *compiler) expr(e Expr, negate bool) Node {
	if c.found.full() {
		return &AnyOf{}
	}
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

// opposite is the operator that NOT makes of another. CHANGED has none.
var opposite = [...]Op{
	Eq: Ne, Ne: Eq, Like: NotLike, NotLike: Like, In: NotIn, NotIn: In, Is: IsNot, IsNot: Is,
	Less: GreaterEq, GreaterEq: Less, Greater: LessEq, LessEq: Greater,
	Was: WasNot, WasNot: Was, WasIn: WasNotIn, WasNotIn: WasIn, Changed: Changed,
}

// comparison is a clause whose field is known.
type comparison struct {
	*compiler
	*Clause
	resolved
}

func (c *compiler) clause(clause *Clause, negate bool) Node {
	found, ok := c.fields.resolve(&clause.Field)
	if !ok || !c.dialect.hasField(&found) {
		c.found.add(clause.Field.Pos, c.dialect.noField(clause.Field.Name))
		c.strangers(clause)
		return &AnyOf{}
	}
	x := comparison{compiler: c, Clause: clause, resolved: found}
	if message := x.refusal(); message != "" {
		c.found.add(clause.Pos, message)
		c.strangers(clause)
		return &AnyOf{}
	}
	op := clause.Op
	if negate {
		op = opposite[op]
	}
	switch op {
	case Less, Greater, LessEq, GreaterEq:
		return x.order(op)
	case Like, NotLike:
		return x.search(op == NotLike)
	case Changed:
		return x.change(negate)
	}
	return x.equality(op == Ne || op == NotIn || op == IsNot)
}

// refusal words why the clause cannot have its operator; it is empty if it can.
func (x *comparison) refusal() string {
	switch op := x.Op; {
	case Was <= op && op <= WasNotIn && x.dialect.hasOperator(Changed):
		return msgNoHistory("operator", op.String(), "Use CHANGED to ask what this event changed.")
	case !x.dialect.hasOperator(op):
		return "The operator " + op.String() + " is unsupported"
	case !x.has(op):
		return msgNoOperator(op, x.Field.Name)
	}
	return ""
}

// has tells whether the field has the operator.
func (x *comparison) has(op Op) bool {
	switch {
	case op == Changed && !x.history:
		return false
	case x.ranked() && Less <= op && op <= GreaterEq:
		return true
	}
	return slices.Contains(x.kind.Operators(), op)
}

// ranked tells that the site says how the values of the field are ordered.
func (x *comparison) ranked() bool { return x.field.Name == priorityField && len(x.env.Priorities) > 0 }

// problem notes what is wrong with an operand.
func (x *comparison) problem(at Pos, message string) { x.found.add(at, message) }

// strangers names the functions of a refused clause that the dialect does not know: they would be in the way
// of any other clause as well.
func (c *compiler) strangers(clause *Clause) {
	var visit func(Operand)
	visit = func(operand Operand) {
		switch o := operand.(type) {
		case Function:
			if !c.found.full() && !c.knows(o) {
				c.found.add(o.Pos, msgNoFunction(o))
			}
		case List:
			for _, item := range o.Items {
				visit(item)
			}
		}
	}
	visit(clause.Operand)
	for _, p := range clause.Predicates {
		visit(p.Operand)
	}
}
