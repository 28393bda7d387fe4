package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// lexer reads the tokens of a JSON text and checks them as RFC 8259 defines them; strings must be UTF-8 besides, and
// their escapes must not stand for half a surrogate pair. Its methods take the place in the text where to read and
// return the place behind what was read: the processor has it at hand then, where a field would be written and read
// again for every token. At the first fault they return the end of the text, where no token is. So whoever reads comes
// to an end soon, and asks once, at that end, whether there was a fault.
type lexer struct {
	text []byte
	bad  bool
}

func (l *lexer) fail() int {
	l.bad = true
	return len(l.text)
}

// peek goes to the next token and returns its first byte: 0 where there is none, or none that could be one.
func (l *lexer) peek(at int) (byte, int) {
	if at < len(l.text) && l.text[at] > ' ' {
		return l.text[at], at
	}
	return l.peekBeyond(at)
}

// peekBeyond is the part of peek that is seldom needed; without it peek is inlined.
func (l *lexer) peekBeyond(at int) (byte, int) {
	for ; at < len(l.text); at++ {
		switch c := l.text[at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			if c < ' ' {
				return 0, at
			}
			return c, at
		}
	}
	return 0, at
}

// first says whether there is anything in an object or array, whose start was read. If not it reads the end.
func (l *lexer) first(at int, end byte) (int, bool) {
	c, at := l.peek(at)
	if c != end {
		return at, !l.bad
	}
	return at + 1, false
}

// more reads the comma behind a member or element, or else the end of the object or array.
func (l *lexer) more(at int, end byte) (int, bool) {
	switch c, at := l.peek(at); c {
	case ',':
		return at + 1, true
	case end:
		return at + 1, false
	}
	return l.fail(), false
}

// colon reads what stands behind the name of a member.
func (l *lexer) colon(at int) int {
	c, at := l.peek(at)
	if c != ':' {
		return l.fail()
	}
	return at + 1
}

// scalar reads a value, which begins here, and is not an object or array.
func (l *lexer) scalar(at int) int {
	if at >= len(l.text) {
		return l.fail()
	}
	switch l.text[at] {
	case '"':
		end, _ := l.quoted(at)
		return end
	case 't':
		return l.word(at, "true")
	case 'f':
		return l.word(at, "false")
	case 'n':
		return l.word(at, "null")
	}
	return l.number(at)
}

func (l *lexer) word(at int, word string) int {
	end := at + len(word)
	if end > len(l.text) || string(l.text[at:end]) != word {
		return l.fail()
	}
	return end
}

// number reads a number. What may not stand behind one is for whoever reads on to find.
func (l *lexer) number(at int) int {
	if l.is(at, '-') {
		at++
	}
	if l.is(at, '0') {
		at++
	} else {
		at = l.digits(at)
	}
	if l.is(at, '.') {
		at = l.digits(at + 1)
	}
	if l.is(at, 'e') || l.is(at, 'E') {
		at++
		if l.is(at, '+') || l.is(at, '-') {
			at++
		}
		at = l.digits(at)
	}
	return at
}

func (l *lexer) is(at int, c byte) bool { return at < len(l.text) && l.text[at] == c }

func (l *lexer) digits(at int) int {
	start := at
	for at < len(l.text) && l.text[at]-'0' <= 9 {
		at++
	}
	if at == start {
		return l.fail()
	}
	return at
}

// Eight bytes of a string are looked at as one number, with a byte of the same value in each place of it.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// stops has the high bit set in the first byte that is not plain: a control character, a quote, a backslash, or one of
// a character beyond ASCII. Of the bytes above that one it says nothing: a subtraction may have borrowed from them.
func stops(eight uint64) uint64 {
	return ((eight - ' '*ones) | (eight ^ '"'*ones - ones) | (eight ^ '\\'*ones - ones) | eight) & highs
}

// quoted reads a string, which begins here, and says whether it has escapes.
func (l *lexer) quoted(at int) (end int, escapes bool) {
	text := l.text
	for at++; at < len(text); {
		if at+8 <= len(text) {
			stops := stops(binary.LittleEndian.Uint64(text[at:]))
			if stops == 0 {
				at += 8
				continue
			}
			at += bits.TrailingZeros64(stops) / 8
		}
		switch c := text[at]; {
		case c == '"':
			return at + 1, escapes
		case c == '\\':
			n := escape(text[at:])
			if n == 0 {
				return l.fail(), false
			}
			at, escapes = at+n, true
		case c < ' ':
			return l.fail(), false
		case c < utf8.RuneSelf:
			at++
		default:
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n == 1 {
				return l.fail(), false
			}
			at += n
		}
	}
	return l.fail(), false
}

// escape returns the length of the escape that a text begins with, a surrogate pair being one; 0 if it is none.
func escape(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	}
	switch unit := codeUnit(text); {
	case unit < 0, 0xdc00 <= unit && unit < 0xe000:
		return 0
	case 0xd800 <= unit && unit < 0xdc00:
		if low := codeUnit(text[6:]); low < 0xdc00 || low >= 0xe000 {
			return 0
		}
		return 12
	}
	return 6
}

// codeUnit returns the number in the \u escape that a text begins with, -1 if it is none.
func codeUnit(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit := 0
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			unit = unit<<4 + int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			unit = unit<<4 + int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return unit
}
