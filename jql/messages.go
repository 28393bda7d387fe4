package jql

import (
	"fmt"
	"strings"
)

// The texts below are Jira's own, as the functional tests of its server and its documentation show
// them. The three without a counterpart there (length, depth, encoding) follow their manner.

const (
	msgNotUTF8     = "The query is not valid UTF-8."
	validOperators = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
	validEscapes   = `The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`

	msgUnfinishedEscape = "The escape sequence has not been completed. " + validEscapes
	msgEmptyField       = "A field name cannot be empty."
	msgEmptyFunction    = "A function name cannot be empty."
	msgNoArgument       = "Function argument must be specified."
)

var (
	msgTooLong = fmt.Sprintf("The query is longer than %d bytes.", MaxLength)
	msgTooDeep = fmt.Sprintf("The query is nested more than %d levels deep.", MaxDepth)
)

func msgReservedWord(word string) string {
	return fmt.Sprintf("'%s' is a reserved JQL word. You must surround it in quotation marks to use it in a query.", word)
}

func msgReservedCharacter(r rune) string {
	return fmt.Sprintf("The character '%c' is a reserved JQL character. "+
		`You must enclose it in a string or use the escape '\u%04x' instead.`, r, r)
}

func msgIllegalCharacter(r rune, at Pos) string {
	name, escape := fmt.Sprintf("U+%04X", r), fmt.Sprintf(`\u%04x`, r)
	if r == '\t' {
		name, escape = "TAB", `\t`
	}
	return fmt.Sprintf("The character '%s' on line %d at position %d must be escaped. Use the escape '%s' instead.",
		name, at.Line, at.Column, escape)
}

func msgBadEscape(text string) string {
	return fmt.Sprintf("'%s' is an illegal JQL escape sequence. %s", oneLine(text), validEscapes)
}

func msgBadNumber(text string) string {
	return fmt.Sprintf("'%s' is not a valid number. "+
		"Numbers must be between -9,223,372,036,854,775,808 and 9,223,372,036,854,775,807.", text)
}

func msgUnfinishedQuote(text string) string {
	if blank(text) {
		return "The quoted string has not been completed."
	}
	return fmt.Sprintf("The quoted string '%s' has not been completed.", oneLine(text))
}

// oneLine has blanks for the line breaks of text, as every text that a message of Jira shows.
func oneLine(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

// operandMessage words the refusal of a kind of operand that an operator does not take.
func operandMessage(op Op, operand Operand, field string) string {
	kind := "value"
	switch operand.(type) {
	case List:
		kind = "list value"
	case Value:
		if op == In || op == NotIn || op == WasIn || op == WasNotIn {
			kind = "non-list value"
		}
	}
	return fmt.Sprintf("Operator '%s' does not support the %s '%s' for field '%s'.",
		strings.ToLower(op.String()), kind, shown(operand), field)
}

// shown is an operand as Jira's messages show it, with texts always in quotes.
func shown(operand Operand) string {
	if v, ok := operand.(Value); ok && !v.Number {
		return quote(v.Text)
	}
	return operand.String()
}
