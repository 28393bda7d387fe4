package jql

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// Explanation tells why a condition of a query holds for an event or does not.
type Explanation struct {
	// Holds is the verdict on this condition.
	Holds bool `json:"holds"`

	// Decisive tells that the verdict on the whole query rests on this one: of an AND that does not hold these are
	// the operands that do not, of an OR that holds those that do, and otherwise all operands. Where the event has
	// no issue no condition is.
	Decisive bool `json:"decisive"`

	// JQL is the condition as [Query.String] prints it, on the whole query and on clauses.
	JQL string `json:"jql,omitempty"`

	// Join is "AND", "OR" or "NOT" where Parts are what it joins, and "" for a clause.
	Join string `json:"join,omitempty"`

	// Parts are the explanations of the operands, each for itself: the part of a NOT says whether what
	// stands behind the NOT holds. On an empty field neither of the two does.
	Parts []*Explanation `json:"parts,omitempty"`

	// Found are the values that the clause compared, the one that decided first, and where they stand. None means
	// that the field is empty, or that the changelog has no item of the field.
	Found []Found `json:"found,omitempty"`

	// Omitted is how many values there are beyond the ten that Found has at most.
	Omitted int `json:"omitted,omitempty"`

	// Reason says in words why the clause holds or does not. On the whole query it is set where no clause decides:
	// the query is empty, or the event has no issue.
	Reason string `json:"reason,omitempty"`

	verdict verdict
}

// Found is a value that an event has for a field.
type Found struct {
	// Path leads to the value as JSONPath (RFC 9535) writes it: $.issue.fields.status.name.
	Path string `json:"path"`
	// Value is what stands there: a string, a json.Number, a bool, or an object. Texts and numbers of more than
	// 200 characters are cut and end in "…", and what is large inside of an object has "…" in its place.
	Value any `json:"value"`
}

const (
	reasonBlank   = "the filter is empty, which every event matches"
	reasonNoIssue = "the event has no issue, and only the empty filter matches such an event"
)

// Explain tells why q selects the event whose body is doc or does not, clause by clause. It takes what
// [Evaluate] takes, and comes to the same verdict. Its size is in proportion to that of the query, whatever the size
// of the event.
func Explain(q *Query, env Env, doc any, now time.Time) *Explanation {
	if q.Where == nil {
		return &Explanation{Holds: true, Decisive: true, Reason: reasonBlank}
	}
	e := newEvaluator(&env, doc, now)
	root := e.explain(q.Where)
	root.JQL = q.Where.String()
	if e.hasIssue {
		root.decide(false)
	} else {
		root.Decisive, root.Reason, root.Found, root.Omitted = true, reasonNoIssue, nil, 0
	}
	return root
}

// explain is evaluate, in both directions at once and with reasons.
func (e *evaluator) explain(x Expr) *Explanation {
	out := new(Explanation)
	switch x := x.(type) {
	case *And:
		out.Join, out.Parts = "AND", e.explainAll(x.Operands)
	case *Or:
		out.Join, out.Parts = "OR", e.explainAll(x.Operands)
	case *Not:
		out.Join, out.Parts = "NOT", e.explainAll([]Expr{x.Operand})
	case *Clause:
		out.JQL = x.String()
		if e.hasIssue {
			f := e.clause(x)
			out.verdict = f.verdict
			out.Reason = e.reason(f)
			out.Found, out.Omitted = f.found()
		}
	}
	if e.hasIssue {
		out.conclude()
	}
	out.Holds = out.verdict.holds
	return out
}

func (e *evaluator) explainAll(operands []Expr) []*Explanation {
	parts := make([]*Explanation, len(operands))
	for i, x := range operands {
		parts[i] = e.explain(x)
	}
	return parts
}

