package matcher

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hookline/jql"
)

// Random conditions, over terms that the generators of terms make as well or that are known to no symbol.

var (
	wordsField   = jql.Field{Name: "summary", Aspect: jql.Words}
	phrasesField = jql.Field{Name: "summary", Aspect: jql.Phrases}
)

var firstDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func genTime() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.IntRange(0, 20), func(days int) time.Time { return firstDay.AddDate(0, 0, days) })
}

func dateTerm(at time.Time) string { return string(jql.AppendDateTerm(nil, at)) }

func genCondition() *rapid.Generator[jql.Condition] {
	return rapid.Custom(func(t *rapid.T) jql.Condition {
		negate := rapid.Bool().Draw(t, "negate")
		switch rapid.IntRange(0, 3).Draw(t, "condition") {
		case 0:
			text := rapid.SampledFrom([]string{"t?", "t*", "?1", "t2*", "t3?", "none*"}).Draw(t, "text")
			return &jql.Search{Field: wordsField, Negate: negate, Text: text}
		case 1:
			return &jql.Search{Field: phrasesField, Negate: negate, Text: genPhrase(1, 2).Draw(t, "text")}
		}
		r := genBound().Draw(t, "bound")
		r.Field, r.Negate = genField().Draw(t, "field"), negate
		r.Op = rapid.SampledFrom([]jql.Op{jql.Eq, jql.Less, jql.LessEq, jql.Greater, jql.GreaterEq}).Draw(t, "op")
		return r
	})
}

// genBound draws the bound of a range: among the terms of genTerms, among long ones, or a date.
func genBound() *rapid.Generator[*jql.Range] {
	return rapid.Custom(func(t *rapid.T) *jql.Range {
		n := rapid.IntRange(0, testTerms).Draw(t, "n")
		switch rapid.IntRange(0, 3).Draw(t, "bound") {
		case 0:
			return &jql.Range{Prefix: "t", Bound: fmt.Sprint(n)}
		case 1:
			return &jql.Range{Prefix: longPrefix, Bound: fmt.Sprint(n)}
		case 2:
			return &jql.Range{Prefix: "t", Moment: genMoment().Draw(t, "moment")}
		}
		return &jql.Range{Prefix: "t", Bound: dateTerm(genTime().Draw(t, "date"))[1:]}
	})
}

func genMoment() *rapid.Generator[*jql.Moment] {
	return rapid.Custom(func(t *rapid.T) *jql.Moment {
		m := &jql.Moment{Zone: rapid.SampledFrom([]*time.Location{nil, time.FixedZone("east", 3600)}).Draw(t, "zone")}
		if m.Start = rapid.Bool().Draw(t, "start"); m.Start {
			m.Period = rapid.SampledFrom([]jql.Period{jql.Day, jql.Week}).Draw(t, "period")
		}
		if days := rapid.IntRange(-5, 5).Draw(t, "shift"); days != 0 {
			m.Shift = []jql.Shift{{Count: days, Unit: jql.Day}}
		}
		return m
	})
}

// longPrefix is longer than what the runtime converts on the stack.
var longPrefix = strings.Repeat("long-", 20)

// genConditionTerm draws a term that conditions tell apart.
func genConditionTerm(f jql.Field) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		switch {
		case f == phrasesField:
			return genPhrase(0, 5).Draw(t, "phrase")
		case rapid.Bool().Draw(t, "dated"):
			return dateTerm(genTime().Draw(t, "date"))
		}
		return longPrefix + fmt.Sprint(rapid.IntRange(0, testTerms).Draw(t, "n"))
	})
}

func genPhrase(atLeast, atMost int) *rapid.Generator[string] {
	return rapid.Map(genTerms(atLeast, atMost), func(words []string) string {
		return " " + strings.Join(words, " ") + " "
	})
}
