package jql

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxShown bounds the texts that a reason quotes, in characters, and maxListed the values that it lists.
const (
	maxShown  = 60
	maxListed = 3
)

// reason says in words why a clause holds or does not.
func (e *evaluator) reason(f *finding) string {
	switch {
	case f.refused:
		return e.refusal(f)
	case f.change != nil:
		return f.changeReason(e.changelog.present)
	}
	subject := f.subject()
	if len(f.reading.values) == 0 {
		if asksForEmpty(f.clause.Operand) {
			return subject + " is empty"
		}
		return subject + " is empty, and a comparison with an empty field never holds"
	}
	switch f.clause.Op {
	case Less, LessEq, Greater, GreaterEq:
		return subject + " is " + f.orderReason()
	case Like, NotLike:
		return subject + " has " + f.searchReason()
	}
	return subject + f.equalityReason()
}

func (f *finding) subject() string { return cut(f.clause.Field.String(), maxShown) }

// refusal is what [Compile] says against the clause.
func (e *evaluator) refusal(f *finding) string {
	if _, err := Compile(&Query{Where: f.clause}, *e.env); err != nil {
		return "the clause cannot be compared: " + cut(err.Error(), 4*maxShown)
	}
	return "the clause cannot be compared"
}

func asksForEmpty(operand Operand) bool {
	return anyOperand(operand, func(o Operand) bool { _, ok := o.(Empty); return ok })
}

func asksForUser(operand Operand) bool {
	return anyOperand(operand, func(o Operand) bool {
		f, ok := o.(Function)
		return ok && strings.EqualFold(f.Name, userFunction)
	})
}

// anyOperand tells whether an operand, or an element of a list, is such.
func anyOperand(operand Operand, such func(Operand) bool) bool {
	if list, ok := operand.(List); ok {
		for _, item := range list.Items {
			if anyOperand(item, such) {
				return true
			}
		}
		return false
	}
	return such(operand)
}

func (f *finding) equalityReason() string {
	r := f.reading
	text := " is "
	switch {
	case len(r.values) > maxListed && f.piece != nil:
		text = fmt.Sprintf(" has %s, one of %d values", f.piece.shown(), len(r.values))
	case len(r.values) > 1:
		text = " has " + shownValues(r.values)
	default:
		text += shownValues(r.values)
	}
	if asksForUser(f.clause.Operand) {
		return text + ", and currentUser() is nobody in an event"
	}
	if len(r.pieces) == 0 && f.clause.Op != Is && f.clause.Op != IsNot {
		return text + ", which equals nothing"
	}
	return text
}

// shownValues lists values, of many the first few.
func shownValues(values []fieldValue) string {
	var texts []string
	for i := range values[:min(len(values), maxListed)] {
		texts = append(texts, values[i].shown())
	}
	last := len(texts) - 1
	if more := len(values) - len(texts); more > 0 {
		return strings.Join(texts, ", ") + fmt.Sprintf(" and %d more", more)
	}
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// shown is what a value is called, and in brackets what else it is called: To Do (id 10001).
func (v *fieldValue) shown() string {
	pieces := v.pieces
	if len(pieces) == 0 {
		return "an object"
	}
	if last := len(pieces) - 1; pieces[last].legacy {
		pieces = slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool { return !p.legacy })
		slices.SortFunc(pieces, func(a, b piece) int { return strings.Compare(b.member, a.member) }) // the name before the id
	}
	text := pieces[0].shown()
	var others []string
	for _, p := range pieces[1:] {
		others = append(others, p.member+" "+p.shown())
	}
	if len(others) > 0 {
		text += " (" + strings.Join(others, ", ") + ")"
	}
	return text
}

func (p *piece) shown() string {
	if text, ok := p.text(); ok {
		return cut(text, maxShown)
	}
	return fmt.Sprint(p.json)
}

// orderWords tells how a value stands to a bound: of dates and keys, of priorities, and of all else.
var orderWords = map[Op][3]string{
	Less:      {"before", "below", "less than"},
	LessEq:    {"at or before", "at or below", "at most"},
	Greater:   {"after", "above", "more than"},
	GreaterEq: {"at or after", "at or above", "at least"},
}

