package jql

import (
	"encoding/json"
	"strconv"
	"strings"
)

// termsOf makes the terms of a field of a document as the documentation of [FieldInfo], [Kind] and [Terms] says
// it, in the plainest way.
func termsOf(env Env, doc any, field Field) (terms []string, present bool) {
	info, ok := env.Lookup(field)
	if !ok {
		return nil, false
	}
	w := walker{kind: info.Kind, aspect: field.Aspect}
	w.out = Terms{Zone: env.Zone, Add: func(term []byte) { w.terms = append(w.terms, string(term)) }}
	switch {
	case field.Aspect.History():
		w.changes(info, doc)
	case info.Kind == KindProperty:
		w.property(field, doc)
	default:
		for _, path := range info.Paths {
			w.walk(doc, path)
		}
	}
	return w.terms, w.present
}

func memberOf(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}

type walker struct {
	kind    Kind
	aspect  Aspect
	out     Terms
	terms   []string
	present bool
}

func (w *walker) property(field Field, doc any) {
	w.walk(memberOf(memberOf(memberOf(doc, "issue"), "properties"), field.Key), field.Steps())
	set := memberOf(doc, "property")
	if memberOf(doc, "webhookEvent") == "issue_property_set" && memberOf(set, "key") == field.Key {
		w.walk(memberOf(set, "value"), field.Steps())
	}
}

// walk follows the rest of a path; arrays stand for their elements.
func (w *walker) walk(v any, steps []string) {
	if array, ok := v.([]any); ok {
		for _, element := range array {
			w.walk(element, steps)
		}
		return
	}
	if len(steps) > 0 {
		w.walk(memberOf(v, steps[0]), steps[1:])
		return
	}
	switch v := v.(type) {
	case nil:
		return
	case map[string]any:
		w.present = true
		w.object(v)
	default:
		if typ, text := literal(v); text != "" {
			w.present = true
			w.out.Scalar(w.kind, w.aspect, typ, []byte(text))
		}
	}
}

func (w *walker) object(object map[string]any) {
	members, fallback := w.kind.MembersFor(w.aspect)
	for _, names := range [2][]string{members, fallback} {
		found := false
		for _, name := range names {
			var v any = object
			for step := range strings.SplitSeq(name, ".") {
				v = memberOf(v, step)
			}
			if typ, text := literal(v); text != "" && typ != JSONBool {
				w.out.Member(w.kind, w.aspect, []byte(text))
				found = true
			}
		}
		if found {
			return
		}
	}
}

// literal is a plain value as text, which is empty where there is none.
func literal(v any) (JSONType, string) {
	switch v := v.(type) {
	case string:
		return JSONString, v
	case json.Number:
		return JSONNumber, v.String()
	case bool:
		return JSONBool, strconv.FormatBool(v)
	}
	return 0, ""
}

func (w *walker) changes(info FieldInfo, doc any) {
	items, _ := memberOf(memberOf(doc, "changelog"), "items").([]any)
	for _, item := range items {
		if !speaksOf(item, info.History) {
			continue
		}
		w.present = true
		side := func(name string) []byte {
			if typ, text := literal(memberOf(item, name)); text != "" && typ != JSONBool {
				return []byte(text)
			}
			return nil
		}
		w.out.Change(w.kind, w.aspect, &Change{
			FromID: side("from"), FromName: side("fromString"), ToID: side("to"), ToName: side("toString"),
			FromAccount: side("tmpFromAccountId"), ToAccount: side("tmpToAccountId"),
		})
	}
}

// speaksOf tells whether an item of a changelog is about a field that goes by these names.
func speaksOf(item any, names []string) bool {
	id, _ := memberOf(item, "fieldId").(string)
	field, _ := memberOf(item, "field").(string)
	for _, name := range names {
		if id == name || id == "" && strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}
