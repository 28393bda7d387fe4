package jql

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// sites are the ways in which what a query means may depend on where it is asked.
var sites = []Env{
	{},
	site,
	{EpicLink: 10005, Custom: site.Custom, Zone: time.FixedZone("UTC-5", -5*3600), SundayFirst: true, DisplayNames: true},
}

// maker makes queries and events out of few fields and few values, so that they often meet.
type maker struct {
	*rand.Rand
	env Env
	// focus are fields that queries and changelogs speak of most of the time.
	focus []FieldRef
}

// turn begins with another site and other fields.
func (m *maker) turn() {
	m.env = sites[m.IntN(len(sites))]
	m.focus = nil
	for range 4 {
		ref, _ := m.fieldRef()
		m.focus = append(m.focus, ref)
	}
}

func pick[T any](m *maker, all ...T) T { return all[m.IntN(len(all))] }

// chance is true in one of n cases.
func (m *maker) chance(n int) bool { return m.IntN(n) == 0 }

// The values that queries and events have in common, by what they are good for.
var (
	wordTexts   = []string{"a", "A", "b", "Done", "done", "true", "True", "é", "É", "a b", "a, b", "Fire", "big fire"}
	numberTexts = []string{"5", "5.0", "50e-1", "-5", "0", "-0.0", "10", "1e3", "1e-1000", "0.5"}
	keyTexts    = []string{"EX-1", "ex-2", "EX-12", "Ex-002", "AB-2", "EX", "EX-0"}
	fixedDates  = []string{"2026-02-11", "2026/02/10", "2026-02-11 10:20", "2026-02-09"}
	movingDates = []string{"-1d", "1h", "-1d 10h 20m", "+1w", "-1M"}
	eventDates  = []string{
		"2026-02-11", "2026-02-11T10:20:30.400Z", "2026-02-11T10:20:30.400+0000", "2026-02-11 10:20", "2026-02-09T00:00:00+01",
		"2026-02-11T00:00:00.000Z", "2026-02-11T05:00:00.000Z", "2026-02-10T10:20:30.400Z", "2026-02-11T23:59:59.999Z",
	}
	priorityTexts = []string{"lowest", "Low", "Medium", "High"}
	proseTexts    = []string{
		"Big fire", "the big, big fire!", "fire-fighter 5", "A é b", "fire big", "\"a b\" c", "5.0", "!", "É*",
	}
	sprintTexts = []string{
		"Sprint 7", "3", "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=3,state=ACTIVE,name=Sprint 7,goal=]",
		"com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,name=a, b,goal=x]", "Sprint 7, a",
	}
	searchTexts = []string{
		"fire", "Big Fire", "fi*", "f?re", "fire big", `"big fire"`, `"Big Fire" the`, `a "a b"`, "5", "é", "?", "b* !", `"a" x?`,
		`fire "`, "*fire*", "e*e", "-5", "F*r",
	}
	userTexts = []string{"u1", "u2", "U1", "Ann", "ann"}
)

// texts are those that a field of a kind may well be compared with, and in one case of eight any.
func (m *maker) texts(k Kind) string {
	if m.chance(8) {
		return pick(m, pick(m, wordTexts, numberTexts, keyTexts, fixedDates, movingDates, priorityTexts, userTexts, sprintTexts, []string{""})...)
	}
	switch k {
	case KindIssue, KindLink:
		return pick(m, pick(m, keyTexts, keyTexts[:3])...)
	case KindUser:
		return pick(m, userTexts...)
	case KindSprint:
		return pick(m, sprintTexts...)
	case KindNumber:
		return pick(m, numberTexts...)
	case KindDate:
		return pick(m, pick(m, fixedDates, movingDates)...)
	case KindProperty, KindAny:
		return pick(m, pick(m, wordTexts[:6], numberTexts[:3], fixedDates, movingDates, sprintTexts, proseTexts)...)
	case KindText:
		return pick(m, pick(m, proseTexts, wordTexts)...)
	}
	return pick(m, pick(m, wordTexts[:6], wordTexts[:3], wordTexts, numberTexts[:3], priorityTexts)...)
}

// fieldRef draws a field and the row it has.
func (m *maker) fieldRef() (FieldRef, FieldInfo) {
	if len(m.focus) > 0 && !m.chance(5) {
		return m.known(pick(m, m.focus...))
	}
	rows := m.env.Catalogue()
	switch m.IntN(10) {
	case 0:
		ref := FieldRef{Name: "issue.property", Properties: []Property{{Key: "k", Path: pick(m, "", "a", "a.b")}}}
		return m.known(ref)
	case 1:
		return m.known(pick(m, FieldRef{Name: "99", Form: Numbered}, FieldRef{Name: "cf[10030]", Form: Custom}, FieldRef{Name: "customfield_99"}))
	}
	row := rows[m.IntN(len(rows))]
	if row.Kind == KindProperty {
		return m.fieldRef()
	}
	ref := FieldRef{Name: row.Name}
	if len(row.Aliases) > 0 && m.chance(3) {
		ref.Name = pick(m, row.Aliases...)
	}
	return m.known(ref)
}

