package jql

import "slices"

// operand = string | number | function | list | EMPTY
func (r *reader) operand() (Operand, error) {
	t := r.in.Peek()
	switch t.Type {
	case tokString, tokNumber:
		r.in.Next()
		if r.in.Peek().Type == tokLParen {
			return r.function(t)
		}
		return Value{Text: t.Value, Number: t.Type == tokNumber, Pos: posOf(t)}, nil
	case tokLParen:
		return r.list()
	case tokEmpty:
		r.in.Next()
		return Empty{}, nil
	}
	return nil, unexpected(r.in, "Expecting either a value, list or function before the end of the query.",
		"Expecting either a value, list or function but got '{}'. You must surround '{}' in quotation marks to use it as a value.")
}

// list = "(" operand { "," operand } ")"
//
// The lexer bounds how deep lists nest.
func (r *reader) list() (Operand, error) {
	var few [8]Operand // most lists fit, and their items then get memory once
	items := few[:0]
	for {
		r.in.Next()
		item, err := r.operand()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if r.in.Peek().Type != tokComma {
			break
		}
	}
	return List{Items: slices.Clone(items)}, need(r.in, tokRParen, "')'")
}

// function = name "(" [ argument { "," argument } ] ")"
func (r *reader) function(name *token) (Operand, error) {
	f := Function{Name: name.Value, Pos: posOf(name)}
	if blank(f.Name) {
		r.refuse(posOf(name), msgEmptyFunction)
	}
	r.in.Next()
	switch r.in.Peek().Type {
	case tokRParen:
		r.in.Next()
		return f, nil
	case tokEOF, tokComma: // Jira words a mistake in the first argument differently
		return nil, unexpected(r.in, "Expecting ')' before the end of the query.", "Expecting ')' but got '{}'.")
	}
	err := r.arguments(&f)
	return f, err
}

// arguments = argument { "," argument } ")"
func (r *reader) arguments(f *Function) error {
	for {
		arg, err := r.argument()
		if err != nil {
			return err
		}
		f.Args = append(f.Args, arg)
		switch r.in.Peek().Type {
		case tokComma:
			r.in.Next()
		case tokRParen:
			r.in.Next()
			return nil
		default:
			return unexpected(r.in, "Expecting ')' before the end of the query.", "Expecting ')' or ',' but got '{}'.")
		}
	}
}

// argument = string | number
func (r *reader) argument() (string, error) {
	switch t := r.in.Peek(); t.Type {
	case tokString, tokNumber:
		return r.in.Next().Value, nil
	case tokRParen, tokComma:
		return "", unexpected(r.in, "", msgNoArgument)
	}
	return "", unexpected(r.in, "Expecting a function argument at the end of the query.",
		"Expecting a function argument but got '{}'. You must surround '{}' in quotation marks to use it as an argument.")
}

// predicateOps is indexed like compareOps.
var predicateOps = [tokCf + 1]PredicateOp{
	tokBefore: Before, tokAfter: After, tokOn: On, tokDuring: During, tokBy: By, tokFrom: From, tokTo: To,
}

// predicate = ( BEFORE | AFTER | ON | DURING | BY ) operand, and after CHANGED also
// ( FROM | TO ) operand. Where none begins it is the zero Predicate.
func (r *reader) predicate(after Op) (Predicate, error) {
	t := r.in.Peek()
	op := predicateOps[max(t.Type, 0)]
	if op == 0 || op >= From && after != Changed {
		return Predicate{}, nil
	}
	r.in.Next()
	operand, err := r.operand()
	return Predicate{Op: op, Operand: operand, Pos: posOf(t)}, err
}
