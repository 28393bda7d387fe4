package matcher

import "slices"

// holds runs the program at the beginning of code against the event. But for conditions it compares
// integers only.
func (e *Event) holds(code []uint32) bool {
	switch opOf(code) {
	case opAll:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			if !e.holds(rest) {
				return false
			}
		}
		return true
	case opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			if e.holds(rest) {
				return true
			}
		}
		return false
	case opIs:
		s := &e.spans[code[1]]
		return s.first == code[2] || s.size > 1 && contains(e.of(s), code[2])
	case opIn:
		return e.common(&e.spans[code[1]], termsOf(code))
	case opInOrEmpty:
		s := &e.spans[code[1]]
		return s.empty() || e.common(s, termsOf(code))
	case opCondition:
		return e.decide(code[1], conditionOf(code))
	}
	s := &e.spans[code[1]]
	return !s.empty() && !e.common(s, termsOf(code))
}

// common reports whether a field has one of the terms.
func (e *Event) common(s *span, terms []uint32) bool {
	if s.size <= 1 {
		return s.size == 1 && contains(terms, s.first)
	}
	few, many := e.of(s), terms
	if len(few) > len(many) {
		few, many = many, few
	}
	for _, sym := range few {
		if contains(many, sym) {
			return true
		}
	}
	return false
}

// contains searches ascending symbols. Below linearLimit a scan beats the branches of a binary search.
func contains(sorted []uint32, sym uint32) bool {
	const linearLimit = 12
	if len(sorted) > linearLimit {
		_, found := slices.BinarySearch(sorted, sym)
		return found
	}
	for _, s := range sorted {
		if s == sym {
			return true
		}
	}
	return false
}
