package jql

import "strings"

// The functions below write down the filters of the corpus that stand for the grammar: every production
// with every kind of thing in each of its places, the wrong ones too.

// grammarFilters cover the productions.
func grammarFilters() []string {
	var all []string
	for _, part := range [][]string{
		operatorFilters(), predicateFilters(), functionFilters(), fieldFilters(), propertyFilters(),
		conditionFilters(), orderFilters(), longFilters(), lines(writtenFilters),
	} {
		all = append(all, part...)
	}
	return all
}

// lines are the lines of text that are not empty.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// cross fills the places of form, each marked with a $, with every combination of the words in lists.
func cross(form string, lists ...[]string) []string {
	parts := strings.Split(form, "$")
	if len(parts) != len(lists)+1 {
		panic(form + " has another number of places")
	}
	texts := parts[:1]
	for i, list := range lists {
		var longer []string
		for _, text := range texts {
			for _, word := range list {
				longer = append(longer, text+word+parts[i+1])
			}
		}
		texts = longer
	}
	return texts
}

func repeat(text string, n int) string { return strings.Repeat(text, n) }

func operatorFilters() []string {
	good := strings.Split("= != ~ !~ < > <= >= in IN NOT·IN is IS·NOT was WAS·NOT was·in WAS·NOT·IN", " ")
	bad := strings.Split("== <> => =< ! not in·not is·in is·! not·is not·was was·is was·! not·= !·in not·changed changed·in !< like eq", " ")
	operands := lines(`
EMPTY
null
x
"x y"
'x'
""
5
-5
(a)
(a, b)
(EMPTY)
(1, "2", '3')
((a), b)
(((a)))
(f(), b)
f()
f(a, 1)
"f g"('x')
10(x)
-5 ()
(a, (f(), (NULL)))
()
(a,)
(,a)
(a,,b)
(a b)
(a
a)
a, b
()()
f(
EMPTY()
in
!
not x
cf
cf[1]
[a]
=`)
	all := cross("x $ $", words(good), append(operands, ""))
	return append(all, cross("x $ $", words(bad), []string{"", "x", "(x)", "EMPTY", "1"})...)
}

// words are the same words with blanks for the dots in them.
func words(dotted []string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(dotted, "\n"), "·", " "), "\n")
}

func predicateFilters() []string {
	heads := lines(`
x was a
x was not in (a, b)
x was not EMPTY
x changed
x = a
x in f()
x is EMPTY`)
	predicates := strings.Fields("before AFTER on DURING by FROM to")
	all := cross("$ $ $", heads[:4], predicates, []string{"a", "-5", "EMPTY", "now()", `("b c", d)`, "((a))", "", "by"})
	all = append(all, cross("$ $ a", heads[4:], predicates)...)
	all = append(all, cross("x changed $ a $ (b)", predicates, predicates)...)
	all = append(all, cross("x was in (a)$ b $ c", []string{" by", " during", " to"}, predicates)...)
	return append(all, lines(`
x changed from a to b by c before d after e on f during (g, h)
x CHANGED FROM a FROM b TO c TO d
x changed and y changed by z or not w was v on u
x changed by a order by b
x changed order by b desc
x changed to order by b
x was a by b by
x was a changed by b
x changed changed
x changed a
x changed (a)
x changed, y changed
x changed from a, b
x changed to in
x changed by !a
x was not not a
x was not in in (a)
x was by
x was was
was changed
changed was a
not x changed`)...)
}

func functionFilters() []string {
	arguments := lines(`
a
"b c"
'd'
''
5
-5
2024-01-01
EMPTY
in
f()
(b)
!
=
,
a b
a,
order by
"x`)
	var all []string
	for _, form := range []string{"x = f($)", "x = f(a, $)", "x in (f($), y)", "x was f($) by y"} {
		all = append(all, cross(form, arguments)...)
	}
	names := lines(`
f
"f g"
'f'
f.g:h
10
-5
10.5
""
''
" "
order
EMPTY
all
and
fünf
名`)
	return append(all, cross("x in $(a)", names)...)
}

func fieldFilters() []string {
	fields := lines(`
a
status
"Epic Link"
'Epic Link'
10020
-5
0
007
1a
a.b
a:b
a-b
_a
-
é
名前
😀
cf[1]
CF[10001]
cf [ 10001 ]
Cf[01]
cf[9223372036854775807]
cf[0]
cf[00]
cf[-1]
cf[-0]
cf[]
cf["1"]
cf["a"]
cf[a]
cf[1a]
cf[1 2]
cf[1,2]
cf[1
cf[
cf 1]
cf
cf(1)
cf[1].a
cf[1]a
cf[1]"a"
cf[1] 5
cf[1][a]
cf[1][2].b
"cf[1]"
"cf"[1]
cfx[1]
customfield_10014
""
''
" "
a b
10020[a]
-5[a]
[a]
(a)
(a
a)
a()
EMPTY
order
by
"order"
!
,
=`)
	var all []string
	for _, form := range []string{"$ = 1", "not $ in (x)", "$ changed", "order by $", "a = 1 order by b desc, $ asc"} {
		all = append(all, cross(form, fields)...)
	}
	return all
}

func propertyFilters() []string {
	keys := lines(`
k
my-key
a.b
10
-5
"my key"
'k'
"a]b"
""
k l
k, l
[k]
(k)
f()
order
EMPTY
all
k = 1`)
	paths := lines(`
.a
.a.b
."c d"
."c d" b.c
.b . c
 .b
.1
1
-1
."a"."b"
.'x'
"a"
a
..a
.
..
.b[0]
[x]
[x].y
[x].y[z].w.v
[x]y[z]
.a(b)
.order
.a order
.a in
.a .b in
."" a
."a" 5 b
[`)
	all := cross("issue.property[$]$ = 1", append(keys, ""), []string{"", ".a"})
	all = append(all, cross("issue.property[k]$ = 1", paths)...)
	all = append(all, cross("order by issue.property[k]$ desc", paths)...)
	entities := lines(`
comment.property
project.property
"issue.property"
'issue property'
issue . property
ISSUE.PROPERTY
status
x`)
	return append(all, cross("$$ in (a, EMPTY)", entities, []string{"[k]", " [ k ] .a", `["k"].b.c`, "[k"})...)
}
