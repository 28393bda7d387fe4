package jql

// compareOps are the operators of one token, by its type. It has a place for every type but tokEOF, the
// only negative one.
var compareOps = [tokCf + 1]Op{
	tokEq: Eq, tokNe: Ne, tokLike: Like, tokNotLike: NotLike, tokLess: Less, tokGreater: Greater,
	tokLessEq: LessEq, tokGreaterEq: GreaterEq, tokIn: In, tokChanged: Changed,
}

// operator = symbol | [ NOT ] IN | IS [ NOT ] | WAS [ NOT ] [ IN ] | CHANGED
func (r *reader) operator() (Op, error) {
	typ := r.in.Peek().Type
	if op := compareOps[max(typ, 0)]; op != 0 {
		r.in.Next()
		return op, nil
	}
	switch typ {
	case tokNot:
		r.in.Next()
		return NotIn, need(r.in, tokIn, "'IN'")
	case tokIs:
		r.in.Next()
		return r.is()
	case tokWas:
		r.in.Next()
		return r.was(), nil
	}
	return 0, unexpected(r.in, "Expecting operator before the end of the query. "+validOperators,
		"Expecting operator but got '{}'. "+validOperators)
}

// is = [ NOT ], what follows IS.
func (r *reader) is() (Op, error) {
	switch r.in.Peek().Type {
	case tokNot:
		r.in.Next()
		return IsNot, nil
	case tokBang:
		return 0, need(r.in, tokNot, "'NOT'")
	}
	return Is, nil
}

// was = [ NOT ] [ IN ], what follows WAS.
func (r *reader) was() Op {
	op, in := Was, WasIn
	if r.in.Peek().Type == tokNot {
		r.in.Next()
		op, in = WasNot, WasNotIn
	}
	if r.in.Peek().Type == tokIn {
		r.in.Next()
		return in
	}
	return op
}

// takes says which kinds of operand an operator takes.
type takes struct{ empty, single, function, list bool }

var operandKinds = [...]takes{
	Eq:        {empty: true, single: true, function: true},
	Ne:        {empty: true, single: true, function: true},
	Like:      {empty: true, single: true, function: true},
	NotLike:   {empty: true, single: true, function: true},
	Less:      {single: true, function: true},
	Greater:   {single: true, function: true},
	LessEq:    {single: true, function: true},
	GreaterEq: {single: true, function: true},
	In:        {function: true, list: true},
	NotIn:     {function: true, list: true},
	Is:        {empty: true},
	IsNot:     {empty: true},
	Was:       {empty: true, single: true, function: true},
	WasNot:    {empty: true, single: true, function: true},
	WasIn:     {function: true, list: true},
	WasNotIn:  {function: true, list: true},
}

// allows tells whether the operator takes the operand, whatever the field.
func (o Op) allows(operand Operand) bool {
	kinds := operandKinds[o]
	switch operand.(type) {
	case Empty:
		return kinds.empty
	case Value:
		return kinds.single
	case Function:
		return kinds.function
	case List:
		return kinds.list
	}
	return false
}
