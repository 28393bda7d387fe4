package bench

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// textbook is what [Parse] measures jql.Parse against: what dynamic webhooks take of JQL, but for custom
// fields and entity properties, as a first reading of participle's manual would write it. Its tree is of
// strings, and it knows neither history, functions, sort orders, reserved words, bounds, positions nor
// Jira's error texts.
var textbook = participle.MustBuild[textbookOr](
	participle.Lexer(lexer.MustSimple([]lexer.SimpleRule{
		{Name: "Keyword", Pattern: `(?i)\b(AND|OR|NOT|IN|EMPTY|NULL)\b`},
		{Name: "Number", Pattern: `-?[0-9]+\b`},
		{Name: "String", Pattern: `"(\\.|[^"\\])*"|'(\\.|[^'\\])*'`},
		{Name: "Word", Pattern: `[A-Za-z0-9_.:-]+`},
		{Name: "Operator", Pattern: `!?=`},
		{Name: "Punct", Pattern: `[(),]`},
		{Name: "whitespace", Pattern: `[ \t\r\n]+`},
	})),
	participle.CaseInsensitive("Keyword"),
	participle.Unquote("String"),
	participle.UseLookahead(2),
)

type (
	textbookOr struct {
		And []*textbookAnd `parser:"@@ ( 'OR' @@ )*"`
	}
	textbookAnd struct {
		Not []*textbookNot `parser:"@@ ( 'AND' @@ )*"`
	}
	textbookNot struct {
		Clause *textbookClause `parser:"  @@"`
		Not    *textbookNot    `parser:"| 'NOT' @@"`
		Group  *textbookOr     `parser:"| '(' @@ ')'"`
	}
	textbookClause struct {
		Field   string           `parser:"@( Word | String | Number )"`
		Op      []string         `parser:"@( Operator | 'IN' | 'NOT' 'IN' )"`
		Operand *textbookOperand `parser:"@@"`
	}
	textbookOperand struct {
		Value *string            `parser:"  @( Word | String | Number )"`
		List  []*textbookOperand `parser:"| '(' @@ ( ',' @@ )* ')'"`
		Empty bool               `parser:"| @( 'EMPTY' | 'NULL' )"`
	}
)