// conclude makes the verdict on AND, OR and NOT of those on the parts.
func (e *Explanation) conclude() {
	if e.Join == "" {
		return
	}
	all, some := verdict{true, true}, verdict{}
	for _, part := range e.Parts {
		v := part.verdict
		all = verdict{all.holds && v.holds, all.opposite && v.opposite}
		some = verdict{some.holds || v.holds, some.opposite || v.opposite}
	}
	switch e.Join {
	case "AND":
		e.verdict = verdict{all.holds, some.opposite}
	case "OR":
		e.verdict = verdict{some.holds, all.opposite}
	case "NOT":
		e.verdict = all.swapped()
	}
}

// decide marks what the verdict rests on: that of the condition, or with negate that of its opposite.
func (e *Explanation) decide(negate bool) {
	e.Decisive = true
	holds := e.verdict.of(negate)
	if e.Join == "NOT" {
		negate = !negate
	}
	conjunction := e.Join != "OR" // NOT has one part
	if e.Join == "AND" || e.Join == "OR" {
		conjunction = (e.Join == "AND") != negate
	}
	for _, part := range e.Parts {
		if conjunction == holds || part.verdict.of(negate) == holds {
			part.decide(negate)
		}
	}
}

const (
	maxFound  = 10  // values of one clause
	maxInside = 10  // members of an object among them
	maxText   = 200 // characters of a text or number
)

// found lists the values that a clause compared.
func (f *finding) found() (all []Found, omitted int) {
	total := 0
	list := func(p *piece) bool {
		if total++; len(all) < maxFound {
			all = append(all, Found{Path: p.at.String(), Value: excerpt(p.json)})
		}
		return len(all) < maxFound
	}
	if f.change != nil {
		f.change.each(func(p *piece) bool { list(p); return true })
		return all, total - len(all)
	}
	if f.reading == nil {
		return nil, 0
	}
	if f.piece != nil {
		list(f.piece)
	}
	f.reading.each(func(p *piece) bool { return p == f.piece || list(p) })
	return all, f.reading.size - len(all)
}

// each visits the pieces of all values, and values that have none as they are, until visit reports false.
func (r *reading) each(visit func(*piece) bool) {
	for i := range r.values {
		v := &r.values[i]
		for j := range v.pieces {
			if !visit(&v.pieces[j]) {
				return
			}
		}
		if len(v.pieces) == 0 && !visit(&piece{at: v.at, json: v.json}) {
			return
		}
	}
}

// each visits the old and new values of the item that was asked for, or else of all, and who caused the event.
func (c *changeFinding) each(visit func(*piece) bool) {
	for _, item := range c.items {
		if c.item != nil && c.item != item.changeItem {
			continue
		}
		for _, side := range [2]changeSide{item.from, item.to} {
			if p := side.piece(); p != nil {
				visit(p)
			}
		}
	}
	if c.actor != nil {
		c.actor.each(visit)
	}
}

// excerpt is a value without what makes it large.
func excerpt(value any) any {
	switch v := value.(type) {
	case string:
		return cut(v, maxText)
	case json.Number:
		if len(v) > maxText {
			return cut(v.String(), maxText)
		}
	case []any:
		return []any{fmt.Sprintf("… %d elements", len(v))}
	case map[string]any:
		if len(v) > maxInside {
			return map[string]any{"…": fmt.Sprintf("%d members", len(v))}
		}
		object := make(map[string]any, len(v))
		for name, inner := range v {
			if deep, ok := inner.(map[string]any); ok {
				inner = map[string]any{"…": fmt.Sprintf("%d members", len(deep))}
			}
			object[cut(name, maxText)] = excerpt(inner)
		}
		return object
	}
	return value
}

// cut keeps so many characters of a text, of which the last is then an ellipsis.
func cut(text string, most int) string {
	end, n := 0, 0
	for i := range text {
		if n == most {
			return text[:end] + "…"
		}
		if n < most-1 {
			_, size := utf8.DecodeRuneInString(text[i:])
			end = i + size
		}
		n++
	}
	return text
}
