package jql

import (
	"bytes"
	"time"
)

// Terms turns what the JSON of an event says into terms, and gives them to Add. It keeps its buffers
// from value to value and allocates nothing once these have grown. A Terms belongs to one goroutine at a
// time. The term that Add gets is valid until it returns.
type Terms struct {
	// Add takes a term; it must be set.
	Add func(term []byte)

	// Zone is where a date without time begins; nil is UTC.
	Zone *time.Location

	buf      []byte
	from, to termList
}

// JSONType is the type of a JSON value that is not an object, an array or null.
type JSONType uint8

// The JSON types.
const (
	JSONString JSONType = iota + 1
	JSONNumber
	JSONBool
)

// Scalar adds the terms that a plain value, one that stands by itself or in place of an object, has under an aspect of
// a field of kind k. The text is that of the string, the literal of the number, or "true" or "false". The
// empty string is no value and must not be passed. A value may have no term; it is present all the same.
//
// The aspects of the changelog have no terms of values, see [Terms.Change].
func (t *Terms) Scalar(k Kind, a Aspect, typ JSONType, text []byte) {
	switch a {
	case Values:
		t.scalar(k, typ, text)
	case Dates:
		if typ == JSONString && k.typed() {
			t.date(text)
		}
	case Words, Phrases:
		if typ == JSONString && (k.typed() || k == KindText) {
			t.search(a, text)
		}
	case Ranks:
		if typ == JSONString && (k == KindIssue || k == KindLink) {
			t.rank(text)
		}
	}
}

// typed tells that values of the kind compare by their JSON type.
func (k Kind) typed() bool { return k == KindProperty || k == KindAny }

// MembersFor lists the members of an object whose strings and numbers have terms under an aspect. Those of
// [Values] are the ones that [Kind.Members] tells; of no other aspect is there a fallback. The slices are
// shared and must not be changed.
func (k Kind) MembersFor(a Aspect) (members, fallback []string) {
	switch {
	case a == Values:
		return k.Members()
	case a == Names && k == KindUser:
		return displayName, nil
	case a == Ranks && (k == KindIssue || k == KindLink):
		return keyOnly, nil
	case (a == Words || a == Phrases) && k == KindAny:
		return valueName, nil
	}
	return nil, nil
}

var (
	displayName = []string{"displayName"}
	keyOnly     = []string{"key"}
	valueName   = []string{"value", "name"}
)

// Member adds the terms of a string or number that is one of [Kind.MembersFor] of an object; the text is as
// with [Terms.Scalar].
func (t *Terms) Member(k Kind, a Aspect, text []byte) {
	switch a {
	case Values:
		t.name(k, text)
	case Names:
		t.emit(FoldTerm(t.buf[:0], text))
	case Words, Phrases:
		t.search(a, text)
	case Ranks:
		t.rank(text)
	}
}

func (t *Terms) emit(term []byte) {
	t.buf = term
	t.Add(term)
}

func (t *Terms) scalar(k Kind, typ JSONType, text []byte) {
	switch k {
	case KindText:
	case KindNumber:
		t.number(text)
	case KindDate:
		t.moment(typ, text)
	case KindProperty, KindAny:
		t.byType(k, typ, text)
	default:
		if typ != JSONBool && (k != KindSprint || !t.sprint(k, text)) {
			t.name(k, text)
		}
	}
}

// name adds a text by which a value is called.
func (t *Terms) name(k Kind, text []byte) { t.emit(k.AppendTerm(t.buf[:0], text)) }

// byType adds a value that compares by its JSON type.
func (t *Terms) byType(k Kind, typ JSONType, text []byte) {
	switch {
	case typ == JSONNumber:
		t.number(text)
	case typ == JSONBool:
		t.emit(AppendBoolTerm(t.buf[:0], text[0] == 't'))
	case k == KindProperty:
		t.emit(AppendStringTerm(t.buf[:0], text))
	default:
		t.name(k, text)
		t.sprint(k, text)
	}
}

func (t *Terms) number(text []byte) {
	if term, ok := AppendNumberTerm(t.buf[:0], text); ok {
		t.emit(term)
	}
}

func (t *Terms) rank(text []byte) {
	if term, ok := AppendKeyTerm(t.buf[:0], text); ok {
		t.emit(term)
	}
}

func (t *Terms) date(text []byte) {
	if at, ok := parseEventDate(text, t.zone()); ok {
		t.emit(AppendDateTerm(t.buf[:0], at))
	}
}

// moment adds the date that a field of dates holds: a text, or a number of milliseconds.
func (t *Terms) moment(typ JSONType, text []byte) {
	switch typ {
	case JSONString:
		t.date(text)
	case JSONNumber:
		if at, ok := parseEventMillis(text); ok {
			t.emit(AppendDateTerm(t.buf[:0], at))
		}
	}
}

func (t *Terms) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// search adds what ~ looks for in a text.
func (t *Terms) search(a Aspect, text []byte) {
	if a == Phrases {
		if term := AppendPhraseTerm(t.buf[:0], text); len(term) > 0 {
			t.emit(term)
		}
		return
	}
	for word, rest := NextWord(text); len(word) > 0; word, rest = NextWord(rest) {
		t.emit(FoldTerm(t.buf[:0], word))
	}
}

// Sites that run an older Jira write a sprint as what its Java object says of itself:
// com.atlassian.greenhopper.service.sprint.Sprint@1f[id=3,state=ACTIVE,name=Sprint 7,goal=].
var (
	sprintMark = []byte("com.atlassian.greenhopper.service.sprint.Sprint@")
	sprintID   = []byte("id")
	sprintName = []byte("name")
)

// sprint adds the name and id of a sprint in the older form, and reports false for any other text.
func (t *Terms) sprint(k Kind, text []byte) bool {
	_, rest, ok := bytes.Cut(text, []byte{'['})
	if !ok || !bytes.HasPrefix(text, sprintMark) || text[len(text)-1] != ']' {
		return false
	}
	rest = rest[:len(rest)-1]
	for len(rest) > 0 {
		var name, value []byte
		name, value, rest = nextAttribute(rest)
		if len(value) > 0 && (bytes.Equal(name, sprintID) || bytes.Equal(name, sprintName)) {
			t.name(k, value)
		}
	}
	return true
}

// nextAttribute cuts name=value off a list with commas. Values hold commas, too: what begins like an attribute
// after a comma, with a bare word and "=", is the next one, and everything else belongs to this one.
func nextAttribute(text []byte) (name, value, rest []byte) {
	end := 0
	for {
		comma := bytes.IndexByte(text[end:], ',')
		if comma < 0 {
			end = len(text)
			break
		}
		end += comma
		if beginsAttribute(text[end+1:]) {
			rest = text[end+1:]
			break
		}
		end++
	}
	name, value, _ = bytes.Cut(text[:end], []byte{'='})
	return name, value, rest
}

func beginsAttribute(text []byte) bool {
	n := 0
	for n < len(text) && 'a' <= lowerASCII(text[n]) && lowerASCII(text[n]) <= 'z' {
		n++
	}
	return n > 0 && n < len(text) && text[n] == '='
}

// largestKept bounds the buffers that a Terms holds on to after an unusually large value, in bytes.
const largestKept = 1 << 14

// Trim drops buffers that an unusually large value has grown.
func (t *Terms) Trim() {
	if cap(t.buf) > largestKept {
		t.buf = nil
	}
	t.from.trim()
	t.to.trim()
}