func (m *maker) known(ref FieldRef) (FieldRef, FieldInfo) {
	_, info, _ := m.env.Resolve(ref)
	return ref, info
}

// query draws a query that compiles.
func (m *maker) query(depth int) *Query {
	if m.chance(500) {
		return &Query{}
	}
	return &Query{Where: m.expr(depth)}
}

func (m *maker) expr(depth int) Expr {
	n := m.IntN(10)
	if depth == 0 || n < 4 {
		return m.clause()
	}
	if n < 6 {
		return not(m.expr(depth - 1))
	}
	var operands []Expr
	for range 2 + m.IntN(2) {
		operands = append(operands, m.expr(depth-1))
	}
	if n < 8 {
		return and(operands...)
	}
	return or(operands...)
}

// clause draws until one compiles.
func (m *maker) clause() *Clause {
	for {
		ref, info := m.fieldRef()
		c := &Clause{Field: ref, Op: pick(m, info.Kind.Operators()...)}
		if info.Name == priorityField && m.chance(2) {
			c.Op = pick(m, Less, LessEq, Greater, GreaterEq)
		}
		if len(info.History) > 0 && m.chance(6) {
			c.Op = Changed
		}
		switch c.Op {
		case Eq, Ne:
			c.Operand = m.operand(info.Kind, 0)
		case Like, NotLike:
			c.Operand = Value{Text: pick(m, searchTexts...)}
		case In, NotIn:
			c.Operand = m.list(info.Kind, 2)
		case Is, IsNot:
			c.Operand = Empty{}
		case Changed:
			c.Predicates = m.predicates(info.Kind)
		default:
			c.Operand = m.single(info.Kind)
			if info.Name == priorityField {
				c.Operand = Value{Text: pick(m, priorityTexts...)}
			}
		}
		if _, err := Compile(&Query{Where: c}, m.env); err == nil {
			return c
		}
	}
}

func (m *maker) list(k Kind, depth int) List {
	var l List
	for range 1 + m.IntN(3) {
		l.Items = append(l.Items, m.operand(k, depth-1))
	}
	return l
}

func (m *maker) operand(k Kind, depth int) Operand {
	if m.chance(8) {
		return Empty{}
	}
	if depth > 0 && m.chance(8) {
		return m.list(k, depth)
	}
	return m.single(k)
}

func (m *maker) single(k Kind) Operand {
	if m.chance(4) {
		switch k {
		case KindUser:
			return Function{Name: "currentUser"}
		case KindDate, KindProperty, KindAny:
			if m.chance(2) {
				return Function{Name: "now"}
			}
			f := Function{Name: pick(m, "startOf", "endOf") + pick(m, "Day", "Week", "Month", "Year")}
			if m.chance(2) {
				f.Args = []string{pick(m, "-1", "1", "+1d", "-1w 1d", "10h 20m")}
			}
			return f
		}
	}
	text := m.texts(k)
	return Value{Text: text, Number: isNumber(text) && m.chance(2)}
}

