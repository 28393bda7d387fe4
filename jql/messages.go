package jql

import (
	"fmt"
	"strings"
)

// The texts below are Jira's own, as the functional tests of its server and its documentation show
// them. Those without a counterpart there follow their manner: what is wrong, where, and what to do.

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
	msgTooManyWords   = fmt.Sprintf("The query looks for more than %d words. Use fewer.", maxWords)
	msgTooManyMoments = fmt.Sprintf("The query lists more than %d relative dates. Use shorter lists.", maxMoments)
	msgTooManyChanges = fmt.Sprintf("The query compares more than %d pairs of FROM and TO. Use shorter lists.", maxChanges)
	msgTooMany        = fmt.Sprintf("The query joins more than %d conditions or has more than %d words and signs. "+
		"Use IN for many values of one field.", MaxConditions, MaxTokens)
	msgTooDeep = fmt.Sprintf("The query is nested more than %d levels deep.", MaxDepth)
)

func msgTooLong(given int) string {
	return fmt.Sprintf("The query has %d bytes; at most %d are allowed.", given, MaxLength)
}

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

// short is a name or value as messages show it, so that no message is as long as a query may be.
func short(text string) string { return cut(text, 255) }

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
		strings.ToLower(op.String()), kind, short(shown(operand)), short(field))
}

// shown is an operand as Jira's messages show it, with texts always in quotes.
func shown(operand Operand) string {
	if v, ok := operand.(Value); ok && !v.Number {
		return quote(v.Text)
	}
	return operand.String()
}

func msgNoOperator(op Op, field string) string {
	return "The operator '" + op.String() + "' is not supported by the '" + short(field) + "' field."
}

func msgNoValue(text, field string) string {
	return "The value '" + short(text) + "' does not exist for the field '" + short(field) + "'."
}

func msgNoFunction(f Function) string {
	return "Unable to find JQL function '" + short(f.String()) + "'."
}

func msgWrongFunction(f Function, field string) string {
	return "A value provided by the function '" + short(f.Name) + "' is invalid for the field '" + short(field) + "'."
}

func msgNoArguments(f Function) string {
	return fmt.Sprintf("Function '%s' expected '0' arguments but received '%d'.", short(f.Name), len(f.Args))
}

func msgBadDate(text, field string) string {
	return "Date value '" + short(text) + "' for field '" + short(field) + "' is invalid. Valid formats include: " +
		"'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
}

func msgMovingDate(date, field string) string {
	return "Date value '" + short(date) + "' for field '" + short(field) + "' depends on the clock, which FROM and TO do not know. " +
		"Use a date such as '2026-01-31'."
}

func msgNotNumber(text, field string) string {
	return "Number value '" + short(text) + "' for field '" + short(field) + "' is invalid. Use decimal digits, e.g. '5' or '-2.5'."
}

func msgNotKey(text, field string) string {
	return "The value '" + short(text) + "' for field '" + short(field) + "' has no order. Use an issue key, e.g. 'EX-12'."
}

func msgNoWord(text, field string) string {
	return "The text '" + short(text) + "' for field '" + short(field) + "' has no word to search for. Use a letter or digit at least."
}

// msgNoHistory says that a part of the language asks what an issue once was.
func msgNoHistory(part, word, advice string) string {
	return "The " + part + " '" + word + "' needs the history of the issue, which an event does not carry. " + advice
}

func msgNoPredicate(op PredicateOp) string {
	return msgNoHistory("predicate", op.String(), "Use FROM, TO or BY.")
}

func msgRepeated(op PredicateOp) string {
	return "The predicate '" + op.String() + "' is used more than once. Use one with a list, e.g. " + op.String() + " (a, b)."
}
