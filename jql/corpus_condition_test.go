package jql

import "strings"

// conditionFilters cover AND, OR, NOT, parentheses and what binds tighter.
func conditionFilters() []string {
	connectives := strings.Fields("AND and & && OR or | ||")
	negations := []string{"", "not ", "NOT ", "!", "!!", "not not ", "! not ", "NOT!"}
	all := cross("a=1 $ b=2 $ c=3", connectives, connectives)
	all = append(all, cross("$a=1 $ $b=2", negations, []string{"and", "or"}, negations)...)
	all = append(all, cross("$(a=1 $ b=2)", negations, connectives)...)
	for _, form := range lines(`
(a=1 $ b=2) $ c=3
a=1 $ (b=2 $ c=3)
not (a=1 $ b=2) $ c=3
not a=1 $ not (b=2 $ c=3)
((a=1) $ ((b=2))) $ (((c=3)))
a=1 $ (not (b=2 $ !c=3))`) {
		all = append(all, cross(form, connectives[:1], connectives[:1])...)
		all = append(all, cross(form, connectives[4:5], connectives[:1])...)
		all = append(all, cross(form, connectives[:1], connectives[4:5])...)
		all = append(all, cross(form, connectives[4:5], connectives[4:5])...)
	}
	both := []string{"and", "or"}
	all = append(all, cross("a=1 $ b=2 $ c=3 $ d=4", both, both, both)...)
	all = append(all, cross("(a=1 $ b=2) $ (c=3 $ d=4)", both, both, both)...)
	all = append(all, cross("a=1 $ (b=2 $ (c=3 $ d=4))", both, both, both)...)
	return append(all, cross("$", lines(brokenConditions))...)
}

const brokenConditions = `
and
or
not
!
&
a = 1 and
a = 1 or
a = 1 and not
a = 1 &
a = 1 &&& b = 2
a = 1 & & b = 2
a = 1 ||| b = 2
a = 1 | | b = 2
a = 1 &| b = 2
a = 1 and or b = 2
a = 1 or or b = 2
a = 1 and and b = 2
a = 1 not b = 2
a = 1 ! b = 2
a = 1 b = 2
a = 1, b = 2
and a = 1
or a = 1
& a = 1
a and b = 1
a = and b = 1
a = 1 and b
a = 1 (b = 2)
(a = 1) (b = 2)
(a = 1)b = 2
(a = 1
a = 1)
(a = 1))
((a = 1)
(a = 1 and)
(and a = 1)
(a = 1 or (b = 2)
(a = 1 order by b)
()
(())
not ()
( )
(a)
(a and b = 1)
not (a = 1
not a
not not
!()
a = 1 xor b = 2
a = 1 AND NOT
a = 1 nor b = 2`

// orderFilters cover ORDER BY.
func orderFilters() []string {
	conditions := []string{"", "a = 1 ", "(a=1)", "a is EMPTY ", "a in (b)", "a=f()", "a was b by c ", "not a changed ", `a="b"`}
	return append(cross("$$", conditions, lines(`
order by b
ORDER BY b desc, c ASC
Order By "b c" DESC , 10020 asc, cf[7]
order by b asc,c desc,d
order by b, b
order by issue.property[k].a desc, d
order by
order
order b
by b
order order by b
order by b c
order by b "desc"
order by b,
order by , b
order by b,, c
order by b desc asc
order by b desc c
order by b desc, 
order by (b)
order by b and c = 1
order by b order by c
order by b = 1
order by f()
order by b)
orderby b
order by asc
order by desc desc
order by not b
order by EMPTY
order by ""
order by !`)), "a = 1 and order by b", "order by b a = 1", "(order by b)", "not order by b")
}

// longFilters are deep and wide ones.
func longFilters() []string {
	var all []string
	for _, n := range []int{3, 10, 64, 255, 256, 257, 300} {
		all = append(all,
			repeat("(", n)+"a=1"+repeat(")", n),
			repeat("not ", n)+"a=1",
			repeat("!", n)+"a=1",
			"a in "+repeat("(", n)+"1"+repeat(")", n))
	}
	for _, n := range []int{3, 10, 50} {
		all = append(all,
			repeat("(", n)+"a=1"+repeat(")", n+1),
			repeat("(", n+1)+"a=1"+repeat(")", n),
			"a in "+repeat("(", n)+"1"+repeat(")", n-1),
			repeat("not (", n)+"a=1"+repeat(")", n),
			repeat("(a=1 or ", n)+"b=2"+repeat(")", n),
			repeat("a=1 and (b=2 or (", n)+"c=3"+repeat("))", n),
			"a in "+repeat("(x, ", n)+"y"+repeat(")", n))
	}
	return append(all,
		repeat("a=1 and ", 99)+"a=1", repeat("a=1 or ", 99)+"a=1", repeat("a=1 and b=2 or ", 50)+"c=3",
		repeat("a=1&&!b=2||", 40)+"c=3", repeat("(a=1) and ", 40)+"b=2", repeat("a=1 and ", 40),
		"a in ("+repeat("1, ", 199)+"1)", "a in ("+repeat("(a,b),", 50)+"c)", "a = f("+repeat("x,", 99)+"y)",
		"a changed"+repeat(" by b to c", 20), "order by "+repeat("a, b desc, ", 30)+"c",
		"a = "+repeat("x", 500), `a = "`+repeat("x ", 250)+`"`, repeat("x", 300)+" = 1", "a[k]"+repeat(".x", 100)+" = 1",
		"a[k]"+repeat(" .x", 50)+" = 1", "a"+repeat("[k].x", 30)+" = 1")
}