func (f *finding) orderReason() string {
	b, words := f.bound, orderWords[f.clause.Op]
	operand := f.clause.Operand.String()
	if v, ok := f.clause.Operand.(Value); ok && b.among != amongTexts {
		operand = v.Text
	}
	operand = cut(operand, maxShown)
	if b.ladder != nil {
		return f.compared(shownValues(f.reading.values), words[1]+" "+operand)
	}
	x := f.reading.extremes[b.among]
	if x == nil {
		return shownValues(f.reading.values) + ", which has no order with " + operand
	}
	decisive, end := x.greatest, " at the most"
	if f.clause.Op == Less || f.clause.Op == LessEq {
		decisive, end = x.least, " at the least"
	}
	text, word := decisive.piece.shown(), words[2]
	switch {
	case b.among == amongDates:
		text, word, operand = dateText(decisive.number, b.at.Location()), words[0], b.date()
	case strings.HasPrefix(b.among, amongKeys):
		word = words[0]
	}
	if len(f.reading.values) > 1 && !f.holds {
		text += end
	}
	return f.compared(text, word+" "+operand)
}

// compared says of a value that it stands so to the bound, or that it does not.
func (f *finding) compared(value, relation string) string {
	if !f.holds {
		relation = "not " + relation
	}
	return value + ", " + relation
}

func dateText(millis number, zone *time.Location) string {
	ms, _ := millis.floor()
	return shortTime(time.UnixMilli(ms).In(zone))
}

// shortTime leaves out seconds that are none.
func shortTime(at time.Time) string {
	if at.Second() == 0 && at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04Z07:00")
	}
	return at.Format("2006-01-02T15:04:05.999Z07:00")
}

// date is the bound as a date, and in brackets how it depends on the clock.
func (b *bound) date() string {
	if b.clock == nil {
		return shortTime(b.at)
	}
	return shortTime(b.at) + " (" + b.clock.describe() + ")"
}

// describe says a moment in words: 7 days before now, the start of the week, 1 day later.
func (m *Moment) describe() string {
	text, later, earlier := "now", " after now", " before now"
	if m.Start || m.End {
		text = "the start of the "
		if m.End {
			text = "the end of the "
		}
		text += strings.ToLower(periodNames[m.Period])
		later, earlier = " later", " earlier"
	}
	if len(m.Shift) == 0 {
		return text
	}
	var counts []string
	direction := later
	for _, s := range m.Shift {
		n := s.Count
		if n < 0 {
			n, direction = -n, earlier
		}
		unit := strings.ToLower(periodNames[s.Unit])
		if n != 1 {
			unit += "s"
		}
		counts = append(counts, fmt.Sprintf("%d %s", n, unit))
	}
	shift := strings.Join(counts, " ") + direction
	if m.Start || m.End {
		return text + ", " + shift
	}
	return shift
}

func (f *finding) searchReason() string {
	switch w := f.missing; {
	case len(f.reading.text().words) == 0:
		return "no text to search in"
	case w == nil:
		return "all that is sought"
	case w.phrase:
		return fmt.Sprintf("no words %q side by side", cut(strings.Trim(w.text, " "), maxShown))
	case w.pattern:
		return fmt.Sprintf("no word like %q", cut(w.text, maxShown))
	default:
		return fmt.Sprintf("no word %q", cut(w.text, maxShown))
	}
}

func (f *finding) changeReason(changelog bool) string {
	x := f.change
	switch {
	case !changelog:
		return "the event has no changelog"
	case len(x.items) == 0:
		return "the changelog does not change " + f.subject()
	}
	items := x.items
	if x.item != nil {
		items = []changeReading{{changeItem: x.item}}
	}
	var texts []string
	for _, item := range items[:min(len(items), maxListed)] {
		texts = append(texts, "from "+item.from.shown()+" to "+item.to.shown())
	}
	text := "the changelog changes " + f.subject() + " " + strings.Join(texts, ", ")
	if more := len(items) - len(texts); more > 0 {
		text += fmt.Sprintf(" and %d times more", more)
	}
	switch {
	case x.actor == nil || x.item == nil:
	case len(x.actor.values) == 0:
		text += ", and the event has no actor"
	default:
		text += ", by " + x.actor.values[0].shown()
	}
	return text
}

func (s changeSide) shown() string {
	p := s.piece()
	if p == nil {
		return "empty"
	}
	return p.shown()
}
