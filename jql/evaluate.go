package jql

import "slices"

// Evaluate tells whether q selects the event whose body is doc, a decoded JSON document (maps, slices,
// strings, booleans, nil, and json.Number or float64 for numbers). It walks the tree as it was written
// and is the definition of what a query means: slow, plain, and sharing nothing with the filters that
// it is the measure of but the catalogue of fields.
//
// A comparison is true, false or, on an empty field, unknown; NOT leaves unknown as it is, AND and OR
// treat it as Kleene's logic does, and the query holds when the outcome is true. Where the body has no
// issue every comparison is unknown, including those with EMPTY.
//
// q should be a query that [Compile] accepts; a clause beyond that is unknown.
func Evaluate(q *Query, env Env, doc any) bool {
	if q.Where == nil {
		return true
	}
	body, _ := doc.(map[string]any)
	if _, ok := body["issue"].(map[string]any); !ok {
		return false
	}
	e := evaluator{env: env, body: body}
	return e.expr(q.Where) == yes
}

// truth is a value of three-valued logic, in the order in which AND takes the least and OR the most.
type truth int

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

type evaluator struct {
	env  Env
	body map[string]any
}

func (e *evaluator) expr(x Expr) truth {
	switch x := x.(type) {
	case *And:
		result := yes
		for _, operand := range x.Operands {
			result = min(result, e.expr(operand))
		}
		return result
	case *Or:
		result := no
		for _, operand := range x.Operands {
			result = max(result, e.expr(operand))
		}
		return result
	case *Not:
		return e.expr(x.Operand).not()
	case *Clause:
		return e.clause(x)
	}
	return unknown
}

func (e *evaluator) clause(c *Clause) truth {
	field, info, ok := e.env.Resolve(c.Field)
	if !ok {
		return unknown
	}
	values := valuesOf(e.body, field, info)
	switch c.Op {
	case Eq, In, Is:
		return equals(values, c.Operand)
	case Ne, NotIn, IsNot:
		return equals(values, c.Operand).not()
	}
	return unknown
}

// equals compares the values of a field with an operand; a list means some element of it.
func equals(values []fieldValue, operand Operand) truth {
	switch o := operand.(type) {
	case Empty:
		return truthOf(len(values) == 0)
	case Value:
		if len(values) == 0 {
			return unknown
		}
		return truthOf(slices.ContainsFunc(values, func(v fieldValue) bool { return v.equals(o.Text) }))
	case List:
		result := no
		for _, item := range o.Items {
			result = max(result, equals(values, item))
		}
		return result
	}
	return unknown
}
