package jql

import (
	"bytes"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// A term is the form in which a value of an event and an operand of a filter are compared: two values
// are equal when their terms are. The functions below make terms out of text; they append to dst and
// allocate nothing when it has room. Filters get their terms from [Compile], events from whoever reads
// their JSON by way of [Terms], which picks the functions for each kind of field. An event may have more than
// one term for one value: a project counts as its key, its name and its id.

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

// The first byte of a term keeps the JSON types apart where a field may hold any of them.
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

// TextOfTerm returns the text of a term that [AppendStringTerm] makes, and false for the term of a number or a boolean.
func TextOfTerm(term string) (text string, ok bool) {
	if term == "" || term[0] != stringMark {
		return "", false
	}
	return term[1:], true
}

// AppendNumberTerm appends the term of a JSON number, given as the document writes it: 5, 5.0 and 5e0 have
// one term. Byte by byte the terms are in the order of the numbers, exactly, however many digits these have. It
// reports false, and leaves dst alone, if literal is not a decimal number or its exponent is beyond
// [MaxExponent]: such a value equals nothing.
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

// AppendDateTerm appends the term of a moment: 't' and the time in UTC to the millisecond, so that terms are in the
// order of time.
func AppendDateTerm(dst []byte, at time.Time) []byte { return appendInstant(append(dst, 't'), at) }

func appendInstant(dst []byte, at time.Time) []byte {
	return at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000")
}

// AppendKeyTerm appends the term by which an issue key has its place among those of its project: the folded
// project key with its dash, and the number so that its bytes are in order. It reports false, and leaves dst alone, for a text
// that is not a key: letters, digits and underscores, a dash, and decimal digits.
func AppendKeyTerm(dst, key []byte) ([]byte, bool) {
	project, number, _ := bytes.Cut(key, []byte{'-'})
	digits, rest := leadingDigits(number)
	if !isProjectKey(project) || len(digits) == 0 || len(rest) > 0 {
		return dst, false
	}
	return appendDecimal(append(FoldTerm(dst, project), '-'), digits)
}

func isProjectKey(text []byte) bool {
	other := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	return len(text) > 0 && bytes.IndexFunc(text, other) < 0
}

// NextWord cuts the first word off a text: a run of letters, digits and combining marks. The word is empty
// when there is none left. The results are parts of text, which is not changed.
func NextWord(text []byte) (word, rest []byte) {
	start := bytes.IndexFunc(text, inWord)
	if start < 0 {
		return nil, nil
	}
	text = text[start:]
	end := bytes.IndexFunc(text, func(r rune) bool { return !inWord(r) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// inWord tells whether r is part of a word. Letters that are written with combining marks are as much a part of
// it as those that have a character of their own.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.L, unicode.Nd, unicode.M)
}

// AppendPhraseTerm appends the folded words of a text in their order, with one blank before, between and after
// them, so that a phrase is in a text when the term of the one is part of the term of the other. A text
// without words has no term: dst comes back as it was.
func AppendPhraseTerm(dst, text []byte) []byte {
	word, rest := NextWord(text)
	if len(word) == 0 {
		return dst
	}
	for dst = append(dst, ' '); len(word) > 0; word, rest = NextWord(rest) {
		dst = append(FoldTerm(dst, word), ' ')
	}
	return dst
}

// AppendChangeTerm joins the terms of an old and a new value, either of which may be empty. The length in front
// keeps two pairs from looking the same.
func AppendChangeTerm(dst, from, to []byte) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(from)), 10), ':')
	return append(append(dst, from...), to...)
}

// wildcard matches a word with a pattern of [Search].
func wildcard(pattern string, word []byte) bool {
	for pattern != "" {
		if pattern == "*" {
			return true
		}
		if len(word) == 0 {
			return false
		}
		want, n := utf8.DecodeRuneInString(pattern)
		have, m := utf8.DecodeRune(word)
		if want != '?' && want != have {
			return false
		}
		pattern, word = pattern[n:], word[m:]
	}
	return len(word) == 0
}
