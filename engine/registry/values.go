package registry

import (
	"slices"
	"strings"

	"hookline/engine/event"
	"hookline/jql"
	"hookline/matcher"
)

// values reads terms of a view as values that people wrote.
type values struct {
	view  *matcher.View
	env   jql.Env
	slots map[jql.Field]int
}

func newValues(v *matcher.View, env jql.Env) *values {
	x := &values{view: v, env: env, slots: map[jql.Field]int{}}
	for slot, f := range v.Fields() {
		x.slots[f] = slot
	}
	return x
}

// read returns the value that a term stands for, with the latest sighting of the terms that it may come as, or nil: numbers and
// dates have no names, event types cannot be renamed, and one of several terms of a value is enough to tell of it.
func (x *values) read(id matcher.TermID) *Unseen {
	term := x.view.Term(id)
	var others []matcher.Term
	switch kind, ok := x.kind(term.Field); {
	case !ok || term.Text == "":
		return nil
	case kind == jql.KindProperty || kind == jql.KindAny:
		text, is := jql.TextOfTerm(term.Text)
		if !is {
			return nil
		}
		term.Text = text
		others = x.find(others, term.Field, jql.TypedTerms(text)[1:]...)
	case kind == jql.KindUser && term.Field.Aspect == jql.Values:
		others = x.find(others, term.Field.Of(jql.Names), string(jql.FoldTerm(nil, []byte(term.Text))))
	}
	for _, other := range others {
		if other.Seen && (!term.Seen || other.Since.After(term.Since)) {
			term.Seen, term.Since = true, other.Since
		}
	}
	name, aspect := fieldName(term.Field)
	return &Unseen{Field: name, Aspect: aspect, Value: term.Text, Seen: term.Seen, Since: term.Since}
}

// kind returns the kind of a field whose terms are names of something.
func (x *values) kind(f jql.Field) (jql.Kind, bool) {
	switch f.Aspect {
	case jql.Values, jql.ChangedFrom, jql.ChangedTo:
	default:
		return 0, false
	}
	switch f {
	case event.ChangedField, event.PropertyField:
		return jql.KindExact, true
	case event.TypeField:
		return 0, false
	}
	info, ok := x.env.Lookup(f)
	switch info.Kind {
	case jql.KindNumber, jql.KindDate, jql.KindText:
		return 0, false
	}
	return info.Kind, ok
}

func (x *values) find(found []matcher.Term, f jql.Field, texts ...string) []matcher.Term {
	slot, ok := x.slots[f]
	if !ok {
		return found
	}
	for _, text := range texts {
		if id, ok := x.view.Find(slot, text); ok {
			found = append(found, x.view.Term(id))
		}
	}
	return found
}

// fieldName names a field as filters do, or the member of a registration that narrows a webhook, and the aspect where there is
// one.
func fieldName(f jql.Field) (name, aspect string) {
	switch f {
	case event.ChangedField:
		return "fieldIds", ""
	case event.PropertyField:
		return "propertyKeys", ""
	}
	name = f.Name
	if f.Key != "" {
		name += "[" + f.Key + "]"
	}
	if f.Path != "" {
		name += "." + f.Path
	}
	return name, f.Aspect.String()
}

// spelled returns a value, which may be known without its case, as a filter has it.
func spelled(filter, value string) string {
	q, err := jql.Parse(filter)
	if err != nil {
		return value
	}
	var texts []string
	jql.Inspect(q.Where, func(x jql.Expr) bool {
		if c, ok := x.(*jql.Clause); ok {
			texts = appendTexts(texts, c.Operand)
		}
		return true
	})
	at := slices.IndexFunc(texts, func(text string) bool { return strings.EqualFold(text, value) })
	if at < 0 || slices.Contains(texts, value) {
		return value
	}
	return texts[at]
}

// appendTexts appends the values in an operand.
func appendTexts(texts []string, o jql.Operand) []string {
	switch o := o.(type) {
	case jql.Value:
		return append(texts, o.Text)
	case jql.List:
		for _, item := range o.Items {
			texts = appendTexts(texts, item)
		}
	}
	return texts
}
