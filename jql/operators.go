package jql

// compareOp is an operator that compares with one operand: a symbol, [NOT] IN or IS [NOT].
type compareOp struct {
	Op  Op
	Pos Pos
}

var compareOps = map[tokenType]Op{
	tokEq: Eq, tokNe: Ne, tokLike: Like, tokNotLike: NotLike, tokLess: Less, tokGreater: Greater,
	tokLessEq: LessEq, tokGreaterEq: GreaterEq, tokIn: In, tokNot: NotIn, tokIs: Is,
}

func (o *compareOp) Parse(in *tokens) error {
	t := in.Peek()
	op, ok := compareOps[t.Type]
	if !ok {
		return noMatch
	}
	o.Op, o.Pos = op, posOf(t)
	in.Next()
	switch op {
	case NotIn:
		return need(in, tokIn, "'IN'")
	case Is:
		return o.parseIs(in)
	}
	return nil
}

func (o *compareOp) parseIs(in *tokens) error {
	switch in.Peek().Type {
	case tokNot:
		o.Op = IsNot
		in.Next()
	case tokBang:
		return need(in, tokNot, "'NOT'")
	}
	return nil
}

// wasOp is WAS [NOT] [IN].
type wasOp struct {
	Op  Op
	Pos Pos
}

func (o *wasOp) Parse(in *tokens) error {
	t := in.Peek()
	if t.Type != tokWas {
		return noMatch
	}
	o.Op, o.Pos = Was, posOf(t)
	in.Next()
	if in.Peek().Type == tokNot {
		o.Op = WasNot
		in.Next()
	}
	if in.Peek().Type == tokIn {
		in.Next()
		if o.Op == Was {
			o.Op = WasIn
		} else {
			o.Op = WasNotIn
		}
	}
	return nil
}

// direction is ASC, DESC or, before a comma or the end, nothing.
type direction struct{ Direction Direction }

func (d *direction) Parse(in *tokens) error {
	switch in.Peek().Type {
	case tokAsc:
		d.Direction = Ascending
	case tokDesc:
		d.Direction = Descending
	case tokComma, tokEOF:
		return nil
	default:
		return unexpected(in, "", "Expecting either 'ASC' or 'DESC' but got '{}'.")
	}
	in.Next()
	return nil
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
