package jql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// String prints the query as JQL that parses back to the same tree: keywords in capitals, one blank
// between tokens, parentheses and quotes only where they are needed.
func (q *Query) String() string {
	var b []byte
	if q.Where != nil {
		b = appendExpr(b, q.Where)
	}
	for i, s := range q.OrderBy {
		switch {
		case i > 0:
			b = append(b, ", "...)
		case len(b) > 0:
			b = append(b, " ORDER BY "...)
		default:
			b = append(b, "ORDER BY "...)
		}
		b = appendSort(b, s)
	}
	return string(b)
}

func (e *And) String() string    { return string(appendExpr(nil, e)) }
func (e *Or) String() string     { return string(appendExpr(nil, e)) }
func (e *Not) String() string    { return string(appendExpr(nil, e)) }
func (e *Clause) String() string { return string(appendExpr(nil, e)) }

func (v Value) String() string    { return string(appendOperand(nil, v)) }
func (l List) String() string     { return string(appendOperand(nil, l)) }
func (e Empty) String() string    { return string(appendOperand(nil, e)) }
func (f Function) String() string { return string(appendOperand(nil, f)) }

// String prints the field as JQL.
func (f FieldRef) String() string { return string(appendField(nil, f)) }

func appendExpr(b []byte, e Expr) []byte {
	switch e := e.(type) {
	case *And:
		for i, x := range e.Operands {
			if i > 0 {
				b = append(b, " AND "...)
			}
			b = appendGrouped(b, x, compound(x))
		}
	case *Or:
		for i, x := range e.Operands {
			if i > 0 {
				b = append(b, " OR "...)
			}
			_, nested := x.(*Or)
			b = appendGrouped(b, x, nested)
		}
	case *Not:
		b = append(b, "NOT "...)
		b = appendGrouped(b, e.Operand, compound(e.Operand))
	case *Clause:
		b = appendClause(b, e)
	}
	return b
}

// compound tells whether e needs parentheses under AND and NOT.
func compound(e Expr) bool {
	switch e.(type) {
	case *And, *Or:
		return true
	}
	return false
}

func appendGrouped(b []byte, e Expr, group bool) []byte {
	if !group {
		return appendExpr(b, e)
	}
	b = append(b, '(')
	b = appendExpr(b, e)
	return append(b, ')')
}

func appendClause(b []byte, c *Clause) []byte {
	b = appendField(b, c.Field)
	b = append(b, ' ')
	b = append(b, c.Op.String()...)
	if c.Operand != nil {
		b = append(b, ' ')
		b = appendOperand(b, c.Operand)
	}
	for _, p := range c.Predicates {
		b = append(b, ' ')
		b = append(b, p.Op.String()...)
		b = append(b, ' ')
		b = appendOperand(b, p.Operand)
	}
	return b
}

func appendSort(b []byte, s Sort) []byte {
	b = appendField(b, s.Field)
	switch s.Direction {
	case Ascending:
		b = append(b, " ASC"...)
	case Descending:
		b = append(b, " DESC"...)
	}
	return b
}

func appendField(b []byte, f FieldRef) []byte {
	if f.Form == Named {
		b = appendText(b, f.Name)
	} else {
		b = append(b, f.Name...)
	}
	for _, p := range f.Properties {
		b = append(b, '[')
		b = appendArgument(b, p.Key)
		b = append(b, ']')
		if p.Path != "" {
			b = appendText(b, "."+p.Path)
		}
	}
	return b
}

func appendOperand(b []byte, o Operand) []byte {
	switch o := o.(type) {
	case Value:
		if o.Number && isNumber(o.Text) {
			return append(b, o.Text...)
		}
		return appendText(b, o.Text)
	case Empty:
		return append(b, "EMPTY"...)
	case Function:
		b = appendArgument(b, o.Name)
		b = append(b, '(')
		for i, arg := range o.Args {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendArgument(b, arg)
		}
		return append(b, ')')
	case List:
		b = append(b, '(')
		for i, item := range o.Items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendOperand(b, item)
		}
		return append(b, ')')
	}
	return b
}

// appendArgument writes a text in a place where a number means the same as its text in quotes.
func appendArgument(b []byte, text string) []byte {
	if isNumber(text) {
		return append(b, text...)
	}
	return appendText(b, text)
}

// isNumber tells whether text can stand unquoted as a number.
func isNumber(text string) bool {
	if !isInteger(text) {
		return false
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

func appendText(b []byte, text string) []byte {
	if isWord(text) {
		return append(b, text...)
	}
	return append(b, quote(text)...)
}

// quote puts text in double quotes and escapes what cannot stand between them.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case control(r) && r != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
