package jql

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2"
)

// clauseNode is the production clause.
type clauseNode struct {
	Clause
	refused *SyntaxError
}

// Parse leaves what begins another kind of condition to the grammar.
func (n *clauseNode) Parse(in *tokens) error {
	if !clauseBegins(in) {
		return participle.NextMatch
	}
	r := reader{in: in}
	err := r.clause(&n.Clause)
	n.refused = r.refused
	return err
}

// clauseBegins tells that nothing else than a clause can stand here.
func clauseBegins(in *tokens) bool {
	switch in.Peek().Type {
	case tokLParen, tokNot, tokBang:
		return false
	}
	return true
}

// clausesNode = clause { AND clause }. Most queries are nothing else.
type clausesNode struct {
	clauses []Expr
	refused *SyntaxError
}

// Parse leaves an AND before another kind of condition to the grammar.
func (n *clausesNode) Parse(in *tokens) error {
	if !clauseBegins(in) {
		return participle.NextMatch
	}
	r := reader{in: in}
	var few [8]Expr // most chains fit, and then get memory once
	clauses := few[:0]
	for {
		c := &Clause{}
		if err := r.clause(c); err != nil {
			return err
		}
		clauses = append(clauses, c)
		before := in.MakeCheckpoint()
		if in.Next().Type != tokAnd || !clauseBegins(in) {
			in.LoadCheckpoint(before)
			break
		}
	}
	n.clauses, n.refused = slices.Clone(clauses), r.refused
	return nil
}

// fieldNode is the production field.
type fieldNode struct {
	FieldRef
	refused *SyntaxError
}

func (n *fieldNode) Parse(in *tokens) error {
	r := reader{in: in}
	err := r.field(&n.FieldRef)
	n.refused = r.refused
	return err
}

// reader reads clauses or a field off the tokens. Its methods are productions of the grammar, which
// return an error where the text departs from them.
type reader struct {
	in *tokens
	// refused is the first thing in the text that the grammar lets through and JQL does not. It is kept
	// aside because a departure from the grammar, wherever it is, is reported before it.
	refused *SyntaxError
}

func (r *reader) refuse(at Pos, msg string) {
	if r.refused == nil {
		r.refused = &SyntaxError{Pos: at, Msg: msg}
	}
}

// clause = field ( compare operand | was operand { wasPredicate } | CHANGED { changedPredicate } )
func (r *reader) clause(c *Clause) error {
	if err := r.field(&c.Field); err != nil {
		return err
	}
	c.Pos = c.Field.Pos
	op, err := r.operator()
	if err != nil {
		return err
	}
	c.Op = op
	if op != Changed {
		if err := r.checkedOperand(c); err != nil {
			return err
		}
	}
	for op >= Was { // from there on all are history operators
		p, err := r.predicate(op)
		if err != nil || p.Op == 0 {
			return err
		}
		c.Predicates = append(c.Predicates, p)
	}
	return nil
}

// checkedOperand reads the operand of c and refuses the kinds that its operator does not take.
func (r *reader) checkedOperand(c *Clause) (err error) {
	at := posOf(r.in.Peek())
	if c.Operand, err = r.operand(); err != nil {
		return err
	}
	if !c.Op.allows(c.Operand) {
		r.refuse(at, operandMessage(c.Op, c.Operand, c.Field.Name))
	}
	return nil
}

// field = number | string { property } | CF "[" number "]"
func (r *reader) field(f *FieldRef) error {
	t := r.in.Peek()
	f.Name, f.Pos = t.Value, posOf(t)
	switch t.Type {
	case tokNumber:
		f.Form = Numbered
		r.in.Next()
		return nil
	case tokString:
		r.in.Next()
		if blank(f.Name) {
			r.refuse(f.Pos, msgEmptyField)
		}
		return r.properties(f)
	case tokCf:
		f.Form = Custom
		r.in.Next()
		return r.customID(f)
	case tokLBracket:
		return unexpected(r.in, "", "Expecting a field name but got '{}'. Did you mean 'cf['?")
	}
	return unexpected(r.in, "Expecting a field name at the end of the query.",
		"Expecting a field name but got '{}'. You must surround '{}' in quotation marks to use it as a field name.")
}

// customID = "[" number "]", with a number that is positive; the lexer has seen to its range.
func (r *reader) customID(f *FieldRef) error {
	if err := need(r.in, tokLBracket, "'['"); err != nil {
		return err
	}
	t := r.in.Peek()
	if t.Type != tokNumber || strings.Trim(t.Value, "0") == "" || t.Value[0] == '-' {
		const what = "Expecting a custom field id (a positive number)"
		return unexpected(r.in, what+" before the end of the query.", what+" but got '{}'.")
	}
	f.Name = "cf[" + t.Value + "]"
	r.in.Next()
	return need(r.in, tokRBracket, "']'")
}

// properties = { "[" argument "]" { argument } }
func (r *reader) properties(f *FieldRef) error {
	for r.in.Peek().Type == tokLBracket {
		r.in.Next()
		if !isText(r.in.Peek()) {
			return unexpected(r.in, "Expecting a property key before the end of the query.",
				"Expecting a property key but got '{}'. You must surround '{}' in quotation marks to use it as a property key.")
		}
		p := Property{Key: r.in.Next().Value}
		if err := need(r.in, tokRBracket, "']'"); err != nil {
			return err
		}
		var path []string
		for isText(r.in.Peek()) {
			path = append(path, r.in.Next().Value)
		}
		p.Path = strings.TrimPrefix(strings.Join(path, ""), ".")
		f.Properties = append(f.Properties, p)
	}
	return nil
}

func isText(t *token) bool { return t.Type == tokString || t.Type == tokNumber }
