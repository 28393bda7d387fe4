package jql

import (
	"fmt"
	"slices"
	"strings"
)

// place is where a value stands in a document: a step from the place of what holds it. The root is nil.
type place struct {
	parent *place
	name   string
	index  int    // of an element, or -1 for a member
	text   string // what String gives, once it has
}

func (p *place) member(name string) *place { return &place{parent: p, name: name, index: -1} }

func (p *place) element(i int) *place { return &place{parent: p, index: i} }

// maxPath bounds the text of a place, in characters; it ends in "…" where that cuts it. Only arrays in arrays
// lead as far.
const maxPath = 1000

// String is the place as JSONPath (RFC 9535) writes it.
func (p *place) String() string {
	if p == nil {
		return "$"
	}
	if p.text == "" {
		p.text = cut(p.path(), maxPath)
	}
	return p.text
}

func (p *place) path() string {
	var steps []*place
	for ; p != nil; p = p.parent {
		steps = append(steps, p)
	}
	b := []byte{'$'}
	for _, step := range slices.Backward(steps) {
		switch {
		case step.index >= 0:
			b = fmt.Appendf(b, "[%d]", step.index)
		case isShorthand(step.name):
			b = append(append(b, '.'), step.name...)
		default:
			b = append(append(append(b, '['), quoteStep(step.name)...), ']')
		}
	}
	return string(b)
}

// isShorthand tells whether JSONPath takes a name without brackets. It takes characters beyond ASCII, too, which are
// left to the brackets so that all names that are hard to read look alike.
func isShorthand(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= lowerASCII(c) && lowerASCII(c) <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func quoteStep(name string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range name {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
