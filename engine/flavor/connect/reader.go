package connect

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reader notes what is wrong with the values that it reads, each with its place.
type reader struct{ problems []string }

func (r *reader) add(place, format string, args ...any) {
	switch {
	case len(r.problems) < maxProblems:
		r.problems = append(r.problems, place+": "+fmt.Sprintf(format, args...))
	case len(r.problems) == maxProblems:
		r.problems = append(r.problems, fmt.Sprintf("%s: there is more wrong; the first %d problems are told", place, maxProblems))
	}
}

func absent(raw jsontext.Value) bool { return len(raw) == 0 || raw.Kind() == 'n' }

// text reads a string, "" where there is none.
func (r *reader) text(place string, raw jsontext.Value) string {
	var text string
	if !absent(raw) && json.Unmarshal(raw, &text) != nil {
		r.add(place, "it has to be a string")
	}
	return text
}

// required reads a string that has to be there.
func (r *reader) required(place string, raw jsontext.Value) string {
	before := len(r.problems)
	text := r.text(place, raw)
	if text == "" && len(r.problems) == before {
		r.add(place, "it is missing or empty")
	}
	return text
}

func (r *reader) flag(place string, raw jsontext.Value) bool {
	var on bool
	if !absent(raw) && json.Unmarshal(raw, &on) != nil {
		r.add(place, "it has to be true or false")
	}
	return on
}

func (r *reader) object(place string, raw jsontext.Value) map[string]jsontext.Value {
	if absent(raw) {
		return nil
	}
	if raw.Kind() != '{' {
		r.add(place, "it has to be an object")
		return nil
	}
	o, _ := members(raw) // its grammar was checked with that of the root
	return o
}

func (r *reader) array(place string, raw jsontext.Value) []jsontext.Value {
	var list []jsontext.Value
	if !absent(raw) && json.Unmarshal(raw, &list) != nil {
		r.add(place, "it has to be an array")
	}
	return list
}

// members takes an object apart. The names are taken as they are written, each once.
func members(text []byte) (map[string]jsontext.Value, error) {
	var o map[string]jsontext.Value
	err := json.Unmarshal(text, &o)
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return nil, fmt.Errorf("a name is there twice in one object at byte %d", syntax.ByteOffset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the text ends too early")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%v at byte %d", syntax.Err, syntax.ByteOffset)
	case err != nil || o == nil:
		return nil, errors.New("it is a JSON value of another kind")
	}
	return o, nil
}

type named struct {
	name  string
	value jsontext.Value
}

// sorted lists members by their names, so that problems come in one order.
func sorted(o map[string]jsontext.Value) []named {
	list := make([]named, 0, len(o))
	for name, value := range o {
		list = append(list, named{name, value})
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	return list
}

// shorten bounds what is repeated of a descriptor in a problem.
func shorten(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
