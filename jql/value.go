package jql

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// fieldValue is one value of a field as the plain evaluator sees it: what JSON holds, and what it compares by.
type fieldValue struct {
	at     *place
	json   any // as the document has it: a string, json.Number, bool or object
	pieces []piece
}

// piece is a part of a value that an operand may be equal to: the value itself, or a member of an object.
type piece struct {
	at     *place
	member string // one of Kind.Members, displayMember, or "" for the value itself
	legacy bool   // the member is read out of the text of a sprint
	json   any    // a string, json.Number or bool
}

const displayMember = "displayName"

// text is the string, or the literal of the number, that a piece is; false for a boolean.
func (p *piece) text() (string, bool) {
	switch v := p.json.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// gatherer collects the values of a field.
type gatherer struct {
	kind    Kind
	display bool // users go by their display names, too
	values  []fieldValue
}

// valuesOf looks up the values of a field. None means that the field is empty.
func valuesOf(body map[string]any, field Field, info *FieldInfo, env *Env) []fieldValue {
	g := gatherer{kind: info.Kind, display: env.DisplayNames}
	if info.Kind == KindProperty {
		g.property(body, field, info.Paths[0])
		return g.values
	}
	for _, path := range info.Paths {
		g.follow(nil, body, path)
	}
	return g.values
}

// property reads an entity property from the issue and, when the event is that the property was set, from the
// root of the body as well.
func (g *gatherer) property(body map[string]any, field Field, path []string) {
	steps := field.Steps()
	var at *place
	holder := any(body)
	for _, name := range append(slices.Clone(path), field.Key) {
		object, _ := holder.(map[string]any)
		at, holder = at.member(name), object[name]
	}
	g.follow(at, holder, steps)
	set, ok := body["property"].(map[string]any)
	if ok && body["webhookEvent"] == "issue_property_set" && set["key"] == field.Key {
		var root *place
		g.follow(root.member("property").member("value"), set["value"], steps)
	}
}

// follow goes along a path of members; an array on the way stands for each of its elements.
func (g *gatherer) follow(at *place, value any, path []string) {
	switch v := value.(type) {
	case []any:
		for i, element := range v {
			g.follow(at.element(i), element, path)
		}
		return
	case map[string]any:
		if len(path) > 0 {
			g.follow(at.member(path[0]), v[path[0]], path[1:])
			return
		}
	}
	if len(path) == 0 {
		g.add(at, value)
	}
}

// add takes a value that is not an array; nothing is no value.
func (g *gatherer) add(at *place, value any) {
	value = scalar(value)
	v := fieldValue{at: at, json: value}
	switch value := value.(type) {
	case nil:
		return
	case map[string]any:
		v.pieces = g.members(at, value)
	case string:
		v.pieces = g.pieces(at, value)
	default:
		v.pieces = []piece{{at: at, json: value}}
	}
	g.values = append(g.values, v)
}

// pieces are a plain text and what else it is called by. A sprint goes by its name and id alone.
func (g *gatherer) pieces(at *place, text string) []piece {
	plain := []piece{{at: at, json: text}}
	if g.kind != KindSprint && g.kind != KindAny {
		return plain
	}
	sprint, ok := legacySprint(text)
	if ok && g.kind == KindSprint {
		plain = nil
	}
	for _, p := range sprint {
		p.at = at
		plain = append(plain, p)
	}
	return plain
}

// members are the names that an object goes by. An object without any is still a value, which equals nothing.
func (g *gatherer) members(at *place, object map[string]any) []piece {
	members, fallback := g.kind.Members()
	found := namedBy(at, object, members)
	if len(found) == 0 {
		found = namedBy(at, object, fallback)
	}
	if g.display && g.kind == KindUser {
		found = append(found, namedBy(at, object, []string{displayMember})...)
	}
	return found
}

func namedBy(at *place, object map[string]any, members []string) []piece {
	var found []piece
	for _, path := range members {
		at, value := at, any(object)
		for name := range strings.SplitSeq(path, ".") {
			inner, _ := value.(map[string]any)
			at, value = at.member(name), inner[name]
		}
		switch v := scalar(value).(type) {
		case string, json.Number:
			found = append(found, piece{at: at, member: path, json: v})
		}
	}
	return found
}

// scalar is the value with numbers in one form and empty strings as nil.
func scalar(value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case float64:
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	}
	return value
}

// legacySprint reads the id and name out of the text that older sites write for a sprint: a class name, and in
// brackets attributes with commas between them. A comma inside of a value is one that no word and "=" follow.
func legacySprint(text string) (pieces []piece, ok bool) {
	_, list, ok := strings.Cut(text, "[")
	if !ok || !strings.HasPrefix(text, "com.atlassian.greenhopper.service.sprint.Sprint@") || !strings.HasSuffix(list, "]") {
		return nil, false
	}
	var attributes []string
	for part := range strings.SplitSeq(strings.TrimSuffix(list, "]"), ",") {
		if last := len(attributes) - 1; last >= 0 && !isAttribute(part) {
			attributes[last] += "," + part
		} else {
			attributes = append(attributes, part)
		}
	}
	for _, attribute := range attributes {
		if name, value, _ := strings.Cut(attribute, "="); value != "" && (name == "name" || name == "id") {
			pieces = append(pieces, piece{member: name, legacy: true, json: value})
		}
	}
	return pieces, true
}

func isAttribute(part string) bool {
	name, _, ok := strings.Cut(part, "=")
	return ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
