package jql

import "strings"

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
		e.Msg = strings.ReplaceAll(got, "{}", oneLine(t.Value))
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
	needRParen  struct{}
	needBy      struct{}
	needEnd     struct{}
	needSortEnd struct{}
)

func (*needRParen) Parse(in *tokens) error { return need(in, tokRParen, "')'") }
func (*needBy) Parse(in *tokens) error     { return need(in, tokBy, "'by'") }

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
