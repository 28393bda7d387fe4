package jql

import (
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2/lexer"
)

// bufferTokens is the number of tokens that fit into a pooled buffer, without the end. No text has more
// tokens than bytes, so all but the longest filters fit.
const bufferTokens = 512

// buffers are token lists to parse from. Participle makes a list for every parse, and growing it takes
// half of the memory and a quarter of the time of a parse.
var buffers = sync.Pool{New: func() any {
	in, err := lexer.Upgrade(newScanner(strings.Repeat(",", bufferTokens)))
	if err != nil {
		panic(err) // a scanner never fails
	}
	return in
}}

// parseTokens has participle parse src, from a buffer when it fits.
func parseTokens(src string) (*queryNode, error) {
	if len(src) > bufferTokens {
		return parser.ParseString("", src)
	}
	in := buffers.Get().(*tokens)
	list := in.Range(0, bufferTokens+1) // the list itself, not a copy
	used := list[:fill(list, src)]
	root, err := parser.ParseFromLexer(in)
	clear(used) // or the pool would keep texts alive
	in.LoadCheckpoint(lexer.Checkpoint{})
	buffers.Put(in)
	return root, err
}

// fill puts the tokens of src and the end into list and returns their number.
func fill(list []token, src string) int {
	s := newScanner(src)
	for i := range list {
		list[i] = s.next()
		if list[i].Type == tokEOF {
			return i + 1
		}
	}
	return len(list)
}
