package jql

import (
	"slices"
	"strings"
	"time"
)

// wanted is what an operand asks a field to be: any of some things, or empty.
type wanted struct {
	any   []comparand
	set   map[comparand]bool // of any, for the many values of changelogs
	empty bool
}

// wanted reads the operand of = on a field of kind k; lists are their elements. It reports false for one
// that the kind does not take.
func (e *evaluator) wanted(k Kind, operand Operand) (wanted, bool) {
	var w wanted
	ok := w.read(operand, func(item Operand) ([]comparand, bool) {
		switch o := item.(type) {
		case Value:
			return e.comparandsOf(k, o)
		case Function:
			return e.called(k, o)
		}
		return nil, false
	})
	return w, ok
}

// wantedChange reads the operand of FROM or TO. The dates of a changelog cannot be compared with the clock, and
// an empty text is no old or new value.
func (e *evaluator) wantedChange(k Kind, operand Operand) (wanted, bool) {
	w := wanted{set: map[comparand]bool{}}
	ok := w.read(operand, func(item Operand) ([]comparand, bool) {
		switch o := item.(type) {
		case Value:
			if k == KindDate {
				d, ok := e.date(o)
				return []comparand{dateComparand(d.At)}, ok && d.Clock == nil
			}
			if o.Text == "" && k != KindNumber {
				return nil, true
			}
			if k == KindUser { // a changelog tells display names, too, but not for comparing
				return []comparand{textComparand(o.Text)}, true
			}
			return e.comparandsOf(k, o)
		case Function:
			return nil, k == KindUser && strings.EqualFold(o.Name, userFunction) && len(o.Args) == 0
		}
		return nil, false
	})
	for _, c := range w.any {
		w.set[c] = true
	}
	return w, ok
}

// read adds an operand, with read for what is neither a list nor EMPTY.
func (w *wanted) read(operand Operand, read func(Operand) ([]comparand, bool)) bool {
	switch o := operand.(type) {
	case Empty:
		w.empty = true
		return true
	case List:
		return !slices.ContainsFunc(o.Items, func(item Operand) bool { return !w.read(item, read) })
	}
	some, ok := read(operand)
	w.any = append(w.any, some...)
	return ok
}

// count is how many things are wanted; [Compile] takes their number into account.
func (w *wanted) count() int {
	n := len(w.any)
	if w.empty {
		n++
	}
	return n
}

// met tells whether an old or new value, which is all of the comparands, is what is wanted; nil wants nothing
// in particular.
func (w *wanted) met(side changeSide, is []comparand) bool {
	if w == nil {
		return true
	}
	if side.piece() == nil {
		return w.empty
	}
	return slices.ContainsFunc(is, func(c comparand) bool { return w.set[c] })
}

// comparandsOf is everything that equals the text of an operand.
func (e *evaluator) comparandsOf(k Kind, v Value) ([]comparand, bool) {
	switch k {
	case KindNumber:
		c, ok := numberComparand(v.Text)
		return []comparand{c}, ok
	case KindDate:
		d, ok := e.date(v)
		return []comparand{e.instant(d)}, ok
	case KindExact:
		return []comparand{textComparand(v.Text)}, true
	case KindUser:
		all := []comparand{textComparand(v.Text)}
		if e.env.DisplayNames {
			all = append(all, comparand{among: amongDisplay, text: foldText(v.Text)})
		}
		return all, true
	case KindProperty, KindAny:
		text := v.Text
		if k == KindAny {
			text = foldText(text)
		}
		all := append(only(numberComparand(text)), textComparand(text))
		if text == "true" || text == "false" {
			all = append(all, boolComparand(text == "true"))
		}
		return all, true
	}
	return []comparand{textComparand(foldText(v.Text))}, true
}

// called is what a function stands for: moments for fields that may hold dates, and nobody for users.
func (e *evaluator) called(k Kind, f Function) ([]comparand, bool) {
	if strings.EqualFold(f.Name, userFunction) {
		return nil, k == KindUser && len(f.Args) == 0
	}
	m, known, problem := dateFunction(f, e.env)
	if !known || problem != "" || k != KindDate && k != KindProperty && k != KindAny {
		return nil, false
	}
	return []comparand{dateComparand(m.At(e.now))}, true
}

// date reads a value as a date; a number without quotes is none.
func (e *evaluator) date(v Value) (dateOperand, bool) {
	if v.Number {
		return dateOperand{}, false
	}
	return parseDate(v.Text, e.env)
}

func (e *evaluator) instant(d dateOperand) comparand {
	if d.Clock != nil {
		d.At = d.Clock.At(e.now)
	}
	return dateComparand(d.At)
}

// bound is the operand of <, <=, > and >=.
type bound struct {
	comparand
	at     time.Time // of a date
	clock  *Moment   // of a date that depends on the clock
	ladder []string  // of a priority: all of them, lowest first
	rung   int       // its place among them
}

// orderBound reads an operand that a value may come before or after.
func (e *evaluator) orderBound(k Kind, operand Operand) (*bound, bool) {
	switch o := operand.(type) {
	case Value:
		return e.textBound(k, o)
	case Function:
		m, known, problem := dateFunction(o, e.env)
		if known && problem == "" && (k == KindDate || k == KindProperty || k == KindAny) {
			return e.dateBound(dateOperand{Clock: m}), true
		}
	}
	return nil, false
}

func (e *evaluator) textBound(k Kind, v Value) (*bound, bool) {
	switch k {
	case KindIssue:
		c, ok := keyComparand(v.Text)
		return &bound{comparand: c}, ok
	case KindNumber:
		c, ok := numberComparand(v.Text)
		return &bound{comparand: c}, ok
	case KindDate:
		d, ok := e.date(v)
		return e.dateBound(d), ok
	case KindProperty, KindAny:
		if c, ok := numberComparand(v.Text); ok {
			return &bound{comparand: c}, true
		}
		if d, ok := e.date(v); ok {
			return e.dateBound(d), true
		}
		if k == KindAny {
			return &bound{comparand: textComparand(foldText(v.Text))}, true
		}
		return &bound{comparand: textComparand(v.Text)}, true
	}
	return nil, false
}

func (e *evaluator) dateBound(d dateOperand) *bound {
	b := &bound{comparand: e.instant(d), at: d.At.In(e.env.zone()), clock: d.Clock}
	if d.Clock != nil {
		b.at = d.Clock.At(e.now)
	}
	return b
}

// rankBound finds an operand among the priorities of the site.
func (e *evaluator) rankBound(operand Operand) (*bound, bool) {
	v, ok := operand.(Value)
	rung := slices.IndexFunc(e.env.Priorities, func(name string) bool { return ok && strings.EqualFold(name, v.Text) })
	return &bound{ladder: e.env.Priorities, rung: rung}, rung >= 0
}

// ranked are the priorities that stand to the bound as op says.
func (b *bound) ranked(op Op) []comparand {
	names := b.ladder
	switch op {
	case Less:
		names = names[:b.rung]
	case LessEq:
		names = names[:b.rung+1]
	case Greater:
		names = names[b.rung+1:]
	case GreaterEq:
		names = names[b.rung:]
	}
	all := make([]comparand, len(names))
	for i, name := range names {
		all[i] = textComparand(foldText(name))
	}
	return all
}
