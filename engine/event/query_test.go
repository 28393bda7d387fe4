package event

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"hookline/jql"
)

// queryFields are the fields that random queries ask for, as a query writes them.
var queryFields = func() (names []string) {
	for _, row := range oracleSite.Catalogue() {
		if row.Kind != jql.KindProperty {
			names = append(names, strconv.Quote(row.Name))
		}
	}
	return append(names, "cf[11]", "issue.property[k]", "issue.property[k].key", "issue.property[k].key.id",
		"issue.property[key].value", "issue.property[review].state")
}()

// Operands that dates and numbers take.
var (
	dateTexts   = []string{"2026-01-05", "2026-01-05 12:00", "2026/01/04", "2017-07-14", "-7d", "4w 2d"}
	numberTexts = []string{"12", "1", "5", "5.00", "1000", "1E3", "-1", "1e400"}
)

// operandTexts are what random bodies say, and what is close to it.
var operandTexts = []string{
	"k", "key", "review", "EX-1", "ex-12", "EX-2", "done", "äöü", "5b10:x", "😀", "10014", "12", "1", "5", "5.00", "1000", "1E3", "-1", "1500000000123",
	"The disk, the DISK is full!", "disk full", "a b", "a", "S 1", "s 1, s 2", "Sprint 7, Done=x", "2026-01-05", "2026-01-05 12:00",
	"2026/01/04", "2026-02-30", "-7d", "true", "High",
}

var searchTexts = []string{
	"disk", "FULL the", "full is", `\"disk is full\"`, `\"disk full\"`, "d?sk f*", "di*", "done", "k", "sprint 7", "S 1", "é", `12 \"EX\"`, "05t09*", "??",
}

// asked is the text of a random query: clauses over fields of every kind, joined in any way. Not all of them
// are queries that compile.
func asked(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "clause") == 0 {
		return clause(t)
	}
	join := rapid.SampledFrom([]string{"(%s AND %s)", "(%s OR %s)", "NOT %s"}).Draw(t, "join")
	if strings.HasPrefix(join, "NOT") {
		return fmt.Sprintf(join, asked(t, depth-1))
	}
	return fmt.Sprintf(join, asked(t, depth-1), asked(t, depth-1))
}

func clause(t *rapid.T) string {
	field := rapid.SampledFrom(queryFields).Draw(t, "field")
	q, err := jql.Parse(field + " IS EMPTY")
	if err != nil {
		t.Fatal(err)
	}
	_, info, _ := oracleSite.Resolve(q.Where.(*jql.Clause).Field)
	operators := info.Kind.Operators()
	if info.Name == "priority" {
		operators = append(slices.Clone(operators), jql.Less, jql.GreaterEq)
	}
	op := rapid.SampledFrom(operators).Draw(t, "operator")
	operand := func() string { return operand(t, info.Kind, op) }
	switch op {
	case jql.Is, jql.IsNot:
		return fmt.Sprintf("%s %s EMPTY", field, op)
	case jql.In, jql.NotIn:
		return fmt.Sprintf("%s %s (%s, %s)", field, op, operand(), operand())
	case jql.Like, jql.NotLike:
		return fmt.Sprintf(`%s %s "%s"`, field, op, rapid.SampledFrom(searchTexts).Draw(t, "search"))
	case jql.Changed:
		return field + " CHANGED" + predicates(t, operand)
	}
	return fmt.Sprintf("%s %s %s", field, op, operand())
}

func operand(t *rapid.T, k jql.Kind, op jql.Op) string {
	ordered := op == jql.Less || op == jql.LessEq || op == jql.Greater || op == jql.GreaterEq
	dates := k == jql.KindDate || k == jql.KindProperty || k == jql.KindAny
	texts := operandTexts
	switch form := rapid.IntRange(0, 15).Draw(t, "operand"); {
	case form == 0 && !ordered:
		return "EMPTY"
	case form == 1 && dates && op != jql.Changed:
		return rapid.SampledFrom([]string{"now()", "startOfDay(-1)", "endOfYear(-1)", "startOfWeek()"}).Draw(t, "function")
	case k == jql.KindDate, form < 6 && dates:
		texts = dateTexts
	case k == jql.KindNumber:
		texts = numberTexts
	case k == jql.KindNamed && ordered:
		return strconv.Quote(rapid.SampledFrom(oracleSite.Priorities).Draw(t, "priority"))
	case k == jql.KindIssue && ordered:
		texts = []string{"EX-1", "ex-2", "EX-012", "k-1"}
	}
	return strconv.Quote(rapid.SampledFrom(texts).Draw(t, "value"))
}

func predicates(t *rapid.T, operand func() string) (text string) {
	for _, word := range []string{"FROM", "TO", "BY"} {
		switch rapid.IntRange(0, 3).Draw(t, word) {
		case 0:
			text += " " + word + " " + operand()
		case 1:
			text += fmt.Sprintf(" %s (%s, %s)", word, operand(), operand())
		}
	}
	return text
}
