package jql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The functions below write down the filters of the corpus that stand for the lexical rules: characters,
// escapes, words, numbers and whitespace.

// lexicalFilters cover the lexical rules.
func lexicalFilters() []string {
	var all []string
	for _, part := range [][]string{characterFilters(), escapeFilters(), wordFilters(), numberFilters(), spaceFilters()} {
		all = append(all, part...)
	}
	return all
}

// characterFilters have every character up to the first that is plain for good, and beyond it those on
// both sides of every edge, in a text without quotes and in both kinds of quotes.
func characterFilters() []string {
	chars := []rune{
		0x130, 0x131, 0x17F, 0x212A, // letters whose other case is ASCII
		0x200B, 0x2028, 0x3000, 0xD7FF, 0xE000, 0xFEFF,
		0xFDCF, 0xFDD0, 0xFDD1, 0xFDEE, 0xFDEF, 0xFDF0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF, 0x10FFFF,
	}
	for r := range rune(0xA2) {
		chars = append(chars, r)
	}
	var all []string
	for _, r := range chars {
		all = append(all, fmt.Sprintf("a = x%cx", r), fmt.Sprintf(`a = "x%cx"`, r), fmt.Sprintf("a = 'x%cx'", r))
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", r) {
			all = append(all, string(r)+" = 1")
		}
	}
	return all
}

func escapeFilters() []string {
	var all []string
	for r := ' '; r < 0x7F; r++ {
		all = append(all, fmt.Sprintf(`a = x\%cx`, r), fmt.Sprintf(`a = "x\%cx"`, r))
	}
	escapes := strings.Split(`\'•\"•\\•\n•\r•\t•\ •\q•\N•\•\\\•\\'•\\"•\`+"\t"+`•\é•\`+"\n"+
		`•\u0041•\u00e9•\u00E9•\uABCD•\u0FfF•\u0000•\u000a•\u0022•\u0027•\u005c•\ud83d\ude00•\ud83d•\ude00•\ufdd0•\uffff`+
		`•\u•\u1•\u12•\u123•\u12345•\u12g4•\u 041•\U0041•\u{41}•\x41•\041`, "•")
	for _, form := range []string{"a = $", "a = x$y", `a = "$"`, "a = 'x$'", "$x = 1", `a in (f("$"), b)`, `issue.property["$k"].x$ = 1`} {
		for _, escape := range escapes {
			all = append(all, strings.ReplaceAll(form, "$", escape))
		}
	}
	return append(all, lines(`
a = \and
\and = 1
a = an\u0064
a = \u0031
a = 1\ 2
a = \ 
a\ b = c\ d
a = \"b\"
a = \"b c\"
a = "\"b\""
a = '\'b\''
a = "'" and b = '"'
a = "\\" and b = "c"
a = "\\\" and b = "c"
a = '\\' or b = '\''
\order by b
a = 1 order\ by b
a = f\(\)
a \= b
a =\ b
\ = 1
"\ " = 1
"\u0020" = 1
a = "\""()`)...)
}

func wordFilters() []string {
	var all []string
	for _, word := range slices.Sorted(maps.Keys(reserved)) {
		all = append(all, word+" = 1", "a = "+strings.ToUpper(word), fmt.Sprintf(`"%s" = '%s'`, word, word))
	}
	for i, word := range slices.Sorted(maps.Keys(reserved)) {
		form := []string{"a = %sx", "a = x%s", "%s.a = 1", "a = -%s", "a in (%s)", "a = %s()", "a = f(%s)", "a[%s] = 1", "order by %s"}[i%9]
		all = append(all, fmt.Sprintf(form, word))
	}
	places := []string{
		"$ = 1", "a = $", "a in ($)", "a = f($)", "a = $()", "a[$] = 1", "a[k]$ = 1", "order by $", "a = 1 $ b = 2", "a $ b",
		`"$" = 1`, "a = '$'", "$x = 1", "a = .$", "a was $",
	}
	for _, word := range slices.Sorted(maps.Keys(keywords)) {
		mixed := strings.ToUpper(word[:1]) + word[1:]
		for _, place := range places {
			all = append(all, strings.ReplaceAll(place, "$", word), strings.ReplaceAll(place, "$", mixed))
		}
	}
	plain := strings.Fields("a an are at be but it no such that the their there these they this will asap orderby isnot notinn cf1 nulls")
	for _, word := range plain {
		all = append(all, fmt.Sprintf("%s = %s", word, word), fmt.Sprintf("%s in (%s(%s))", strings.ToUpper(word), word, word))
	}
	return all
}

func numberFilters() []string {
	numbers := strings.Fields(`0 00 1 -1 -0 007 -007 5 --5 -5- 5- - -- -a 5a a5 5b10ac 10.5 -10.5 .5 5. 1e5 -7d 7d 1,5 1_000 1:30
		2024-01-01 2024-01 12:30 0x1F +5 ٣ ５ 9223372036854775806 9223372036854775807 9223372036854775808 -9223372036854775807
		-9223372036854775808 -9223372036854775809 09223372036854775807 00000000000000000000000000000005
		99999999999999999999999999999999 -99999999999999999999999999999999 9223372036854775808a "9223372036854775808"`)
	var all []string
	for _, form := range []string{"a = $", "$ = 1", "a in (f($), $)", "cf[$] = 1", "issue.property[$]$ = 1", "order by $", "a = $()"} {
		for _, number := range numbers {
			all = append(all, strings.ReplaceAll(form, "$", number))
		}
	}
	return all
}

func spaceFilters() []string {
	spaces := []string{
		" ", "  ", "\t", "\r", "\n", "\r\n", " \n\t \r ", "\n\n", "\v", "\f", "\u0085", "\u00A0", "\u2003", "\u2028", "\u3000", "\uFEFF", "\\ ",
	}
	forms := []string{
		"$", "$a = 1$", "a$=$1", "a not$in$(b$,$c)", "a is$not$EMPTY", "a = 1$and$not$b = 2", "(a = 1$)$or b = 2", "a = 1$order$by$b$desc$,$c",
		"cf$[$1$]$= 1", "issue.property$[$k$]$.a = 1", "a = f$($b$,$c$)", "a >$= 1", "a !$= 1", "a = 1$&$& b = 2", "a = - 5$and b = 2", "a = \"b$c\"",
		"a = 'b$'", "a was$not$in$(b)$by$c",
	}
	var all []string
	for _, form := range forms {
		for _, space := range spaces {
			all = append(all, strings.ReplaceAll(form, "$", space))
		}
	}
	return append(all, "a = 1\nAND\n\tb = 2\r\nORDER BY\n\tc", "a = 1\n\n\nb", "\n\n  a = \"x\ny\" z", "a=1and b=2", "a=1 andb=2",
		"a=xand b=2", "a in(b)and(c=1)or(d=2)", "nota = 1", "not(a = 1)", "a=(", "ain(b)", "a in(b)order by c", "a is emptyand b=1", "a notin(b)")
}
