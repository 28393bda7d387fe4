package jql

import (
	"strconv"
	"strings"
)

// unexpected reports the next token: with atEnd when the query ends there, otherwise with got, in which
// {} stands for the token. What the lexer could not read has its own message.
func unexpected(in *tokens, atEnd, got string) error {
	t := in.Peek()
	e := &SyntaxError{Pos: posOf(t)}
	switch t.Type {
	case tokIllegal:
		e.Msg = t.Value
	case tokEOF:
		e.Msg, e.atEnd = atEnd, true
	default:
		e.Msg = strings.ReplaceAll(got, "{}", t.Value)
	}
	return e
}

func posOf(t *token) Pos { return Pos{t.Pos.Offset, t.Pos.Line, t.Pos.Column} }

// need steps over a token of the given type, which the grammar demands here; text is how messages show
// it.
func need(in *tokens, typ tokenType, text string) error {
	if in.Peek().Type != typ {
		return unexpected(in, "Expecting "+text+" before the end of the query.", "Expecting "+text+" but got '{}'.")
	}
	in.Next()
	return nil
}

type (
	needRParen   struct{}
	needLBracket struct{}
	needRBracket struct{}
	needBy       struct{}
	needEnd      struct{}
	needSortEnd  struct{}
	needCallEnd  struct{}
)

func (*needRParen) Parse(in *tokens) error   { return need(in, tokRParen, "')'") }
func (*needLBracket) Parse(in *tokens) error { return need(in, tokLBracket, "'['") }
func (*needRBracket) Parse(in *tokens) error { return need(in, tokRBracket, "']'") }
func (*needBy) Parse(in *tokens) error       { return need(in, tokBy, "'by'") }

// Parse demands the end of the query after a complete condition.
func (*needEnd) Parse(in *tokens) error {
	if in.Peek().Type == tokEOF {
		return nil
	}
	return unexpected(in, "", "Expecting either 'OR' or 'AND' but got '{}'.")
}

// Parse demands the end of the query after a complete sort key.
func (*needSortEnd) Parse(in *tokens) error {
	if in.Peek().Type == tokEOF {
		return nil
	}
	return unexpected(in, "", "Expecting ',' but got '{}'.")
}

// Parse demands the parenthesis after the arguments of a function.
func (*needCallEnd) Parse(in *tokens) error {
	if in.Peek().Type == tokRParen {
		in.Next()
		return nil
	}
	return unexpected(in, "Expecting ')' before the end of the query.", "Expecting ')' or ',' but got '{}'.")
}

type (
	noField    struct{}
	noOperator struct{}
	noOperand  struct{}
)

// Parse reports that no field begins here.
func (*noField) Parse(in *tokens) error {
	got := "Expecting a field name but got '{}'. You must surround '{}' in quotation marks to use it as a field name."
	if in.Peek().Type == tokLBracket {
		got = "Expecting a field name but got '{}'. Did you mean 'cf['?"
	}
	return unexpected(in, "Expecting a field name at the end of the query.", got)
}

// Parse reports that no operator begins here.
func (*noOperator) Parse(in *tokens) error {
	return unexpected(in, "Expecting operator before the end of the query. "+validOperators,
		"Expecting operator but got '{}'. "+validOperators)
}

// Parse reports that no operand begins here.
func (*noOperand) Parse(in *tokens) error {
	return unexpected(in, "Expecting either a value, list or function before the end of the query.",
		"Expecting either a value, list or function but got '{}'. You must surround '{}' in quotation marks to use it as a value.")
}

// needID is the number of a custom field, which starts at 1. Text is the number as it was written.
type needID struct{ Text string }

func (id *needID) Parse(in *tokens) error {
	t := in.Peek()
	if n, err := strconv.ParseInt(t.Value, 10, 64); t.Type == tokNumber && err == nil && n > 0 {
		id.Text = in.Next().Value
		return nil
	}
	const what = "Expecting a custom field id (a positive number)"
	return unexpected(in, what+" before the end of the query.", what+" but got '{}'.")
}

// needKey is the key of an entity property.
type needKey struct{ Text string }

func (k *needKey) Parse(in *tokens) error {
	if t := in.Peek(); t.Type == tokString || t.Type == tokNumber {
		k.Text = in.Next().Value
		return nil
	}
	return unexpected(in, "Expecting a property key before the end of the query.",
		"Expecting a property key but got '{}'. You must surround '{}' in quotation marks to use it as a property key.")
}

// The arguments of a function. Jira words a mistake in the first one differently.
type (
	firstArgument struct{ Text string }
	nextArgument  struct{ Text string }
)

func (a *firstArgument) Parse(in *tokens) error {
	switch in.Peek().Type {
	case tokEOF, tokComma:
		return unexpected(in, "Expecting ')' before the end of the query.", "Expecting ')' but got '{}'.")
	}
	return parseArgument(in, &a.Text)
}

func (a *nextArgument) Parse(in *tokens) error { return parseArgument(in, &a.Text) }

func parseArgument(in *tokens, text *string) error {
	switch in.Peek().Type {
	case tokString, tokNumber:
		*text = in.Next().Value
		return nil
	case tokRParen, tokComma:
		return unexpected(in, "", msgNoArgument)
	}
	return unexpected(in, "Expecting a function argument at the end of the query.",
		"Expecting a function argument but got '{}'. You must surround '{}' in quotation marks to use it as an argument.")
}
