package jql

import (
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"
)

// Names for the parts of the lexer's interface that other files use.
type (
	token     = lexer.Token
	tokens    = lexer.PeekingLexer
	tokenType = lexer.TokenType
)

// The token types. Every keyword has its own, so that the parser compares numbers and never texts.
const (
	tokEOF     = lexer.EOF
	tokIllegal = tokenType(iota) // its value is the message of the syntax error
	tokString
	tokNumber
	tokLParen
	tokRParen
	tokComma
	tokLBracket
	tokRBracket
	tokEq
	tokNe
	tokLike
	tokNotLike
	tokLess
	tokGreater
	tokLessEq
	tokGreaterEq
	tokBang
	tokAnd
	tokOr
	tokNot
	tokIn
	tokIs
	tokEmpty
	tokWas
	tokChanged
	tokBefore
	tokAfter
	tokFrom
	tokTo
	tokOn
	tokDuring
	tokOrder
	tokBy
	tokAsc
	tokDesc
	tokCf
)

// definition is the lexer for participle. It is written by hand because the parser then sees no
// whitespace, decoded strings and one type per keyword, which leaves the grammar nothing to normalise.
type definition struct{ symbols map[string]tokenType }

// symbols names the token types for the tags of the grammar. It is made once, because participle asks
// for it at every parse.
var symbols = map[string]tokenType{
	"EOF": tokEOF, "Illegal": tokIllegal, "String": tokString, "Number": tokNumber,
	"LParen": tokLParen, "RParen": tokRParen, "Comma": tokComma, "LBracket": tokLBracket, "RBracket": tokRBracket,
	"Eq": tokEq, "Ne": tokNe, "Like": tokLike, "NotLike": tokNotLike,
	"Less": tokLess, "Greater": tokGreater, "LessEq": tokLessEq, "GreaterEq": tokGreaterEq,
	"Bang": tokBang, "And": tokAnd, "Or": tokOr, "Not": tokNot, "In": tokIn, "Is": tokIs, "Empty": tokEmpty,
	"Was": tokWas, "Changed": tokChanged, "Before": tokBefore, "After": tokAfter, "From": tokFrom, "To": tokTo,
	"On": tokOn, "During": tokDuring, "Order": tokOrder, "By": tokBy, "Asc": tokAsc, "Desc": tokDesc, "Cf": tokCf,
}

func (d definition) Symbols() map[string]tokenType { return d.symbols }

func (d definition) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	src, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(filename, string(src))
}

func (definition) LexString(_, src string) (lexer.Lexer, error) { return newScanner(src), nil }

// scanner cuts a query into tokens. It never fails: what cannot be read becomes one tokIllegal followed
// by the end, so that of several errors the first in the text is reported, whether the lexer or the
// grammar finds it.
type scanner struct {
	src  string
	pos  Pos // of the next character
	done bool

	nest   nesting
	counts counts
}

func newScanner(src string) *scanner {
	return &scanner{src: src, pos: Pos{Line: 1, Column: 1}}
}

// Next returns the next token; after the last one it returns tokEOF for ever.
func (s *scanner) Next() (token, error) { return s.next(), nil }

func (s *scanner) next() token {
	s.skipSpace()
	start := s.pos
	typ, value := tokEOF, ""
	if !s.done && start.Offset < len(s.src) {
		typ, value = s.scan()
		switch {
		case !s.nest.add(typ):
			typ, value = s.fail(start, msgTooDeep)
		case !s.counts.add(typ):
			typ, value = s.fail(start, msgTooMany)
		}
	}
	if typ == tokIllegal {
		s.done = true
		start = s.pos
	}
	return token{Type: typ, Value: value, Pos: lexer.Position{Offset: start.Offset, Line: start.Line, Column: start.Column}}
}

// fail makes an illegal token of a message and leaves the scanner at the place it speaks of.
func (s *scanner) fail(at Pos, msg string) (tokenType, string) {
	s.pos = at
	return tokIllegal, msg
}

func (s *scanner) skipSpace() {
	for s.pos.Offset < len(s.src) && space(s.src[s.pos.Offset]) {
		s.advance(rune(s.src[s.pos.Offset]), 1)
	}
}

