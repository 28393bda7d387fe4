package jql

// writtenFilters are filters as people and programs write them, and the mistakes they make.
const writtenFilters = `
project = EX
PROJECT = ex
project = EX AND status IN ("In Progress", Done)
project in (EX, "My Project", 10000) and issuetype not in (Bug, 'Sub-task')
assignee = 5b10ac8d82e05b22cc7d4ef5
assignee = 557058:f58131cb-b67d-43c7-b30d-6b58d40bd077
assignee is EMPTY or assignee = currentUser()
assignee in (currentUser(), EMPTY)
reporter != null
created >= -7d
created > startOfDay(-1w) and updated <= endOfMonth("+2d")
created >= "2024/01/01 12:30" and created < 2024-02-01
due < now()
summary ~ "\"exact phrase\" word*"
summary ~ 'it''s'
summary ~ "it's"
summary ~ 'say "hi"'
text ~ jira AND text !~ "service desk"
labels = a and labels not in (b, c)
labels = back-end
fixVersion in releasedVersions(EX)
fixVersion = 1.0
fixVersion = 1.0.1-beta_2
fixVersion = "1.0 (beta)"
component is not EMPTY and priority >= High
"Epic Link" = EX-1
"Story Points[Number]" > 3
"Story Points" = 3.5
cf[10014] = EX-1
customfield_10014 = EX-1
key in (EX-1, EX-2, ex-3)
issueKey = EX-1 OR parent = EX-1
sprint in openSprints()
status was "In Progress" during ("2024-01-01", "2024-02-01") by admin
status changed from "To Do" to Done after startOfWeek()
status was not in (Done, Closed) before -2w
issue.property[my.app.key].settings.level = 5
issue.property["my app"].user."first name" ~ joe
issue.property[k].flag = "true"
issue.property[k].list[0] = 1
project = EX ORDER BY Rank ASC
project = EX ORDER BY created DESC, key
ORDER BY updated
project=EX&&status!=Done||priority>Low
x not in(a)and y=1
x not in(a)or not(y=1)and!(z=2)
a=1&b=2|c=3
a=1&&b=2||c=3
a = 1 or b = 2 and c = 3
a = 1 and b = 2 or c = 3
not a=1 and b=2
!!a=1
a ="b"and c='d'or e=5
a in("b")and c is not null
a>=1 and b<=2 and c>3 and d<4
a>-1
a=-1
a=--1
a!=-1
a!~b
a! =b
a !b
a = !b
a < = 1
a > = 1
a ! = 1
a ! ~ b
a >== 1
a === 1
a =! 1
a := 1
a:=1
a <=> 1
a + 1 = 2
a = 1 + 1
a = b*
a = *
a = ?
a = $x
a = #1
a = 100%
a = a@b.c
a = https://x.y
a = c:\\dir
a = {x}
a = [x]
a = x[0]
a = "b
a = 'b
a = b"
a = "b'
a = "b" c
a = "b""c"
a = "b"'c'
a = 'b''c'
a = b"c"
a = b'c'
"a" = "b"
"a""b" = 1
'a'='b'
a
"a"
5
a b
a b c
a 1
a "b"
a = 
= 1
= 
,
, a = b
a = b,
a, b = c
;
a = b;
a = b; c = d
.
-
--
a.b.c = .d
:a = b:
in = 1
a in
a in in (b)
a in (b) (c)
a in (b), (c)
a in b, c
a in Done
a in "b"
a in EMPTY
a in f
a in (in)
a in (not)
a in (b or c)
a in (b and c)
a in (b = c)
a in ((b)
a in (b))
a in ((b, c), (d, (e)))
a in (f(b), g())
a in [b]
a in {b}
a not (b)
a not is empty
a not is not empty
a not b
a not not in (b)
a not != 1
a isnot empty
a is notempty
a is
a is not
a is not not EMPTY
a is ! empty
a is!empty
a is not (EMPTY)
a is (EMPTY)
a is "EMPTY"
a is EMPTY()
a is f()
a is Done
a is null and b is empty
a IS not Null
a = EMPTY and b != NULL
a = (b, c)
a = (b)
a != (b, c)
a ~ (b)
a > (b)
a > EMPTY
a <= null
a was (b)
a was in b
a was in EMPTY
a was not in f() on b
a was in (b) from c
a = b by c
a = b before c
a like b
a contains b
a between 1 and 2
a equals b
select * from a
a = 1 -- comment
a = 1 /* comment */
a = 1 // comment
a = 1 # comment
-- a = 1
/* x */ a = 1
a -- b = 1
limit = 1
a = limit
a = all
all = 1
a = any
a = no
a = true
a = false
a = "true"
user = 1
group = 1
date = 1
a = date
date() = 1
a = date()
a = trueish
a = notin
a notin (b)
a = inner
a = order
order = 1
order
order by
by
cf[1].a = 1
cf[1] = 1 and cf [2]=2
cf[99999999999999999999] = 1
a = func(
a = func()
a = func(b
a = func(b,
a = func(b,)
a = func(,b)
a = func(,)
a = func(b c)
a = func(b!)
a = func(b)c
a = func(b)(c)
a = func (b , c)
a = func((b))
a = func(g())
a = func() and b = c
a = func())
func() = a
a = (func())
`
