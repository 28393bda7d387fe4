package jql

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// fieldValue is one value of a field as Evaluate sees it: whatever JSON holds, and how it compares.
type fieldValue struct {
	json  any
	exact bool // case matters
	typed bool // an entity property, which compares by its type
}

// equals compares the value with the text of an operand.
func (v fieldValue) equals(text string) bool {
	switch value := v.json.(type) {
	case string:
		if v.exact || v.typed {
			return value == text
		}
		return strings.EqualFold(value, text)
	case json.Number:
		switch {
		case v.typed:
			return sameNumber(value.String(), text)
		case v.exact:
			return value.String() == text
		}
		return strings.EqualFold(value.String(), text)
	case bool:
		return v.typed && text == strconv.FormatBool(value)
	}
	return false
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE]([+-]?[0-9]+))?$`)

// sameNumber compares two texts as decimal numbers.
func sameNumber(a, b string) bool {
	x, ok := parseNumber(a)
	if !ok {
		return false
	}
	y, ok := parseNumber(b)
	return ok && x.Cmp(y) == 0
}

func parseNumber(text string) (*big.Rat, bool) {
	parts := decimal.FindStringSubmatch(text)
	if parts == nil {
		return nil, false
	}
	if parts[3] != "" {
		if n, err := strconv.Atoi(parts[3]); err != nil || n < -MaxExponent || n > MaxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// valuesOf looks up the values of a field. None means that the field is empty.
func valuesOf(body map[string]any, field Field, info FieldInfo) []fieldValue {
	if info.Kind == KindProperty {
		return propertyValues(body, field, info.Path)
	}
	var found []fieldValue
	eachValue(member(body, info.Path), func(value any) {
		object, ok := value.(map[string]any)
		if !ok {
			found = append(found, fieldValue{json: value, exact: info.Kind == KindUser})
			return
		}
		found = append(found, memberValues(object, info.Kind)...)
	})
	return found
}

// memberValues are the names that an object goes by. An object without any is still a value, which
// equals nothing.
func memberValues(object map[string]any, kind Kind) []fieldValue {
	members, fallback := kind.Members()
	var found []fieldValue
	for _, names := range [][]string{members, fallback} {
		for _, name := range names {
			switch v := scalar(object[name]).(type) {
			case string, json.Number:
				found = append(found, fieldValue{json: v, exact: kind == KindUser})
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return []fieldValue{{json: object}}
}

// propertyValues reads an entity property from the issue and, when the event is that the property was
// set, from the root of the body as well.
func propertyValues(body map[string]any, field Field, path []string) []fieldValue {
	var found []fieldValue
	collect := func(root any) {
		eachStep(root, field.Steps(), func(value any) {
			found = append(found, fieldValue{json: value, typed: true})
		})
	}
	if properties, ok := member(body, path).(map[string]any); ok {
		collect(properties[field.Key])
	}
	if set, ok := body["property"].(map[string]any); ok &&
		body["webhookEvent"] == "issue_property_set" && set["key"] == field.Key {
		collect(set["value"])
	}
	return found
}

// eachStep follows the steps of a property's path; arrays on the way stand for each of their elements.
func eachStep(value any, steps []string, visit func(any)) {
	if len(steps) == 0 {
		eachValue(value, visit)
		return
	}
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			eachStep(element, steps, visit)
		}
	case map[string]any:
		eachStep(value[steps[0]], steps[1:], visit)
	}
}

// eachValue visits a value, or the elements of an array; nothing is no value.
func eachValue(value any, visit func(any)) {
	if array, ok := value.([]any); ok {
		for _, element := range array {
			eachValue(element, visit)
		}
		return
	}
	switch value := scalar(value).(type) {
	case nil:
	default:
		visit(value)
	}
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

// member follows a path of member names through objects.
func member(value any, path []string) any {
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}