// peek returns the next character and its size in bytes; size 0 is the end.
func (s *scanner) peek() (rune, int) {
	if s.pos.Offset >= len(s.src) {
		return 0, 0
	}
	if c := s.src[s.pos.Offset]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(s.src[s.pos.Offset:])
}

// advance steps over a character that peek returned.
func (s *scanner) advance(r rune, size int) {
	s.pos.Offset += size
	s.pos.Column++
	if r == '\n' {
		s.pos.Line++
		s.pos.Column = 1
	}
}

func (s *scanner) scan() (tokenType, string) {
	c := s.src[s.pos.Offset]
	if typ, n := punctuation(s.src[s.pos.Offset:]); n > 0 {
		text := s.src[s.pos.Offset : s.pos.Offset+n]
		s.pos.Offset += n
		s.pos.Column += n
		return typ, text
	}
	if c == '"' || c == '\'' {
		return s.quoted(rune(c))
	}
	return s.word()
}

// punctuation reads the symbol at the start of src, the longest that fits; n is its length.
func punctuation(src string) (typ tokenType, n int) {
	next := byte(0)
	if len(src) > 1 {
		next = src[1]
	}
	either := func(second byte, long, short tokenType) (tokenType, int) {
		if next == second {
			return long, 2
		}
		return short, 1
	}
	switch src[0] {
	case '(':
		return tokLParen, 1
	case ')':
		return tokRParen, 1
	case ',':
		return tokComma, 1
	case '[':
		return tokLBracket, 1
	case ']':
		return tokRBracket, 1
	case '=':
		return tokEq, 1
	case '~':
		return tokLike, 1
	case '<':
		return either('=', tokLessEq, tokLess)
	case '>':
		return either('=', tokGreaterEq, tokGreater)
	case '&':
		return either('&', tokAnd, tokAnd)
	case '|':
		return either('|', tokOr, tokOr)
	case '!':
		if next == '~' {
			return tokNotLike, 2
		}
		return either('=', tokNe, tokBang)
	}
	return tokIllegal, 0
}

// word reads an unquoted string, number or keyword. Only a text without escapes can be one of the
// latter two.
func (s *scanner) word() (tokenType, string) {
	start := s.pos
	var text decoded
	for {
		r, size := s.peek()
		if r == '\\' {
			text.flush(s.src, s.pos.Offset)
			if msg := s.escape(&text); msg != "" {
				return tokIllegal, msg
			}
			continue
		}
		if size == 0 || !plain(r) || invalid(r, size) {
			break
		}
		text.keep(s.pos.Offset)
		s.advance(r, size)
	}
	if s.pos == start {
		return s.fail(start, s.badCharacter())
	}
	value := text.String(s.src, s.pos.Offset)
	if text.escaped {
		return tokString, value
	}
	switch typ := wordType(value); typ {
	case tokIllegal:
		return s.fail(start, msgReservedWord(value))
	case tokNumber:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return s.fail(start, msgBadNumber(value))
		}
		return typ, value
	default:
		return typ, value
	}
}

// quoted reads a string in quotes.
func (s *scanner) quoted(quote rune) (tokenType, string) {
	start := s.pos
	s.advance(quote, 1)
	var text decoded
	for {
		r, size := s.peek()
		switch {
		case size == 0:
			return s.fail(start, msgUnfinishedQuote(text.String(s.src, s.pos.Offset)))
		case r == quote:
			value := text.String(s.src, s.pos.Offset)
			s.advance(r, size)
			return tokString, value
		case r == '\\':
			text.flush(s.src, s.pos.Offset)
			if msg := s.escape(&text); msg != "" {
				return tokIllegal, msg
			}
		case control(r) || invalid(r, size):
			return tokIllegal, s.badCharacter()
		default:
			text.keep(s.pos.Offset)
			s.advance(r, size)
		}
	}
}

// invalid tells that peek met a byte that is not UTF-8.
func invalid(r rune, size int) bool { return r == utf8.RuneError && size == 1 }

func (s *scanner) badCharacter() string {
	r, size := s.peek()
	switch {
	case invalid(r, size):
		return msgNotUTF8
	case control(r):
		return msgIllegalCharacter(r, s.pos)
	}
	return msgReservedCharacter(r)
}
