package jql

// MaxLength is the longest query that [Parse] accepts, in bytes.
const MaxLength = 64 << 10

// MaxDepth is how deep parentheses, lists and NOT may nest in a query that [Parse] accepts. Queries
// written by programs stay far below it; the parser, the compiler and the evaluators recurse once a
// level, so their stacks stay small.
const MaxDepth = 256

// MaxConditions is how many AND, OR, NOT, parentheses and sort keys there may be together in a query that
// [Parse] accepts, and MaxTokens how many words, texts and signs. They bound the time that the longest query
// takes to some milliseconds; one that asks for many values of a field uses a list, which costs far less.
const (
	MaxConditions = 1000
	MaxTokens     = 1 << 14
)

// counts is what a query has of what is bounded.
type counts struct {
	tokens     int
	conditions int
	ordering   bool // from ORDER on commas are between sort keys
}

// add takes note of a token and tells whether so many are allowed.
func (c *counts) add(typ tokenType) bool {
	c.tokens++
	switch typ {
	case tokAnd, tokOr, tokNot, tokBang, tokLParen:
		c.conditions++
	case tokOrder:
		c.ordering = true
	case tokComma:
		if c.ordering {
			c.conditions++
		}
	}
	return c.tokens <= MaxTokens && c.conditions <= MaxConditions
}

// nesting counts levels over the stream of tokens, so that too deep a query is refused before anything
// recurses.
type nesting struct {
	depth  int   // open parentheses plus the NOTs in force
	run    int   // NOTs of depth whose operand has not begun
	opened []int // for every open parenthesis, the NOTs directly in front of it
}

// add takes note of a token and tells whether the depth is still allowed.
func (n *nesting) add(typ tokenType) bool {
	switch typ {
	case tokNot, tokBang:
		n.depth++
		n.run++
	case tokLParen:
		n.opened = append(n.opened, n.run)
		n.depth++
		n.run = 0
	case tokRParen:
		n.close()
	default:
		n.depth -= n.run
		n.run = 0
	}
	return n.depth <= MaxDepth
}

func (n *nesting) close() {
	n.depth -= n.run
	n.run = 0
	if last := len(n.opened) - 1; last >= 0 {
		n.depth -= 1 + n.opened[last]
		n.opened = n.opened[:last]
	}
}
