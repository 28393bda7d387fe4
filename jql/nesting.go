package jql

// MaxLength is the longest query that [Parse] accepts, in bytes.
const MaxLength = 64 << 10

// MaxDepth is how deep parentheses, lists and NOT may nest in a query that [Parse] accepts. Queries
// written by programs stay far below it; the parser, the compiler and the evaluators recurse once a
// level, so their stacks stay small.
const MaxDepth = 256

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
