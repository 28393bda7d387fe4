package jql

import (
	"errors"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The structs below are the grammar of JQL, one production each; a tag holds the production and the
// place where the parser puts what it read. The grammar decides on one token (LL(1)), so the parser
// never goes back; of alternatives the likeliest stands first, as each one tried costs memory.
// Productions named need... and no..., operators and arguments are written in code (expect.go,
// operators.go), because they word an error as Jira does. What a tag cannot say, that an operator takes
// some kinds of operand only, is a table in operators.go.

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

// andNode = not { AND not }
type andNode struct {
	Operands []*notNode `parser:"@@ ( And @@ )*"`
}

// notNode = clause | ( NOT | "!" ) not | "(" or ")"
type notNode struct {
	Clause *clauseNode `parser:"    @@"`
	Not    *notNode    `parser:"|   ( Not | Bang ) @@"`
	Group  *orNode     `parser:"|   LParen @@"`
	Close  needRParen  `parser:"    @@"`
}

// clauseNode = field ( compare operand | was operand { wasPredicate } | CHANGED { changedPredicate } )
type clauseNode struct {
	Field             fieldNode        `parser:"@@"`
	Op                compareOp        `parser:"(   @@"`
	Operand           *operandNode     `parser:"    @@"`
	Was               wasOp            `parser:"|   @@"`
	WasOperand        *operandNode     `parser:"    @@"`
	WasPredicates     []*predicateNode `parser:"    @@*"`
	Changed           bool             `parser:"|   @Changed"`
	ChangedPredicates []*changedNode   `parser:"    @@*"`
	NoOperator        noOperator       `parser:"|   @@ )"`
}

// fieldNode = number | ( string | CF "[" number "]" ) { property }, without properties after CF.
type fieldNode struct {
	Name       *lexer.Token    `parser:"(   @String"`
	Properties []*propertyNode `parser:"    @@*"`
	Number     *lexer.Token    `parser:"|   @Number"`
	Custom     *customNode     `parser:"|   @@"`
	NoField    noField         `parser:"|   @@ )"`
}

// customNode = CF "[" number "]"
type customNode struct {
	Cf    lexer.Token  `parser:"@Cf"`
	Open  needLBracket `parser:"@@"`
	ID    needID       `parser:"@@"`
	Close needRBracket `parser:"@@"`
}

// propertyNode = "[" argument "]" { argument }
type propertyNode struct {
	Key   needKey      `parser:"LBracket @@"`
	Close needRBracket `parser:"@@"`
	Path  []string     `parser:"@( String | Number )*"`
}

// operandNode = string | number | function | list | EMPTY
type operandNode struct {
	Text      *lexer.Token `parser:"(   @( String | Number )"`
	Call      *callNode    `parser:"    @@?"`
	List      *listNode    `parser:"|   @@"`
	Empty     *lexer.Token `parser:"|   @Empty"`
	NoOperand noOperand    `parser:"|   @@ )"`
}

// listNode = "(" operand { "," operand } ")"
type listNode struct {
	Open  lexer.Token    `parser:"@LParen"`
	Items []*operandNode `parser:"@@ ( Comma @@ )*"`
	Close needRParen     `parser:"@@"`
}

// callNode = "(" [ argument { "," argument } ] ")", what follows the name of a function.
type callNode struct {
	Args  []*firstArgument `parser:"LParen ( RParen | @@"`
	More  []*nextArgument  `parser:"( Comma @@ )*"`
	Close needCallEnd      `parser:"@@ )"`
}

// predicateNode = ( BEFORE | AFTER | ON | DURING | BY ) operand
type predicateNode struct {
	Op      lexer.Token  `parser:"@( Before | After | On | During | By )"`
	Operand *operandNode `parser:"@@"`
}

// changedNode = ( BEFORE | AFTER | ON | DURING | BY | FROM | TO ) operand
type changedNode struct {
	Op      lexer.Token  `parser:"@( Before | After | On | During | By | From | To )"`
	Operand *operandNode `parser:"@@"`
}

// orderNode = ORDER BY sort { "," sort }
type orderNode struct {
	Order bool        `parser:"@Order"`
	By    needBy      `parser:"@@"`
	Sorts []*sortNode `parser:"@@ ( Comma @@ )*"`
	End   needSortEnd `parser:"@@"`
}

// sortNode = field [ ASC | DESC ]
type sortNode struct {
	Field     fieldNode `parser:"@@"`
	Direction direction `parser:"@@"`
}

// noMatch is what a production written in code answers when it does not begin here.
var noMatch = participle.NextMatch

// parser is built once; it is safe for concurrent use.
var parser = participle.MustBuild[queryNode](
	participle.Lexer(definition{}),
	participle.UseLookahead(0),
)

// parseTree reads src by the grammar. Every error is a *SyntaxError.
func parseTree(src string) (*queryNode, error) {
	root, err := parser.ParseString("", src)
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
