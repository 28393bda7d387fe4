package jql

import "fmt"

// Limits bound how much a query may ask for, below what [Parse] and [Compile] allow in any case: what matching costs an
// event grows with it. A limit that is not positive is none, so that the zero Limits bound nothing.
type Limits struct {
	// Clauses is how many comparisons there may be.
	Clauses int

	// List is how many values there may be in one list. A list in a list counts with its values.
	List int

	// Nesting is how many levels AND and OR may be nested by turns: a = 1 is none, a = 1 AND b = 1 is one, and so is
	// a = 1 AND (b = 1 AND c = 1). NOT is no level.
	Nesting int

	// Conditions is how many orders and patterns there may be (see [Condition]), each phrase and each word with a "*" or
	// "?" counting as one. An index looks no single one up, and so an event pays for each.
	Conditions int

	// Size is how many comparisons, AND and OR, and values the compiled query may have together, which is what an index
	// keeps of it, and bounds the comparisons of numbers by which an event decides it.
	Size int
}

// DefaultLimits are wide for queries written by people and by programs, and narrow enough for the worst query within them
// to cost an ordinary event no more than some twenty microseconds, and one with 3,000 words in its summary one millisecond
// (BenchmarkWorstFilters of package event).
var DefaultLimits = Limits{Clauses: 500, List: 1000, Nesting: 32, Conditions: 50, Size: 5000}

// Limit names one of [Limits]. The set is closed.
type Limit string

// The limits.
const (
	LimitClauses    Limit = "clauses"
	LimitList       Limit = "list"
	LimitNesting    Limit = "nesting"
	LimitConditions Limit = "conditions"
	LimitSize       Limit = "size"
)

// Excess says which limit a query is over, what is allowed, and what the query has.
type Excess struct {
	Limit          Limit
	Allowed, Given int
}

// message says so in the manner of Jira's messages: what is wrong, and what to do.
func (e *Excess) message() string {
	var has, advice string
	switch e.Limit {
	case LimitClauses:
		has, advice = fmt.Sprintf("The query has %d clauses", e.Given), "Use IN for many values of one field."
	case LimitList:
		has, advice = fmt.Sprintf("The query has a list of %d values", e.Given), "Use a shorter list."
	case LimitNesting:
		has, advice = fmt.Sprintf("The query nests AND and OR %d levels deep", e.Given), "Use fewer parentheses."
	case LimitConditions:
		has, advice = fmt.Sprintf("The query has %d orders and patterns", e.Given), "Use fewer of <, >, <=, >=, ~ and relative dates."
	case LimitSize:
		has, advice = fmt.Sprintf("The query comes to %d comparisons and values in all", e.Given), "Use shorter lists."
	}
	return fmt.Sprintf("%s; at most %d are allowed. %s", has, e.Allowed, advice)
}

// check adds a problem for every limit that a query is over, whose compiled form is root.
func (l *Limits) check(where Expr, root Node, found *problems) {
	if *l == (Limits{}) {
		return
	}
	m := measured{limits: l}
	m.expr(where, false, single, 0)
	m.node(root)
	whole := Pos{Line: 1, Column: 1}
	for _, limit := range []struct {
		name           Limit
		allowed, given int
		at             Pos
	}{
		{LimitClauses, l.Clauses, m.clauses, m.clauseOver},
		{LimitList, l.List, m.list, m.listOver},
		{LimitNesting, l.Nesting, m.nesting, m.nestingOver},
		{LimitConditions, l.Conditions, m.conditions, whole},
		{LimitSize, l.Size, m.size, whole},
	} {
		if limit.allowed > 0 && limit.given > limit.allowed {
			found.exceed(limit.at, &Excess{limit.name, limit.allowed, limit.given})
		}
	}
}

// measured is what a query has of what is limited, and where it first has too much.
type measured struct {
	limits *Limits

	clauses, list, nesting            int
	clauseOver, listOver, nestingOver Pos

	conditions, size int
}

// joint is how an expression joins its operands once NOT is pushed to the clauses.
type joint uint8

const (
	single joint = iota // there is nothing to join
	conjunction
	disjunction
)

// expr measures an expression which is negated or not, and inside of as many levels, the last of which is of the kind above.
func (m *measured) expr(e Expr, negate bool, above joint, levels int) {
	switch e := e.(type) {
	case *Not:
		m.expr(e.Operand, !negate, above, levels)
	case *And:
		m.operands(e.Operands, negate, jointOf(negate), above, levels)
	case *Or:
		m.operands(e.Operands, negate, jointOf(!negate), above, levels)
	case *Clause:
		m.clause(e, levels)
	}
}

// jointOf is what OR is, or AND under NOT.
func jointOf(or bool) joint {
	if or {
		return disjunction
	}
	return conjunction
}

func (m *measured) operands(list []Expr, negate bool, is, above joint, levels int) {
	if is != above {
		levels++
	}
	for _, e := range list {
		m.expr(e, negate, is, levels)
	}
}

func (m *measured) clause(c *Clause, levels int) {
	m.clauses++
	if m.clauses == m.limits.Clauses+1 {
		m.clauseOver = c.Field.Pos
	}
	if levels > m.limits.Nesting && m.nesting <= m.limits.Nesting {
		m.nestingOver = c.Field.Pos
	}
	m.nesting = max(m.nesting, levels)
	m.operand(c.Operand, c.Field.Pos)
	for i := range c.Predicates {
		m.operand(c.Predicates[i].Operand, c.Predicates[i].Pos)
	}
}

func (m *measured) operand(o Operand, at Pos) {
	list, ok := o.(List)
	if !ok {
		return
	}
	n := countValues(list)
	if n > m.limits.List && m.list <= m.limits.List {
		m.listOver = at
	}
	m.list = max(m.list, n)
}

func countValues(l List) (n int) {
	for _, item := range l.Items {
		if inner, ok := item.(List); ok {
			n += countValues(inner)
		} else {
			n++
		}
	}
	return n
}

// node measures what a query was compiled to.
func (m *measured) node(n Node) {
	m.size++
	switch n := n.(type) {
	case *AllOf:
		for _, x := range n.Nodes {
			m.node(x)
		}
	case *AnyOf:
		for _, x := range n.Nodes {
			m.node(x)
		}
	case *Test:
		m.size += len(n.Terms)
	case Condition:
		m.conditions++
	}
}
