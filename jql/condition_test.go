package jql

import (
	"strings"
	"testing"
	"time"
)

func termsAs(texts ...string) [][]byte {
	terms := [][]byte{}
	for _, text := range texts {
		terms = append(terms, []byte(text))
	}
	return terms
}

func TestRangeHolds(t *testing.T) {
	yesterday := &Moment{Shift: []Shift{{-1, Day}}}
	for _, test := range []struct {
		r     Range
		terms []string
		want  bool
	}{
		{Range{Op: Less, Prefix: "n", Bound: "b"}, []string{"na"}, true},
		{Range{Op: Less, Prefix: "n", Bound: "b"}, []string{"nb", "nc"}, false},
		{Range{Op: Less, Prefix: "n", Bound: "b"}, []string{"nc", "nab"}, true},
		{Range{Op: Less, Prefix: "n", Bound: "b"}, []string{"a", "", "ma"}, false},
		{Range{Op: LessEq, Prefix: "n", Bound: "b"}, []string{"nb"}, true},
		{Range{Op: LessEq, Prefix: "n", Bound: "b"}, []string{"nba"}, false},
		{Range{Op: Greater, Prefix: "n", Bound: "b"}, []string{"nb"}, false},
		{Range{Op: Greater, Prefix: "n", Bound: "b"}, []string{"nba"}, true},
		{Range{Op: GreaterEq, Prefix: "n", Bound: "b"}, []string{"nb"}, true},
		{Range{Op: GreaterEq, Prefix: "n", Bound: ""}, []string{"n"}, true},
		{Range{Op: Eq, Prefix: "t", Bound: "b"}, []string{"tb"}, true},
		{Range{Op: Eq, Prefix: "t", Bound: "b", Negate: true}, []string{"tb", "tc"}, false},
		{Range{Op: Eq, Prefix: "t", Bound: "b", Negate: true}, []string{"tc"}, true},
		{Range{Op: Eq, Prefix: "t", Bound: "b", Negate: true}, []string{}, true},
		{Range{Op: Greater, Prefix: "t", Moment: yesterday}, []string{"t2026-02-10T10:20:30.401"}, true},
		{Range{Op: Greater, Prefix: "t", Moment: yesterday}, []string{"t2026-02-10T10:20:30.400"}, false},
		{Range{Op: Eq, Prefix: "t", Moment: yesterday}, []string{"t2026-02-10T10:20:30.400"}, true},
		{Range{Op: Eq, Prefix: "t", Moment: &Moment{}, Negate: true}, []string{"t2026-02-11T10:20:30.400"}, false},
	} {
		if got := test.r.Holds(termsAs(test.terms...), true, someDay); got != test.want {
			t.Errorf("%s over %q: %v", &test.r, test.terms, got)
		}
		if test.r.Holds(nil, false, someDay) {
			t.Errorf("%s holds of a field that is empty", &test.r)
		}
		if len(test.terms) > 0 && test.r.Holds(termsAs(test.terms...), false, someDay) != test.want {
			t.Errorf("%s: a field with terms is not taken for present", &test.r)
		}
	}
}

func TestSearchHolds(t *testing.T) {
	words, phrases := Field{Name: "x", Aspect: Words}, Field{Name: "x", Aspect: Phrases}
	for _, test := range []struct {
		field Field
		text  string
		terms []string
		want  bool
	}{
		{words, "f*", []string{"a", "fire"}, true},
		{words, "f*", []string{"f"}, true},
		{words, "f*", []string{"af"}, false},
		{words, "f?re", []string{"fire"}, true},
		{words, "f?re", []string{"fiire", "fre"}, false},
		{words, "?", []string{"é"}, true},
		{words, "?*", []string{"é", ""}, true},
		{words, "?*", []string{""}, false},
		{words, "e?*", []string{"e"}, false},
		{phrases, " a b ", []string{" x a b y "}, true},
		{phrases, " a b ", []string{" a ", " b "}, false},
		{phrases, " a b ", []string{" aa b "}, false},
	} {
		s := Search{Field: test.field, Text: test.text}
		opposite := Search{Field: test.field, Text: test.text, Negate: true}
		terms := termsAs(test.terms...)
		if s.Holds(terms, true, someDay) != test.want || opposite.Holds(terms, true, someDay) == test.want {
			t.Errorf("%s over %q: %v", &s, test.terms, !test.want)
		}
		if s.Holds(nil, false, someDay) || opposite.Holds(nil, false, someDay) {
			t.Errorf("%s or its opposite holds of a field that is empty", &s)
		}
		if s.Holds(nil, true, someDay) || !opposite.Holds(nil, true, someDay) {
			t.Errorf("%s holds of a field without terms, or its opposite does not", &s)
		}
	}
}

