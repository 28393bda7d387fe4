package jql

import (
	"errors"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The structs below are the grammar of JQL, one production each; a tag holds the production and the
// place where the parser puts what it read. The tags decide on one token (LL(1)), so the parser never
// goes back; of alternatives the likeliest stands first, as each one tried costs memory.
//
// Productions named need... and direction are written in code (expect.go), because they word an error
// as Jira does. So are clause, clauses and field (clause.go, operators.go, operand.go), whose methods
// are one production each again: most of a query is made of these, and code reads them at a fraction of
// what tags cost.

// queryNode = or [ ORDER BY sort { "," sort } ] | ORDER BY sort { "," sort } | nothing
type queryNode struct {
	Where   *orNode    `parser:"(   @@"`
	OrderBy *orderNode `parser:"    @@?"`
	End     needEnd    `parser:"    @@"`
	Order   *orderNode `parser:"|   @@"`
	Blank   bool       `parser:"|   @EOF )"`
}

// orNode = and { OR and }
type orNode struct {
	Operands []*andNode `parser:"@@ ( Or @@ )*"`
}

// andNode = not { AND not }, where clauses in a row are read at once: conjunct { AND conjunct }
type andNode struct {
	Operands []conjunctNode `parser:"@@ ( And @@ )*"`
}

// conjunctNode = clauses | group | negation
type conjunctNode interface {
	// appendTo adds the public form of the conditions to those that AND joins.
	appendTo(operands []Expr, b *builder) []Expr
}

// notNode = clause | group | negation
type notNode interface {
	// build makes the public form of the condition.
	build(b *builder) Expr
}

// groupNode = "(" or ")"
type groupNode struct {
	Inner *orNode    `parser:"LParen @@"`
	Close needRParen `parser:"@@"`
}

// negationNode = ( NOT | "!" ) not
type negationNode struct {
	Operand notNode `parser:"( Not | Bang ) @@"`
}

// orderNode = ORDER BY sort { "," sort }
type orderNode struct {
	By    needBy      `parser:"Order @@"`
	Sorts []*sortNode `parser:"@@ ( Comma @@ )*"`
	End   needSortEnd `parser:"@@"`
}

// sortNode = field [ ASC | DESC ]
type sortNode struct {
	Field     fieldNode `parser:"@@"`
	Direction direction `parser:"@@"`
}

// parser is built once; it is safe for concurrent use.
var parser = participle.MustBuild[queryNode](
	participle.Lexer(definition{symbols}),
	participle.Union[conjunctNode](&clausesNode{}, &groupNode{}, &negationNode{}),
	participle.Union[notNode](&clauseNode{}, &groupNode{}, &negationNode{}),
	participle.UseLookahead(0),
)

// parseTree reads src by the grammar. Every error is a *SyntaxError.
func parseTree(src string) (*queryNode, error) {
	root, err := parseTokens(src)
	if err == nil {
		return root, nil
	}
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		return nil, syntax
	}
	var at lexer.Position
	if located, ok := errors.AsType[participle.Error](err); ok {
		at = located.Position()
	}
	return nil, &SyntaxError{Pos: Pos{at.Offset, at.Line, at.Column}, Msg: "The query cannot be read from here."}
}
