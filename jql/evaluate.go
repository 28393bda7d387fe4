package jql

import (
	"slices"
	"time"
)

// Evaluate tells whether q selects the event whose body is doc, a decoded JSON document (maps, slices,
// strings, booleans, nil, and json.Number or float64 for numbers), at a time that counts as now. It walks the tree as
// it was written and is the definition of what a query means: plain, and sharing nothing with the filters that it is
// the measure of but the catalogue of fields and the reading of dates.
//
// NOT turns every clause behind it into its opposite: = into !=, < into >=, and so on. On an empty field neither a
// comparison nor its opposite holds, and on a field with several values both < and >= may. CHANGED alone has its
// complement for an opposite. Where the body has no issue nothing holds, not even a comparison with EMPTY.
//
// A clause that [Compile] refuses by itself does not hold, whichever way round.
func Evaluate(q *Query, env Env, doc any, now time.Time) bool {
	return NewEvaluator(env, doc, now).Evaluate(q)
}

// Evaluator is [Evaluate] for many queries about one event: what the event has for a field is read when the first query asks
// for it, and kept. It is for one goroutine at a time.
type Evaluator struct{ evaluator *evaluator }

// NewEvaluator returns an Evaluator of the event whose body is doc, which may not change while the Evaluator is used.
func NewEvaluator(env Env, doc any, now time.Time) *Evaluator {
	return &Evaluator{newEvaluator(&env, doc, now)}
}

// Evaluate tells whether q selects the event.
func (e *Evaluator) Evaluate(q *Query) bool {
	return q.Where == nil || e.evaluator.hasIssue && e.evaluator.evaluate(q.Where, false)
}

// evaluator decides clauses over one event.
type evaluator struct {
	env       *Env
	now       time.Time
	body      map[string]any
	hasIssue  bool
	readings  map[Field]*reading
	changelog *changelog // nil until asked for
}

func newEvaluator(env *Env, doc any, now time.Time) *evaluator {
	e := &evaluator{env: env, now: now, readings: map[Field]*reading{}}
	e.body, _ = doc.(map[string]any)
	_, e.hasIssue = e.body["issue"].(map[string]any)
	return e
}

// evaluate tells whether x holds, or with negate whether NOT x does.
func (e *evaluator) evaluate(x Expr, negate bool) bool {
	fails := func(x Expr) bool { return !e.evaluate(x, negate) }
	holds := func(x Expr) bool { return e.evaluate(x, negate) }
	switch x := x.(type) {
	case *And:
		if negate {
			return slices.ContainsFunc(x.Operands, holds)
		}
		return !slices.ContainsFunc(x.Operands, fails)
	case *Or:
		if negate {
			return !slices.ContainsFunc(x.Operands, fails)
		}
		return slices.ContainsFunc(x.Operands, holds)
	case *Not:
		return e.evaluate(x.Operand, !negate)
	case *Clause:
		return e.clause(x).verdict.of(negate)
	}
	return false
}

// verdict tells whether a condition holds and whether its opposite does. Both may be false, and both true.
type verdict struct{ holds, opposite bool }

func (v verdict) of(negate bool) bool {
	if negate {
		return v.opposite
	}
	return v.holds
}

func (v verdict) swapped() verdict { return verdict{v.opposite, v.holds} }

// finding is what came out of a clause, and what decided it.
type finding struct {
	verdict
	clause *Clause
	info   FieldInfo

	refused bool           // by Compile; nothing below is set then
	reading *reading       // of the field; nil for CHANGED
	piece   *piece         // which = or an order found, and ~ where it found everything
	bound   *bound         // of an order
	missing *sought        // the first thing that ~ did not find
	change  *changeFinding // of CHANGED
}

func (e *evaluator) clause(c *Clause) *finding {
	f := &finding{clause: c}
	field, info, ok := e.env.Resolve(c.Field)
	f.info = info
	f.refused = !ok || c.Op != Changed && (len(c.Predicates) > 0 || !c.Op.allows(c.Operand))
	if f.refused {
		return f
	}
	if c.Op == Changed {
		f.refused = !e.changed(f)
		return f
	}
	f.reading = e.read(field, &info)
	switch c.Op {
	case Eq, In, Is, Ne, NotIn, IsNot:
		ok = e.equality(f)
	case Less, LessEq, Greater, GreaterEq:
		ok = e.order(f, field)
	case Like, NotLike:
		ok = search(f)
	default:
		ok = false
	}
	if !ok {
		return &finding{clause: c, info: info, refused: true}
	}
	if c.Op == Ne || c.Op == NotIn || c.Op == IsNot || c.Op == NotLike {
		f.verdict = f.swapped()
	}
	return f
}

