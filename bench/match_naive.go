package bench

import (
	"fmt"
	"slices"

	"hookline/jql"
)

// closure tells whether a filter holds for what an issue says. It is what an engine without an index runs for each
// registration: fields are places and not names, values are symbols and not texts, and the first operand that decides is the
// last that is looked at. Operands come in the order of the text, which puts the project first.
type closure func(issue *naiveIssue) bool

// symbol stands for a term of an attribute: 0 for none, and unnamed for those that no filter names.
type symbol int32

const unnamed symbol = -1

// naiveIssue is what an issue says as closures look at it.
type naiveIssue struct {
	one [attributeCount]symbol // of attributes that an issue has once at most; 0 if it does not
	all [attributeCount][]symbol
}

// naiveLoop asks the filters of all registrations in turn. What it is asked about is prepared for it, down to the symbols,
// which leaves it nothing but the filters.
type naiveLoop struct {
	closures []closure // by registration
	symbols  [attributeCount]map[string]symbol
}

func newNaiveLoop(r *registrations) (*naiveLoop, error) {
	loop := &naiveLoop{closures: make([]closure, len(r.of))}
	for a := range loop.symbols {
		loop.symbols[a] = map[string]symbol{}
	}
	for i, text := range r.of {
		q, err := jql.Parse(r.texts[text])
		if err != nil {
			return nil, fmt.Errorf("bench: parsing %s: %w", r.texts[text], err)
		}
		if loop.closures[i], err = loop.compile(q); err != nil {
			return nil, err
		}
	}
	return loop, nil
}

// issue brings the terms of an event into the form that the closures take.
func (l *naiveLoop) issue(terms *issueSays) (issue naiveIssue) {
	for a := range terms {
		for _, term := range terms[a] {
			s, named := l.symbols[a][term]
			if !named {
				s = unnamed
			}
			issue.all[a] = append(issue.all[a], s)
		}
		if len(issue.all[a]) > 0 {
			issue.one[a] = issue.all[a][0]
		}
	}
	return issue
}

// symbol returns the symbol of a term that a filter names.
func (l *naiveLoop) symbol(a int, term string) symbol {
	s, known := l.symbols[a][term]
	if !known {
		s = symbol(len(l.symbols[a]) + 1)
		l.symbols[a][term] = s
	}
	return s
}

// compile compiles a query of the matching workload.
func (l *naiveLoop) compile(q *jql.Query) (closure, error) {
	if q.Where == nil {
		return func(*naiveIssue) bool { return true }, nil
	}
	return l.closureOf(q.Where)
}

func (l *naiveLoop) closureOf(e jql.Expr) (closure, error) {
	switch e := e.(type) {
	case *jql.And:
		return l.closuresOf(e.Operands, allHold)
	case *jql.Or:
		return l.closuresOf(e.Operands, oneHolds)
	case *jql.Clause:
		return l.closureOfClause(e)
	}
	return nil, fmt.Errorf("bench: no closure for %s", e)
}

func (l *naiveLoop) closuresOf(operands []jql.Expr, join func([]closure) closure) (closure, error) {
	closures := make([]closure, len(operands))
	for i, operand := range operands {
		var err error
		if closures[i], err = l.closureOf(operand); err != nil {
			return nil, err
		}
	}
	return join(closures), nil
}

func allHold(operands []closure) closure {
	switch first, second, rest := operands[0], operands[1], operands[2:]; len(rest) {
	case 0:
		return func(issue *naiveIssue) bool { return first(issue) && second(issue) }
	case 1:
		third := rest[0]
		return func(issue *naiveIssue) bool { return first(issue) && second(issue) && third(issue) }
	case 2:
		third, fourth := rest[0], rest[1]
		return func(issue *naiveIssue) bool { return first(issue) && second(issue) && third(issue) && fourth(issue) }
	}
	return func(issue *naiveIssue) bool {
		for _, holds := range operands {
			if !holds(issue) {
				return false
			}
		}
		return true
	}
}

func oneHolds(operands []closure) closure {
	return func(issue *naiveIssue) bool {
		for _, holds := range operands {
			if holds(issue) {
				return true
			}
		}
		return false
	}
}

func (l *naiveLoop) closureOfClause(c *jql.Clause) (closure, error) {
	field, _, ok := jql.Env{}.Resolve(c.Field)
	a, known := attributeOf[field]
	if !ok || !known {
		return nil, fmt.Errorf("bench: no attribute for %s", c)
	}
	of := func(o jql.Operand) symbol { return l.symbol(a, attributes[a].term(o.(jql.Value).Text)) }
	var wanted []symbol
	if list, ok := c.Operand.(jql.List); ok {
		for _, item := range list.Items {
			wanted = append(wanted, of(item))
		}
	} else {
		wanted = []symbol{of(c.Operand)}
	}
	negated := c.Op == jql.Ne || c.Op == jql.NotIn
	switch {
	case len(wanted) == 1 && !negated && attributes[a].several == 1:
		return isOnly(a, wanted[0]), nil
	case negated:
		return hasNone(a, wanted), nil
	}
	return hasOne(a, wanted), nil
}

// isOnly is the most common test: of an attribute that an issue has once at most.
func isOnly(a int, wanted symbol) closure {
	return func(issue *naiveIssue) bool { return issue.one[a] == wanted }
}

func hasOne(a int, wanted []symbol) closure {
	if attributes[a].several == 1 {
		return func(issue *naiveIssue) bool { return slices.Contains(wanted, issue.one[a]) }
	}
	return func(issue *naiveIssue) bool {
		for _, s := range issue.all[a] {
			if slices.Contains(wanted, s) {
				return true
			}
		}
		return false
	}
}

func hasNone(a int, wanted []symbol) closure {
	has := hasOne(a, wanted)
	return func(issue *naiveIssue) bool { return issue.one[a] != 0 && !has(issue) }
}
