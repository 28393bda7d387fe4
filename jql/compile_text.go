package jql

import (
	"strings"
	"unicode/utf8"
)

// maxWords bounds the words, patterns and phrases that a query looks for. Each is a node of the filter, and they are
// shorter than anything else that is.
const maxWords = 2000

// search compiles ~, or with negate !~.
func (x *comparison) search(negate bool) Node {
	switch o := x.Operand.(type) {
	case Value:
		return x.searchText(o, negate)
	case Function:
		if !x.knows(o) {
			x.problem(o.Pos, msgNoFunction(o))
		} else {
			x.problem(o.Pos, msgWrongFunction(o, x.Field.Name))
		}
	default:
		x.problem(x.Pos, operandMessage(x.Op, o, x.Field.Name))
	}
	return &AnyOf{}
}

// searchText looks for the words, patterns and phrases of a text, all of which must be there.
func (x *comparison) searchText(v Value, negate bool) Node {
	s := searcher{field: x.field, negate: negate}
	for text, more := v.Text, true; more; {
		var words, phrase string
		words, phrase, text, more = cutPhrase(text)
		s.words(words)
		s.phrase(phrase)
	}
	before := x.words
	x.words += len(s.nodes)
	switch {
	case len(s.nodes) == 0:
		x.problem(v.Pos, msgNoWord(v.Text, x.Field.Name))
	case x.words > maxWords && before <= maxWords:
		x.problem(v.Pos, msgTooManyWords)
	}
	if negate {
		return &AnyOf{Nodes: s.nodes}
	}
	return &AllOf{Nodes: s.nodes}
}

// cutPhrase splits a text at its first phrase in quotes; more tells that there was one. A quote without its
// partner is like a blank.
func cutPhrase(text string) (before, phrase, after string, more bool) {
	if before, rest, ok := strings.Cut(text, `"`); ok {
		if phrase, after, ok := strings.Cut(rest, `"`); ok {
			return before, phrase, after, true
		}
	}
	return text, "", "", false
}

// searcher makes a node of every word, pattern and phrase.
type searcher struct {
	field  Field
	negate bool
	nodes  []Node
	buf    []byte
}

func (s *searcher) words(text string) {
	for text != "" {
		var word string
		var pattern bool
		word, text, pattern = nextPattern(text)
		if word == "" {
			return
		}
		s.buf = FoldTerm(s.buf[:0], []byte(word))
		if pattern {
			s.nodes = append(s.nodes, &Search{Field: s.field.Of(Words), Negate: s.negate, Text: string(s.buf)})
		} else {
			s.word(string(s.buf))
		}
	}
}

func (s *searcher) word(term string) {
	s.nodes = append(s.nodes, &Test{Field: s.field.Of(Words), Negate: s.negate, Terms: []string{term}})
}

func (s *searcher) phrase(text string) {
	s.buf = AppendPhraseTerm(s.buf[:0], []byte(text))
	switch strings.Count(string(s.buf), " ") {
	case 0:
	case 2:
		s.word(strings.Trim(string(s.buf), " "))
	default:
		s.nodes = append(s.nodes, &Search{Field: s.field.Of(Phrases), Negate: s.negate, Text: string(s.buf)})
	}
}

// nextPattern cuts the first word off a text, where "?" stands for a letter and "*" after a word for any
// number of them.
func nextPattern(text string) (word, rest string, pattern bool) {
	inPattern := func(r rune) bool { return r == '?' || inWord(r) }
	start := strings.IndexFunc(text, inPattern)
	if start < 0 {
		return "", "", false
	}
	text = text[start:]
	end := strings.IndexFunc(text, func(r rune) bool { return !inPattern(r) })
	if end < 0 {
		end = len(text)
	}
	pattern = strings.Contains(text[:end], "?")
	if end < len(text) && text[end] == '*' {
		if next, size := utf8.DecodeRuneInString(text[end+1:]); size == 0 || !inPattern(next) {
			return text[:end+1], text[end+1:], true
		}
	}
	return text[:end], text[end:], pattern
}
