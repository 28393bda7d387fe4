package jql

import (
	"math/rand/v2"
	"strings"
)

// randomFilters are n sentences of the grammar, each followed by the same with one character changed.
// They are the same at every call.
func randomFilters(n int) []string {
	s := speaker{rand.New(rand.NewPCG(1, 2))}
	var all []string
	for range n {
		filter := s.query()
		all = append(all, filter, s.mutate(filter))
	}
	return all
}

// speaker makes up sentences. Its methods are productions of the grammar.
type speaker struct{ *rand.Rand }

func (s speaker) pick(words ...string) string { return words[s.IntN(len(words))] }

// chance is true once in n times.
func (s speaker) chance(n int) bool { return s.IntN(n) == 0 }

// many joins up to most of what one makes.
func (s speaker) many(most int, separator string, one func() string) string {
	parts := []string{one()}
	for len(parts) < most && s.chance(2) {
		parts = append(parts, one())
	}
	return strings.Join(parts, separator)
}

func (s speaker) query() string {
	q := ""
	if !s.chance(20) {
		q = s.or(3)
	}
	if s.chance(6) {
		q += " ORDER BY " + s.many(3, ", ", func() string { return s.field() + s.pick("", " asc", " DESC") })
	}
	return q
}

func (s speaker) or(depth int) string {
	return s.many(3, s.pick(" or ", " OR ", "||", " | "), func() string {
		return s.many(3, s.pick(" and ", " AND ", "&&", " & "), func() string { return s.not(depth) })
	})
}

func (s speaker) not(depth int) string {
	switch {
	case depth > 0 && s.chance(5):
		return "(" + s.or(depth-1) + ")"
	case s.chance(6):
		return s.pick("not ", "NOT ", "!") + s.not(depth)
	}
	return s.clause()
}

func (s speaker) clause() string {
	field := s.field()
	switch s.IntN(8) {
	case 0, 1, 2:
		return field + s.pick("=", " = ", "!=", " != ") + s.pick(s.single(), s.single(), "EMPTY")
	case 3:
		return field + s.pick("~", " !~ ", " < ", ">", " <= ", ">=") + s.single()
	case 4:
		return field + s.pick(" in ", " NOT IN ", " not in") + s.pick(s.list(2), s.list(0), s.function())
	case 5:
		return field + s.pick(" is ", " IS NOT ") + s.pick("EMPTY", "null")
	case 6:
		return field + s.pick(" was ", " was not ") + s.pick(s.single(), "in "+s.list(1)) + s.predicates("before", "AFTER", "on", "during", "by")
	}
	return field + " changed" + s.predicates("before", "AFTER", "on", "DURING", "by", "from", "TO")
}

func (s speaker) predicates(words ...string) string {
	text := ""
	for s.chance(2) {
		text += " " + s.pick(words...) + " " + s.pick(s.single(), s.list(1), "EMPTY")
	}
	return text
}

func (s speaker) single() string { return s.pick(s.text(), s.text(), s.function()) }

func (s speaker) list(depth int) string {
	return "(" + s.many(4, s.pick(",", ", "), func() string {
		if depth > 0 && s.chance(5) {
			return s.list(depth - 1)
		}
		return s.pick(s.single(), s.single(), "EMPTY")
	}) + ")"
}

func (s speaker) function() string {
	if s.chance(2) {
		return s.text() + "()"
	}
	return s.text() + s.pick("(", " ( ") + s.many(3, ", ", s.text) + ")"
}

func (s speaker) field() string {
	switch s.IntN(6) {
	case 0:
		return s.pick("cf[1]", "CF [ 10014 ]", "10020")
	case 1:
		return "issue.property[" + s.text() + "]" + s.pick("", ".a", ".a.b", `."c d"`, " .b . c")
	}
	return s.pick("a", "status", `"Epic Link"`, "'x y'", "é.ü", "summary", s.text())
}

func (s speaker) text() string {
	return s.pick("a", "b-c", "1", "-5", "10.5", "2024-01-01", `"x y"`, "'it''s'", `"it's"`, `'a "b"'`, "Done", "名前", "😀",
		`"and"`, "'order by'", `"("`, "this", "x:y", "_", `a\ b`, `"\u0041"`, `"\n"`)
}

// mutate changes one character: it goes, is doubled, changes place, or another one comes.
func (s speaker) mutate(filter string) string {
	text := []rune(filter)
	if len(text) < 2 {
		return filter + s.other()
	}
	i := s.IntN(len(text) - 1)
	before, here, after := string(text[:i]), string(text[i]), string(text[i+1:])
	switch s.IntN(5) {
	case 0:
		return before + after
	case 1:
		return before + here + here + after
	case 2:
		return before + string(text[i+1]) + here + string(text[i+2:])
	case 3:
		return before + s.other() + after
	}
	return before + s.other() + here + after
}

func (s speaker) other() string {
	return s.pick("(", ")", ",", "[", "]", "=", "!", "~", "<", ">", "&", "|", `"`, "'", `\`, " ", "\n", "\t", "-", ".", "1", "x", "/", "#", "é")
}
