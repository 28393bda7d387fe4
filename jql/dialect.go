package jql

import (
	"slices"
	"strings"
)

// Dialect is the part of JQL that one API accepts. The zero Dialect accepts the empty set of fields and
// so nothing. A Dialect must not be changed once it is in use.
type Dialect struct {
	// Env is the site whose names the queries use.
	Env Env
	// Fields are the canonical names of the fields that a clause may ask for.
	Fields []string
	// Operators are the operators that a clause may use, whatever the field.
	Operators []Op
	// Functions are the names of the functions that may be called; case does not matter.
	Functions []string
	// OrderBy allows a sort order.
	OrderBy bool
	// Blank allows the query that selects everything.
	Blank bool
}

// Dynamic is the subset that Jira's dynamic webhooks accept, for a site whose Epic Link has its usual
// number.
var Dynamic = DynamicDialect(DefaultEpicLink)

// DynamicDialect is the subset that Jira's dynamic webhooks accept, for a site whose Epic Link is the
// custom field of the given id: eight fields and entity properties of issues; =, !=, IN and NOT IN;
// AND, OR, NOT and EMPTY; no functions, no sort order, and not the empty query.
func DynamicDialect(epicLink int64) *Dialect {
	env := Env{EpicLink: epicLink}
	return &Dialect{
		Env: env,
		Fields: []string{
			"issuekey", "project", "issuetype", "status", "priority", "assignee", "reporter",
			propertyField, env.epicLink(),
		},
		Operators: []Op{Eq, Ne, In, NotIn},
	}
}

// Check tells whether d accepts q. The error is a *[CheckError] that names every problem in the order
// of the text, in Jira's words where Jira has any.
func (d *Dialect) Check(q *Query) error {
	c := checker{dialect: d}
	if q.Where == nil && !d.Blank {
		c.found.add(Pos{Line: 1, Column: 1}, "The JQL query is empty; a query is required.")
	}
	Inspect(q.Where, func(e Expr) bool {
		if clause, ok := e.(*Clause); ok {
			c.clause(clause)
		}
		return true
	})
	if len(q.OrderBy) > 0 && !d.OrderBy {
		c.found.add(q.OrderBy[0].Field.Pos, "The ORDER BY clause is unsupported")
	}
	return c.found.err()
}

type checker struct {
	dialect *Dialect
	found   problems
}

func (c *checker) clause(clause *Clause) {
	field, _, ok := c.dialect.Env.Resolve(clause.Field)
	if !ok || !slices.Contains(c.dialect.Fields, field.Name) {
		c.found.add(clause.Field.Pos, "The clause %s is unsupported", clause.Field.Name)
	}
	if !slices.Contains(c.dialect.Operators, clause.Op) {
		c.found.add(clause.Pos, "The operator %s is unsupported", clause.Op)
	}
	c.operand(clause.Operand, clause.Pos)
	for _, p := range clause.Predicates {
		c.operand(p.Operand, p.Pos)
	}
}

func (c *checker) operand(operand Operand, at Pos) {
	switch o := operand.(type) {
	case Function:
		if !c.knows(o.Name) {
			c.found.add(at, "%s", unknownFunction(o))
		}
	case List:
		for _, item := range o.Items {
			c.operand(item, at)
		}
	}
}

func (c *checker) knows(function string) bool {
	return slices.ContainsFunc(c.dialect.Functions, func(name string) bool { return strings.EqualFold(name, function) })
}

// unknownFunction is Jira's text for a function that it does not have.
func unknownFunction(f Function) string { return "Unable to find JQL function '" + f.String() + "'." }