func (m *maker) predicates(k Kind) []Predicate {
	var all []Predicate
	for _, op := range []PredicateOp{From, To, By} {
		if !m.chance(2) {
			continue
		}
		kind := k
		if op == By {
			kind = KindUser
		}
		all = append(all, Predicate{Op: op, Operand: m.operand(kind, 2)})
	}
	m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// doc draws an event.
func (m *maker) doc() any {
	doc := map[string]any{"webhookEvent": pick[any](m, "a", "jira:issue_updated", "issue_property_set", nil)}
	if m.chance(30) {
		return pick[any](m, doc, []any{}, nil, "a", map[string]any{"issue": m.junk(1)})
	}
	fields := map[string]any{}
	issue := map[string]any{"fields": fields, "key": m.value(KindIssue), "id": m.scalar(KindNumber)}
	doc["issue"] = issue
	for _, row := range m.env.Catalogue() {
		for _, path := range row.Paths {
			if len(path) >= 3 && path[1] == "fields" && m.chance(2) {
				put(fields, path[2:], m.many(row.Kind))
			}
		}
	}
	if m.chance(2) {
		fields["priority"] = map[string]any{"name": pick(m, priorityTexts...)}
	}
	for _, name := range []string{"customfield_99", "customfield_10030"} {
		fields[name] = m.many(KindAny)
	}
	if m.chance(2) {
		issue["properties"] = map[string]any{"k": m.property()}
	}
	if m.chance(3) {
		doc["property"] = map[string]any{"key": pick(m, "k", "j"), "value": m.property()}
	}
	if m.chance(2) {
		doc["user"] = m.many(KindUser)
	}
	if m.chance(3) {
		doc["comment"] = map[string]any{"body": m.many(KindText)}
	}
	if !m.chance(3) {
		doc["changelog"] = map[string]any{"items": m.items()}
	}
	return doc
}

// put places a value at the end of a path; the step to comments is an array.
func put(object map[string]any, path []string, value any) {
	if len(path) == 1 {
		object[path[0]] = value
		return
	}
	inner := map[string]any{}
	put(inner, path[1:], value)
	if path[0] == "comments" {
		object[path[0]] = []any{inner, map[string]any{"body": "a b"}}
		return
	}
	object[path[0]] = inner
}

// many is a value, several, or none; and in one case of ten something else.
func (m *maker) many(k Kind) any {
	switch m.IntN(10) {
	case 0:
		return m.junk(2)
	case 1:
		return nil
	case 2, 3:
		values := []any{}
		for range m.IntN(4) {
			values = append(values, m.value(k))
		}
		return values
	}
	return m.value(k)
}

// value is one of a field, as an object or plain.
func (m *maker) value(k Kind) any {
	members, fallback := k.Members()
	members = append(append([]string{"displayName", "other"}, members...), fallback...)
	if len(members) == 2 || m.chance(3) {
		return m.scalar(k)
	}
	object := map[string]any{}
	for _, name := range members {
		if m.chance(2) {
			continue
		}
		inner := object
		if child, name2, ok := strings.Cut(name, "."); ok {
			if inner, ok = object[child].(map[string]any); !ok {
				inner = map[string]any{}
				object[child] = inner
			}
			name = name2
		}
		inner[name] = m.scalar(k)
	}
	return object
}

func (m *maker) scalar(k Kind) any {
	switch k {
	case KindDate:
		if m.chance(4) {
			return json.Number(strconv.FormatInt(someDay.UnixMilli(), 10) + pick(m, "", ".0", ".9"))
		}
		if !m.chance(4) {
			return pick(m, eventDates...)
		}
	case KindAny, KindProperty:
		if m.chance(5) {
			return pick(m, eventDates...)
		}
		if m.chance(8) {
			return m.chance(2)
		}
	}
	if m.chance(12) {
		return m.junk(0)
	}
	text := m.texts(k)
	if _, ok := parseNumber(text); ok && text[0] != '+' && m.chance(2) {
		return json.Number(text)
	}
	return text
}

func (m *maker) property() any {
	switch m.IntN(4) {
	case 0, 1:
		return m.many(KindProperty)
	case 2:
		return []any{map[string]any{"a": m.many(KindProperty)}, m.junk(1)}
	}
	return map[string]any{"a": pick[any](m, m.many(KindProperty), map[string]any{"b": m.many(KindProperty)})}
}

// junk is any JSON.
func (m *maker) junk(depth int) any {
	switch n := m.IntN(8); {
	case n < 5 || depth == 0:
		return pick[any](m, nil, "", "a", true, false, json.Number("5"), json.Number("1e999999999"), "EX-1", "u1")
	case n < 6:
		return []any{m.junk(depth - 1), m.junk(depth - 1)}
	}
	names := []string{"a", "b", "key", "id", "name", "value", "child", "accountId", "displayName", "body", "fields"}
	return map[string]any{pick(m, names...): m.junk(depth - 1), pick(m, names...): m.junk(depth - 1)}
}

// items is what a changelog tells.
func (m *maker) items() any {
	if m.chance(12) {
		return m.junk(2)
	}
	items := []any{}
	for range m.IntN(5) {
		if m.chance(12) {
			items = append(items, m.junk(1))
			continue
		}
		_, info := m.fieldRef()
		item := map[string]any{}
		if len(info.History) > 0 {
			name := pick(m, info.History...)
			if m.chance(2) {
				item["fieldId"] = name
				item["field"] = pick(m, name, "status")
			} else {
				item["fieldId"] = pick[any](m, nil, "")
				item["field"] = pick(m, name, strings.ToUpper(name))
			}
		}
		for _, side := range []string{"from", "fromString", "to", "toString", "tmpFromAccountId", "tmpToAccountId"} {
			if !m.chance(3) {
				item[side] = m.changed(info.Kind)
			}
		}
		items = append(items, item)
	}
	return items
}

func (m *maker) changed(k Kind) any {
	switch {
	case m.chance(5):
		return pick[any](m, nil, "")
	case k == KindExact && m.chance(2):
		return pick(m, "a b", "a  A", " b", "Done true")
	case k == KindSprint && m.chance(2):
		return pick(m, "Sprint 7, a", "3, 4", "a, b", ", a")
	}
	return m.scalar(k)
}
