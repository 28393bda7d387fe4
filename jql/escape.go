package jql

import (
	"unicode/utf16"
	"unicode/utf8"
)

// decoded gathers the text of a string. As long as no escape occurs it only remembers where the text
// starts and costs no memory.
type decoded struct {
	buf     []byte
	start   int  // of the characters that are not in buf yet
	running bool // start is set
	escaped bool
}

// keep notes that the character at offset belongs to the text as it is.
func (d *decoded) keep(offset int) {
	if !d.running {
		d.start, d.running = offset, true
	}
}

// flush moves the characters before offset into buf, because an escape follows.
func (d *decoded) flush(src string, offset int) {
	if d.running {
		d.buf = append(d.buf, src[d.start:offset]...)
		d.running = false
	}
	d.escaped = true
}

func (d *decoded) add(r rune) { d.buf = utf8.AppendRune(d.buf, r) }

// String is the text, whose last character ends before offset.
func (d *decoded) String(src string, offset int) string {
	rest := ""
	if d.running {
		rest = src[d.start:offset]
	}
	if !d.escaped {
		return rest
	}
	return string(append(d.buf, rest...))
}

// simpleEscapes are the escapes of one character: the one after the backslash and what it stands for.
var simpleEscapes = map[rune]rune{
	'\'': '\'', '"': '"', '\\': '\\', ' ': ' ', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape decodes the escape sequence at the scanner's place. On an error it returns the message and
// leaves the scanner at the backslash.
func (s *scanner) escape(text *decoded) (msg string) {
	at := s.pos
	s.advance('\\', 1)
	r, size := s.peek()
	if size == 0 {
		s.pos = at
		return msgUnfinishedEscape
	}
	s.advance(r, size)
	if plainRune, ok := simpleEscapes[r]; ok {
		text.add(plainRune)
		return ""
	}
	ok := r == 'u'
	unit := rune(0)
	if ok {
		unit, ok = s.hexUnit()
	}
	if !ok {
		end := s.pos.Offset
		s.pos = at
		return msgBadEscape(s.src[at.Offset:end])
	}
	text.add(s.joinSurrogates(unit))
	return ""
}

// hexUnit reads the four digits of \uXXXX. On an error it stops behind the offending character.
func (s *scanner) hexUnit() (rune, bool) {
	unit := rune(0)
	for range 4 {
		r, size := s.peek()
		if size == 0 {
			return 0, false
		}
		s.advance(r, size)
		digit, ok := hexDigit(r)
		if !ok {
			return 0, false
		}
		unit = unit<<4 | digit
	}
	return unit, true
}

func hexDigit(r rune) (rune, bool) {
	switch {
	case '0' <= r && r <= '9':
		return r - '0', true
	case 'a' <= r && r <= 'f':
		return r - 'a' + 10, true
	case 'A' <= r && r <= 'F':
		return r - 'A' + 10, true
	}
	return 0, false
}

// joinSurrogates completes a high surrogate with the \uXXXX that follows it. A half without its other
// half is no character and becomes U+FFFD.
func (s *scanner) joinSurrogates(unit rune) rune {
	if !utf16.IsSurrogate(unit) {
		return unit
	}
	before := s.pos
	if len(s.src)-s.pos.Offset >= 2 && s.src[s.pos.Offset:s.pos.Offset+2] == `\u` {
		s.advance('\\', 1)
		s.advance('u', 1)
		if low, ok := s.hexUnit(); ok {
			if r := utf16.DecodeRune(unit, low); r != utf8.RuneError {
				return r
			}
		}
		s.pos = before
	}
	return utf8.RuneError
}
