package jql

// Pos is a place in the text of a query. Offset counts bytes from 0; Line and Column count from 1, and
// Column counts characters. The zero Pos belongs to nodes that were not parsed.
type Pos struct {
	Offset int
	Line   int
	Column int
}

// Query is one parsed query: a condition and a sort order, both optional. A query with a nil Where
// selects everything.
//
// The tree keeps what was written, apart from spelling: quotes and escapes are decoded, parentheses
// are gone, and a chain such as a AND b AND c is one node with three operands. It is immutable once
// parsed.
type Query struct {
	Where   Expr
	OrderBy []Sort
}

// Expr is a condition: [*And], [*Or], [*Not] or [*Clause]. The set is closed.
type Expr interface {
	// String prints the condition as JQL.
	String() string
	expr()
}

// And holds when every operand holds. A parsed And has at least two.
type And struct{ Operands []Expr }

// Or holds when some operand holds. A parsed Or has at least two.
type Or struct{ Operands []Expr }

// Not is the opposite of its operand; on an empty field neither of the two holds.
type Not struct{ Operand Expr }

// Clause compares a field with an operand. Operand is nil for the operator [Changed] only, and
// Predicates belong to the history operators (WAS and CHANGED) only.
type Clause struct {
	Field      FieldRef
	Op         Op
	Operand    Operand
	Predicates []Predicate
	Pos        Pos
}

func (*And) expr()    {}
func (*Or) expr()     {}
func (*Not) expr()    {}
func (*Clause) expr() {}

// FieldForm tells how a query spelled a field.
type FieldForm uint8

const (
	Named    FieldForm = iota // a name, quoted or not: status, "Epic Link"
	Numbered                  // the number of a custom field: 10014
	Custom                    // cf[10014]
)

// FieldRef is a field as a query names it. Name keeps the spelling ("10014" when Numbered,
// "cf[10014]" when Custom); what it stands for is the business of [Env.Resolve].
type FieldRef struct {
	Name       string
	Form       FieldForm
	Properties []Property
	Pos        Pos
}

// Property is the bracketed part of an entity property: Key inside the brackets, Path after them with
// dots between the steps and without a leading dot.
type Property struct {
	Key  string
	Path string
}

// Op is an operator.
type Op uint8

const (
	Eq        Op = iota + 1 // =
	Ne                      // !=
	Like                    // ~
	NotLike                 // !~
	Less                    // <
	Greater                 // >
	LessEq                  // <=
	GreaterEq               // >=
	In                      // IN
	NotIn                   // NOT IN
	Is                      // IS
	IsNot                   // IS NOT
	Was                     // WAS
	WasNot                  // WAS NOT
	WasIn                   // WAS IN
	WasNotIn                // WAS NOT IN
	Changed                 // CHANGED
)

var opText = [...]string{
	Eq: "=", Ne: "!=", Like: "~", NotLike: "!~", Less: "<", Greater: ">", LessEq: "<=", GreaterEq: ">=",
	In: "IN", NotIn: "NOT IN", Is: "IS", IsNot: "IS NOT",
	Was: "WAS", WasNot: "WAS NOT", WasIn: "WAS IN", WasNotIn: "WAS NOT IN", Changed: "CHANGED",
}

// String gives the operator as JQL writes it, words in capitals.
func (o Op) String() string {
	if int(o) < len(opText) {
		return opText[o]
	}
	return ""
}

// Operand is the right side of a clause or predicate: [Value], [List], [Empty] or [Function]. The set
// is closed.
type Operand interface {
	// String prints the operand as JQL.
	String() string
	operand()
}

// Value is a text or a number. Number tells that it was written as a number without quotes; Text is
// the decoded text in both cases.
type Value struct {
	Text   string
	Number bool
	Pos    Pos
}

// List is a parenthesised list. Lists may hold lists; a list inside a list means its elements.
type List struct{ Items []Operand }

// Empty is the keyword EMPTY or NULL.
type Empty struct{}

// Function is a call such as currentUser(). Arguments are texts, however they were written.
type Function struct {
	Name string
	Args []string
	Pos  Pos
}

func (Value) operand()    {}
func (List) operand()     {}
func (Empty) operand()    {}
func (Function) operand() {}

// PredicateOp is the keyword in front of a history predicate.
type PredicateOp uint8

const (
	Before PredicateOp = iota + 1
	After
	On
	During
	By
	From // after CHANGED only
	To   // after CHANGED only
)

var predicateText = [...]string{
	Before: "BEFORE", After: "AFTER", On: "ON", During: "DURING", By: "BY", From: "FROM", To: "TO",
}

// String gives the keyword in capitals.
func (o PredicateOp) String() string {
	if int(o) < len(predicateText) {
		return predicateText[o]
	}
	return ""
}

// Predicate narrows a history operator: WAS Done BEFORE "2024-01-01".
type Predicate struct {
	Op      PredicateOp
	Operand Operand
	Pos     Pos
}

// Direction is a sort direction.
type Direction uint8

const (
	Unspecified Direction = iota // neither ASC nor DESC was written
	Ascending                    // ASC
	Descending                   // DESC
)

// Sort is one key of ORDER BY. It has no effect on what a query selects.
type Sort struct {
	Field     FieldRef
	Direction Direction
}
