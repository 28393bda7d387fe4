package jql

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// reading is what an event has for one field, in such an order that a clause costs what its operand does and not
// that times the number of values.
type reading struct {
	kind   Kind
	values []fieldValue
	size   int // how many pieces the values have, where one without counts as one
	// pieces has, for everything that a value is, the first piece that is it.
	pieces map[comparand]*piece
	// extremes are the least and the greatest of those that have an order.
	extremes map[string]*extremes
	searched *searchable // nil until asked for
}

type extremes struct{ least, greatest located }

type located struct {
	comparand
	piece *piece
}

func readField(values []fieldValue, kind Kind, zone *time.Location) *reading {
	r := &reading{kind: kind, values: values, pieces: map[comparand]*piece{}, extremes: map[string]*extremes{}}
	for i := range values {
		r.size += max(1, len(values[i].pieces))
		for j := range values[i].pieces {
			p := &values[i].pieces[j]
			for _, c := range p.comparands(kind, zone) {
				r.take(located{c, p})
			}
		}
	}
	return r
}

func (r *reading) take(l located) {
	if r.pieces[l.comparand] == nil {
		r.pieces[l.comparand] = l.piece
	}
	x := r.extremes[l.among]
	switch {
	case x == nil:
		r.extremes[l.among] = &extremes{l, l}
	case l.compare(x.least.comparand) < 0:
		x.least = l
	case l.compare(x.greatest.comparand) > 0:
		x.greatest = l
	}
}

// equal is the first piece that one of the comparands is.
func (r *reading) equal(any []comparand) *piece {
	for _, c := range any {
		if p := r.pieces[c]; p != nil {
			return p
		}
	}
	return nil
}

// ordered is a piece that stands to the bound as op says: if any does, the least or the greatest does.
func (r *reading) ordered(op Op, bound comparand) *piece {
	x := r.extremes[bound.among]
	if x == nil {
		return nil
	}
	least, greatest := x.least.compare(bound), x.greatest.compare(bound)
	switch {
	case op == Less && least < 0, op == LessEq && least <= 0:
		return x.least.piece
	case op == Greater && greatest > 0, op == GreaterEq && greatest >= 0:
		return x.greatest.piece
	}
	return nil
}

// searchable is the text of a field as ~ looks at it.
type searchable struct {
	words   map[string]*piece // folded, each with the first piece that has it
	sorted  []string          // the words, once a pattern asks for them
	phrases []phrase
}

// phrase is the words of one piece, folded, with a blank before and after each.
type phrase struct {
	words string
	piece *piece
}

func (r *reading) text() *searchable {
	if r.searched != nil {
		return r.searched
	}
	r.searched = &searchable{words: map[string]*piece{}}
	for i := range r.values {
		for j := range r.values[i].pieces {
			if p := &r.values[i].pieces[j]; p.isSearched(r.kind) {
				r.searched.take(p)
			}
		}
	}
	return r.searched
}

func (p *piece) isSearched(k Kind) bool {
	_, isString := p.json.(string)
	if p.member == "" {
		return isString && (k == KindText || k == KindProperty || k == KindAny)
	}
	return k == KindAny && !p.legacy && (p.member == "value" || p.member == "name")
}

func (s *searchable) take(p *piece) {
	text, _ := p.text()
	words := wordsOf(text)
	for _, word := range words {
		if s.words[word] == nil {
			s.words[word] = p
		}
	}
	if len(words) > 0 {
		s.phrases = append(s.phrases, phrase{" " + strings.Join(words, " ") + " ", p})
	}
}

// wordsOf are the runs of letters, digits and combining marks in a text, folded.
func wordsOf(text string) []string {
	return strings.FieldsFunc(foldText(text), func(r rune) bool { return !isWordRune(r) })
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// find is the first piece that has what is sought.
func (s *searchable) find(w sought) *piece {
	if w.phrase {
		for _, p := range s.phrases {
			if strings.Contains(p.words, w.text) {
				return p.piece
			}
		}
		return nil
	}
	if !w.pattern {
		return s.words[w.text]
	}
	if s.sorted == nil {
		s.sorted = slices.Sorted(maps.Keys(s.words))
	}
	pattern, open := strings.CutSuffix(w.text, "*")
	return s.words[matching(s.sorted, []rune(pattern), open, 0)]
}

// matching is the first of sorted words, which agree in so many bytes, whose rest the pattern matches: character by
// character, with "?" for any; open tells that the word may go on. It is "" where there is none. Words that agree
// in what comes next are taken together, so that most patterns cost few steps among many words.
func matching(words []string, pattern []rune, open bool, agree int) string {
	if len(words) == 0 {
		return ""
	}
	if len(pattern) == 0 {
		if open || len(words[0]) == agree {
			return words[0]
		}
		return ""
	}
	if len(words[0]) == agree {
		words = words[1:]
	}
	for len(words) > 0 {
		next := pattern[0]
		if next == '?' {
			next, _ = utf8.DecodeRuneInString(words[0][agree:])
		}
		prefix := string(next)
		start := sort.Search(len(words), func(i int) bool { return words[i][agree:] >= prefix })
		words = words[start:]
		end := sort.Search(len(words), func(i int) bool { return !strings.HasPrefix(words[i][agree:], prefix) })
		if found := matching(words[:end], pattern[1:], open, agree+len(prefix)); found != "" || pattern[0] != '?' {
			return found
		}
		words = words[end:]
	}
	return ""
}

// sought is one thing that the operand of ~ asks for.
type sought struct {
	text            string // folded; a phrase has a blank before and after each word
	pattern, phrase bool
}

// soughtIn splits the operand of ~: words and patterns, and between quotes phrases.
func soughtIn(text string) []sought {
	var all []sought
	parts := strings.Split(text, `"`)
	for i, part := range parts {
		if i%2 == 0 || i == len(parts)-1 { // the last quote may have no partner
			all = append(all, wordsSought(part)...)
			continue
		}
		switch words := wordsOf(part); len(words) {
		case 0:
		case 1:
			all = append(all, sought{text: words[0]})
		default:
			all = append(all, sought{text: " " + strings.Join(words, " ") + " ", phrase: true})
		}
	}
	return all
}

// wordsSought are the words of a text and its patterns. A "*" counts at the end of a word only.
func wordsSought(text string) []sought {
	var all []sought
	inside := func(r rune) bool { return r == '?' || isWordRune(r) }
	runes := []rune(foldText(text))
	for i := 0; i < len(runes); {
		start := i
		for i < len(runes) && inside(runes[i]) {
			i++
		}
		if i == start {
			i++
			continue
		}
		if i < len(runes) && runes[i] == '*' && (i+1 == len(runes) || !inside(runes[i+1])) {
			i++
		}
		word := string(runes[start:i])
		all = append(all, sought{text: word, pattern: strings.ContainsAny(word, "?*")})
	}
	return all
}
