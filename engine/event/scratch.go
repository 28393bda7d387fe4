package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/jql"
)

// scratch holds texts that do not stand in the body as they are. What its methods return is good until the next
// call of one of them, if not said otherwise.
type scratch struct {
	plain []byte // strings without their escapes
	term  []byte
}

// escaped reports whether a string, without its quotes, needs unescaping.
func escaped(inner []byte) bool { return bytes.IndexByte(inner, '\\') >= 0 }

// text returns what a quoted string says.
func (x *scratch) text(raw []byte) []byte {
	x.plain = x.plain[:0]
	return x.another(raw)
}

// another returns what one more quoted string says; the results of earlier calls stay good.
func (x *scratch) another(raw []byte) []byte {
	if inner := raw[1 : len(raw)-1]; !escaped(inner) {
		return inner
	}
	start := len(x.plain)
	x.plain, _ = jsontext.AppendUnquote(x.plain, raw) // the lexer has checked raw
	return x.plain[start:]
}

// said returns what a noted string says, and nothing for anything else. Like those of another, the results of
// earlier calls stay good.
func (x *scratch) said(raw []byte) []byte {
	if len(raw) == 0 || raw[0] != '"' {
		return nil
	}
	return x.another(raw)
}

// written is said for strings, and for a number its literal.
func (x *scratch) written(raw []byte) []byte {
	if len(raw) > 0 && startsNumber(raw[0]) {
		return raw
	}
	return x.said(raw)
}

func startsNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// read returns the type and text of a value; null, objects and arrays have none.
func (x *scratch) read(raw []byte) (jql.JSONType, []byte) {
	switch c := raw[0]; {
	case c == '"':
		return jql.JSONString, x.text(raw)
	case c == 't' || c == 'f':
		return jql.JSONBool, raw
	case startsNumber(c):
		return jql.JSONNumber, raw
	}
	return 0, nil
}

// fold returns a text without regard to case. It leaves the results of other methods as they are.
func (x *scratch) fold(text []byte) []byte {
	x.term = jql.FoldTerm(x.term[:0], text)
	return x.term
}

// trim drops buffers that an unusually large value has grown.
func (x *scratch) trim() {
	for _, b := range []*[]byte{&x.plain, &x.term} {
		if cap(*b) > largestKept {
			*b = nil
		}
	}
}