// TestConditionText: equal texts are equal conditions.
func TestConditionText(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []Condition{
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Bound: "1"},
		&Range{Field: Field{Name: "x"}, Op: LessEq, Prefix: "n", Bound: "1"},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n1", Bound: ""},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "", Bound: "n1"},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Bound: "1", Negate: true},
		&Range{Field: Field{Name: "x", Aspect: Dates}, Op: Less, Prefix: "n", Bound: "1"},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Moment: &Moment{}},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Bound: "now()"},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Moment: &Moment{Start: true, Period: Day}},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Moment: &Moment{End: true, Period: Day}},
		&Range{Field: Field{Name: "x"}, Op: Less, Prefix: "n", Moment: &Moment{Shift: []Shift{{1, Day}}}},
		&Search{Field: Field{Name: "x", Aspect: Words}, Text: "a"},
		&Search{Field: Field{Name: "x", Aspect: Words}, Text: "a", Negate: true},
		&Search{Field: Field{Name: "x", Aspect: Phrases}, Text: "a"},
		&Search{Field: Field{Name: "x", Key: "a", Aspect: Words}, Text: "a"},
		&Search{Field: Field{Name: "x/words"}, Text: "a"},
		&Search{Field: Field{Name: "x", Aspect: Words}, Text: "\x00\"\\\x1f"},
	} {
		if seen[c.String()] {
			t.Errorf("two conditions are written as %s", c)
		}
		seen[c.String()] = true
		if again := NewFilter(c); again.Root() != Node(c) || again.String() != c.String() {
			t.Errorf("the filter of %s is %s", c, again)
		}
	}
}

func TestConditionsDoNotAllocate(t *testing.T) {
	long := strings.Repeat("long ", 100)
	all := []struct {
		Condition
		terms [][]byte
	}{
		{&Range{Op: Less, Prefix: long, Bound: long}, termsAs(long+long, long+"x")},
		{&Range{Op: Less, Prefix: "t", Moment: &Moment{}}, termsAs("t2026-02-10T10:20:30.400")},
		{&Range{Op: Greater, Prefix: "t", Moment: &Moment{Start: true, Period: Week}}, termsAs("t2026-02-10T10:20:30.400")},
		{&Range{Op: Greater, Prefix: "t", Moment: &Moment{Shift: []Shift{{-1, Week}, {2, Day}}}}, termsAs("t2026-02-10T10:20:30.400")},
		{&Search{Field: Field{Aspect: Phrases}, Text: " " + long}, termsAs("x "+long, long)},
		{&Search{Field: Field{Aspect: Words}, Text: long + "?*"}, termsAs(long, long+long)},
	}
	allocs := testing.AllocsPerRun(100, func() {
		for _, c := range all {
			c.Holds(c.terms, true, someDay)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestSearchIsLinear would take minutes if a phrase that almost occurs everywhere were compared everywhere.
func TestSearchIsLinear(t *testing.T) {
	s := Search{Field: Field{Aspect: Phrases}, Text: strings.Repeat(" a", MaxLength/2) + " b "}
	terms := termsAs(strings.Repeat(" a", 1<<22) + " ")
	if s.Holds(terms, true, time.Time{}) {
		t.Error("found what is not there")
	}
}
