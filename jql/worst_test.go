package jql

import (
	"fmt"
	"strings"
	"testing"
)

// largeSite has as many custom fields as large sites do.
var largeSite = func() Env {
	var env Env
	for i := range int64(2000) {
		env.Custom = append(env.Custom, CustomField{ID: 10_000 + i, Name: fmt.Sprint("Field ", i), Kind: KindNumber})
	}
	return env
}()

// chain joins as many items as fit into so many bytes and conditions, and into the tokens there may be.
func chain(room, conditions int, join string, item func(i int) string) string {
	var b strings.Builder
	b.WriteString(item(0))
	conditions -= countConditions(item(0))
	tokens := MaxTokens / 20 * 19 // the rest is for what stands round the chain
	for i := 1; ; i++ {
		next := join + item(i)
		conditions -= countConditions(next)
		if join == "," {
			tokens -= 2 + 2*strings.Count(next, "(")
		}
		if b.Len()+len(next) > room || conditions < 0 || tokens < 0 {
			return b.String()
		}
		b.WriteString(next)
	}
}

// countConditions is what of MaxConditions a part of the queries below takes.
func countConditions(text string) (n int) {
	for _, sign := range []string{" OR ", " AND ", "NOT ", "|", "&", "("} {
		n += strings.Count(text, sign)
	}
	return n
}

// filled is a chain between a head and a tail, as long as a query may be.
func filled(head, join, tail string, item func(i int) string) string {
	room, conditions := MaxLength-len(head)-len(tail), MaxConditions-countConditions(head)
	return head + chain(room, conditions, join, item) + tail
}

// deep is a filled chain inside of two kinds of levels by turns, as deep as a query may be.
func deep(odd, even, core string, item func(i int) string) string {
	head := strings.Repeat(odd+even, MaxDepth/2-1) + core
	return filled(head, " OR ", strings.Repeat(")", MaxDepth-2), item)
}

// worstQueries are as long as queries may be, and each is hard on some part of the way to a filter.
func worstQueries() map[string]string {
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	always := func(text string) func(int) string { return func(int) string { return text } }
	letters := func(i int) string { return string([]rune{rune('a' + i%26), rune(0x4E00 + i/26)}) }
	clauses := numbered("cf[1%d]=1")
	list := "id IN (" + chain(MaxLength/2, 1, ",", numbered("%d")) + ")"
	return map[string]string{
		"equal":             filled("", " OR ", "", numbered("id=%d")),
		"not equal":         filled("", " OR ", "", numbered("id!=%d")),
		"conjunction":       filled("", " AND ", "", numbered("id=%d")),
		"same":              filled("", " OR ", "", always("id=1")),
		"properties":        filled("", "&", "", numbered("issue.property[%d]=1")),
		"property paths":    filled("", "|", "", numbered("issue.property[k].%d=1")),
		"list":              filled("id IN (", ",", ")", numbered("%d")),
		"short list":        filled("id IN (", ",", ")", always("a")),
		"users":             filled("assignee NOT IN (", ",", ")", numbered("%d")),
		"numbers":           filled("cf[10000] IN (", ",", ")", numbered("%d")),
		"dates":             filled("due IN (", ",", ")", always("2026-02-11")),
		"no dates":          filled("due IN (", ",", ")", always("a")),
		"moving dates":      filled("due IN (", ",", ")", numbered("%dd")),
		"functions":         filled("", "|", "", always("due>endOfYear()")),
		"more functions":    filled("due IN (", ",", ")", always("now()")),
		"no functions":      filled("due IN (", ",", ")", always("f()")),
		"no fields":         filled("", "|", "", numbered("x%d=1")),
		"names":             filled("", "|", "", numbered("'field %d'=1")),
		"numbers of fields": filled("", "|", "", numbered("1%d=1")),
		"words":             filled("summary ~ '", " ", "'", letters),
		"no words":          filled("summary !~ '", " ", "'", letters),
		"patterns":          filled("summary ~ '", " ", "'", func(i int) string { return letters(i) + "*" }),
		"phrases":           filled("summary ~ '", " ", "'", func(i int) string { return `"` + letters(i) + ` a"` }),
		"long phrase":       filled(`summary ~ '"`, " ", `"'`, letters),
		"long text":         filled("status = '", "", "'", always("É")),
		"breaks":            filled("status = '", "", "'", always("\n")),
		"changes":           filled("", "|", "", always("status CHANGED FROM (a,b) TO (c,d) BY e")),
		"many changes":      filled("status CHANGED FROM a TO (", ",", ")", letters),
		"wide changes":      filled("", "|", "", always("status CHANGED FROM (a,b,c,d,e,f,g,h,i) TO (a,b,c,d,e,f,g,h,i)")),
		"no changes":        filled("NOT (", " OR ", ")", numbered("status CHANGED FROM %d")),
		"deep chain":        deep("(id=1 OR ", "(id=2 AND ", "", clauses),
		"deep list":         deep("(id=1 OR ", "(id=2 AND ", list+" OR ", clauses),
		"deep disjunctions": deep("(id=1 OR ", "(id=2 OR ", "", clauses),
		"deep constants":    deep("(id=1 OR ", "(NOT status CHANGED BY currentUser() AND ", "", clauses),
		"deep negations":    filled(strings.Repeat("NOT ", MaxDepth-2)+"(", " OR ", ")", clauses),
	}
}

// BenchmarkWorst is what the hardest queries take to be read, checked and compiled.
func BenchmarkWorst(b *testing.B) {
	d := Full(largeSite)
	for name, query := range worstQueries() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q, err := Parse(query)
				if err != nil {
					b.Fatal(err)
				}
				_ = d.Check(q)
				_, _ = Compile(q, d.Env)
			}
		})
	}
}
