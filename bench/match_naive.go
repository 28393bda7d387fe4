package bench

import (
	"fmt"
	"slices"

	"hookline/jql"
)

// closure tells whether a filter holds for what an issue says, in terms. It is what an engine without an index runs for
// each registration: fields are places and not names, values are compared as they are, and the first operand that decides is the
// last that is looked at. Operands come in the order of the text, which puts the project first.
type closure func(issue *naiveIssue) bool

// naiveIssue is what an issue says, in terms, as closures look at it.
type naiveIssue struct {
	one [attributeCount]string // of attributes that an issue has once at most; empty if it does not
	all issueSays
}

func newNaiveIssue(terms *issueSays) (issue naiveIssue) {
	issue.all = *terms
	for a := range terms {
		if len(terms[a]) > 0 {
			issue.one[a] = terms[a][0]
		}
	}
	return issue
}

// newClosure compiles a query of the matching workload.
func newClosure(q *jql.Query) (closure, error) {
	if q.Where == nil {
		return func(*naiveIssue) bool { return true }, nil
	}
	return closureOf(q.Where)
}

func closureOf(e jql.Expr) (closure, error) {
	switch e := e.(type) {
	case *jql.And:
		return closuresOf(e.Operands, allHold)
	case *jql.Or:
		return closuresOf(e.Operands, oneHolds)
	case *jql.Clause:
		return closureOfClause(e)
	}
	return nil, fmt.Errorf("bench: no closure for %s", e)
}

func closuresOf(operands []jql.Expr, join func([]closure) closure) (closure, error) {
	closures := make([]closure, len(operands))
	for i, operand := range operands {
		var err error
		if closures[i], err = closureOf(operand); err != nil {
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

func closureOfClause(c *jql.Clause) (closure, error) {
	field, _, ok := jql.Env{}.Resolve(c.Field)
	a, known := attributeOf[field]
	if !ok || !known {
		return nil, fmt.Errorf("bench: no attribute for %s", c)
	}
	term := func(o jql.Operand) string { return attributes[a].term(o.(jql.Value).Text) }
	var wanted []string
	if list, ok := c.Operand.(jql.List); ok {
		for _, item := range list.Items {
			wanted = append(wanted, term(item))
		}
	} else {
		wanted = []string{term(c.Operand)}
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
func isOnly(a int, wanted string) closure {
	return func(issue *naiveIssue) bool { return issue.one[a] == wanted }
}

func hasOne(a int, wanted []string) closure {
	if attributes[a].several == 1 {
		return func(issue *naiveIssue) bool { return slices.Contains(wanted, issue.one[a]) }
	}
	return func(issue *naiveIssue) bool {
		for _, term := range issue.all[a] {
			if slices.Contains(wanted, term) {
				return true
			}
		}
		return false
	}
}

func hasNone(a int, wanted []string) closure {
	has := hasOne(a, wanted)
	return func(issue *naiveIssue) bool { return issue.one[a] != "" && !has(issue) }
}

// naiveLoop asks the filters of all registrations in turn.
type naiveLoop []closure

func newNaiveLoop(r *registrations) (naiveLoop, error) {
	loop := make(naiveLoop, len(r.of))
	for i, text := range r.of {
		q, err := jql.Parse(r.texts[text])
		if err != nil {
			return nil, fmt.Errorf("bench: parsing %s: %w", r.texts[text], err)
		}
		if loop[i], err = newClosure(q); err != nil {
			return nil, err
		}
	}
	return loop, nil
}
