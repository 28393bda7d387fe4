package event

import "hookline/jql"

// take gives the terms of a value that is not an object or array. A value that equals nothing makes
// the field present all the same; null and the empty string are no value.
func (s *Scanner) take(n *node, raw []byte) {
	if len(raw) == 0 || len(n.values)+len(n.names) == 0 {
		return
	}
	typ, text := s.scratch.read(raw)
	if len(text) == 0 {
		return
	}
	for i := range n.values {
		w := &n.values[i]
		s.present(w.slots)
		s.slots = w.slots
		s.terms.Scalar(w.kind, w.aspect, typ, text)
	}
	for i := range n.names {
		s.named(&n.names[i], typ, text)
	}
}

// named gives the terms of a name of an object, and reports whether it is one: a string or number.
func (s *Scanner) named(w *want, typ jql.JSONType, text []byte) bool {
	if len(text) == 0 || typ == jql.JSONBool {
		return false
	}
	s.slots = w.slots
	s.terms.Member(w.kind, w.aspect, text)
	return true
}

// emit passes on a term that s.terms has made for s.slots.
func (s *Scanner) emit(term []byte) { s.add(s.slots, term) }

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

// userMembers are noted before it is known which of them counts.
var userMembers = []string{"accountId", "key", "name", "displayName"}

// user reads a user object. The accountId identifies a user; only sites without account ids send the
// older key and name instead.
func (s *Scanner) user(at int, n *node) int {
	var found [4][]byte
	end := s.pick(at, userMembers, found[:])
	for i := range n.values {
		switch w := &n.values[i]; w.aspect {
		case jql.Values:
			if !s.noted(w, found[0]) {
				s.noted(w, found[1])
				s.noted(w, found[2])
			}
		case jql.Names:
			s.noted(w, found[3])
		}
	}
	return end
}

// noted gives the terms of a name that was noted as raw, and reports whether there is one.
func (s *Scanner) noted(w *want, raw []byte) bool {
	if raw == nil {
		return false
	}
	typ, text := s.scratch.read(raw)
	return s.named(w, typ, text)
}