func (e *evaluator) read(field Field, info *FieldInfo) *reading {
	r := e.readings[field]
	if r == nil {
		r = readField(valuesOf(e.body, field, info, e.env), info.Kind, e.env.zone())
		e.readings[field] = r
	}
	return r
}

// equality decides =, IN and IS. It reports false for a clause that Compile refuses, as the other methods do.
func (e *evaluator) equality(f *finding) bool {
	k := f.info.Kind
	if k == KindText && f.clause.Op != Is && f.clause.Op != IsNot {
		return false
	}
	w, ok := e.wanted(k, f.clause.Operand)
	if !ok {
		return false
	}
	if len(f.reading.values) == 0 {
		f.verdict = verdict{holds: w.empty}
		return true
	}
	f.piece = f.reading.equal(w.any)
	f.verdict = verdict{f.piece != nil, f.piece == nil}
	return true
}

// order decides <, <=, > and >=.
func (e *evaluator) order(f *finding, field Field) bool {
	ranked := field.Name == priorityField && len(e.env.Priorities) > 0
	var ok bool
	if ranked {
		f.bound, ok = e.rankBound(f.clause.Operand)
	} else {
		f.bound, ok = e.orderBound(f.info.Kind, f.clause.Operand)
	}
	if !ok {
		return false
	}
	decide := func(op Op) *piece {
		if ranked {
			return f.reading.equal(f.bound.ranked(op))
		}
		return f.reading.ordered(op, f.bound.comparand)
	}
	f.piece = decide(f.clause.Op)
	f.verdict = verdict{f.piece != nil, decide(oppositeOrder[f.clause.Op]) != nil}
	return true
}

var oppositeOrder = map[Op]Op{Less: GreaterEq, GreaterEq: Less, Greater: LessEq, LessEq: Greater}

// search decides ~: whether the values have every word, pattern and phrase, be it one value or several.
func search(f *finding) bool {
	k := f.info.Kind
	value, ok := f.clause.Operand.(Value)
	if !ok || k != KindText && k != KindProperty && k != KindAny {
		return false
	}
	all := soughtIn(value.Text)
	if len(all) == 0 || len(all) > maxWords {
		return false
	}
	if len(f.reading.values) == 0 {
		return true
	}
	text := f.reading.text()
	for _, one := range all {
		p := text.find(one)
		if p == nil {
			f.missing = &one
			break
		}
		if f.piece == nil {
			f.piece = p
		}
	}
	f.verdict = verdict{f.missing == nil, f.missing != nil}
	return true
}

// changeFinding is what came out of CHANGED.
type changeFinding struct {
	items []changeReading // of the field
	item  *changeItem     // the one that has the old and the new value asked for
	actor *reading        // nil unless BY asks for it
	byAll bool            // BY holds
}

// changed decides CHANGED. Its opposite is its complement.
func (e *evaluator) changed(f *finding) bool {
	k := f.info.Kind
	if len(f.info.History) == 0 || f.clause.Operand != nil {
		return false
	}
	x := &changeFinding{byAll: true}
	var sides [To + 1]*wanted
	for _, p := range f.clause.Predicates {
		if p.Op < By || sides[p.Op] != nil {
			return false
		}
		var w wanted
		var ok bool
		if p.Op == By {
			w, ok = e.wanted(KindUser, p.Operand)
		} else {
			w, ok = e.wantedChange(k, p.Operand)
		}
		if !ok {
			return false
		}
		sides[p.Op] = &w
	}
	from, to := sides[From], sides[To]
	if from != nil && to != nil && from.count()*to.count() > maxChanges {
		return false
	}
	if e.changelog == nil {
		e.changelog = readChangelog(e.body)
	}
	x.items = e.changelog.of(&f.info, e.env.zone())
	x.item = firstMeeting(x.items, from, to)
	if by := sides[By]; by != nil {
		x.actor, x.byAll = e.actor(by)
	}
	f.change = x
	holds := x.item != nil && x.byAll
	f.verdict = verdict{holds, !holds}
	return true
}

func firstMeeting(items []changeReading, from, to *wanted) *changeItem {
	for _, item := range items {
		if from.met(item.from, item.old) && to.met(item.to, item.new) {
			return item.changeItem
		}
	}
	return nil
}

// actor reads who caused the event, and tells whether that is one of those wanted.
func (e *evaluator) actor(by *wanted) (*reading, bool) {
	field := Field{Name: actorField}
	info, _ := e.env.Lookup(field)
	r := e.read(field, &info)
	if len(r.values) == 0 {
		return r, by.empty
	}
	return r, r.equal(by.any) != nil
}
