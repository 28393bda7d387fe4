package jql

import (
	"unicode"
	"unicode/utf8"
)

// A term is the form in which a value of an event and an operand of a filter are compared: two values
// are equal when their terms are. The functions below make terms out of text; they append to dst and
// allocate nothing when it has room. Filters get their terms from [Compile], events from whoever reads
// their JSON: for the fields of the catalogue [Kind.AppendTerm], for entity properties the three
// Append...Term functions, by the type of the JSON value. An event may have more than one term for one
// value: a project counts as its key, its name and its id.

// FoldTerm appends text without regard to case: simple Unicode case folding, the equality of
// [strings.EqualFold]. Bytes that are not UTF-8 become U+FFFD.
func FoldTerm(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			dst = append(dst, lowerASCII(c))
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		dst = utf8.AppendRune(dst, foldRune(r))
		i += size
	}
	return dst
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// foldRune picks one character to stand for all that differ from r in case only: the lowest of them,
// or its lower case if that is ASCII (the Kelvin sign folds to k).
func foldRune(r rune) rune {
	lowest := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		lowest = min(lowest, other)
	}
	if lowest < utf8.RuneSelf {
		return rune(lowerASCII(byte(lowest)))
	}
	return lowest
}

// The first byte of an entity property's term keeps the JSON types apart.
const (
	stringMark = 's'
	numberMark = 'n'
	boolMark   = 'b'
)

// AppendStringTerm appends the term of a JSON string in an entity property. Strings compare exactly.
// The empty string counts as no value at all: it has no term, and dst comes back as it was.
func AppendStringTerm(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
	return append(append(dst, stringMark), text...)
}

// AppendNumberTerm appends the term of a JSON number in an entity property, given as the document
// writes it: 5, 5.0 and 5e0 have one term. It reports false, and leaves dst alone, if literal is not a
// decimal number or its exponent is beyond [MaxExponent]: such a value equals nothing.
func AppendNumberTerm(dst, literal []byte) ([]byte, bool) {
	mark := len(dst)
	dst, ok := appendDecimal(append(dst, numberMark), literal)
	if !ok {
		return dst[:mark], false
	}
	return dst, true
}

// AppendBoolTerm appends the term of a JSON boolean in an entity property.
func AppendBoolTerm(dst []byte, value bool) []byte {
	if value {
		return append(dst, boolMark, 't', 'r', 'u', 'e')
	}
	return append(dst, boolMark, 'f', 'a', 'l', 's', 'e')
}

// TypedTerms returns the terms of all values of an entity property that the operand text equals: the
// string of that text, and if the text reads as a number or as "true" or "false", that value too.
func TypedTerms(text string) []string {
	terms := []string{string(stringMark) + text}
	if number, ok := AppendNumberTerm(nil, []byte(text)); ok {
		terms = append(terms, string(number))
	}
	if text == "true" || text == "false" {
		terms = append(terms, string(boolMark)+text)
	}
	return terms
}
