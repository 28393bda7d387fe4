package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/jql"
)

// Members that are noted before it is known which of them counts.
var (
	userMembers     = []string{"accountId", "key", "name"}
	changeMembers   = []string{"fieldId", "field"}
	propertyMembers = []string{"key", "value"}
)

// take gives the term of a value that is not an object or array. A value that equals nothing makes
// the field present all the same; null and the empty string are no value.
func (s *Scanner) take(n *node, raw []byte) {
	var term []byte
	switch n.take {
	case takeField, takeMember:
		if text := s.scratch.textOrNumber(raw); len(text) > 0 {
			term = s.scratch.fieldTerm(n.kind, text)
		}
	case takeProperty:
		term = s.scratch.propertyTerm(raw)
	}
	if len(term) > 0 {
		s.add(n.slots, term)
		return
	}
	if (n.take == takeField || n.take == takeProperty) && !isNothing(raw) {
		s.present(n.slots)
	}
}

// isNothing reports whether raw is null or the empty string.
func isNothing(raw []byte) bool { return raw[0] == 'n' || len(raw) == 2 && raw[0] == '"' }

func (s *Scanner) add(slots []int, term []byte) {
	for _, slot := range slots {
		s.out.Add(slot, term)
	}
}

func (s *Scanner) present(slots []int) {
	for _, slot := range slots {
		s.out.SetPresent(slot)
	}
}

// addNoted gives the text of a noted member as it is, and reports whether there was any.
func (s *Scanner) addNoted(n *node, raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	text := s.scratch.textOrNumber(raw)
	if len(text) > 0 {
		s.add(n.slots, text)
	}
	return len(text) > 0
}

// user reads a user object. The accountId identifies a user; only sites without account ids send the
// older key and name instead.
func (s *Scanner) user(n *node) error {
	var found [3][]byte
	if err := s.pick(userMembers, found[:]); err != nil {
		return err
	}
	if !s.addNoted(n, found[0]) {
		s.addNoted(n, found[1])
		s.addNoted(n, found[2])
	}
	return nil
}

// change reads one item of a changelog.
func (s *Scanner) change(n *node) error {
	var found [2][]byte
	if err := s.pick(changeMembers, found[:]); err != nil {
		return err
	}
	if !s.addNoted(n, found[0]) {
		s.addNoted(n, found[1])
	}
	return nil
}

// scratch holds the texts that have no place in the body as they are. A result is good until the next
// call of the same method.
type scratch struct {
	plain []byte // a string without its escapes
	term  []byte
}

// escaped reports whether a string, without its quotes, needs unescaping.
func escaped(inner []byte) bool { return bytes.IndexByte(inner, '\\') >= 0 }

// text returns what a quoted string says.
func (x *scratch) text(raw []byte) []byte {
	if inner := raw[1 : len(raw)-1]; !escaped(inner) {
		return inner
	}
	x.plain, _ = jsontext.AppendUnquote(x.plain[:0], raw) // the decoder has checked raw
	return x.plain
}

// textOrNumber returns what a string says, or a number as it is written; nothing for other values.
func (x *scratch) textOrNumber(raw []byte) []byte {
	switch jsontext.Kind(raw[0]) {
	case '"':
		return x.text(raw)
	case '{', '[', 'n', 't', 'f':
		return nil
	default:
		return raw
	}
}

func (x *scratch) fieldTerm(k jql.Kind, text []byte) []byte {
	x.term = k.AppendTerm(x.term[:0], text)
	return x.term
}

// propertyTerm returns the term of an entity property's value, nothing for a value without one.
func (x *scratch) propertyTerm(raw []byte) []byte {
	x.term = x.term[:0]
	switch jsontext.Kind(raw[0]) {
	case 'n':
	case '"':
		x.term = jql.AppendStringTerm(x.term, x.text(raw))
	case 't', 'f':
		x.term = jql.AppendBoolTerm(x.term, raw[0] == 't')
	default:
		x.term, _ = jql.AppendNumberTerm(x.term, raw)
	}
	return x.term
}

// trim drops buffers that an unusually large value has grown.
func (x *scratch) trim() {
	for _, b := range []*[]byte{&x.plain, &x.term} {
		if cap(*b) > largestKept {
			*b = nil
		}
	}
}
