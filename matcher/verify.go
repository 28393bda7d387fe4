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
		return e.has(code[2])
	case opIn:
		return e.hasAny(code[1], termsOf(code))
	case opInOrEmpty:
		return e.spans[code[1]].empty() || e.hasAny(code[1], termsOf(code))
	case opCondition:
		return e.decide(code[1], conditionOf(code))
	}
	return !e.spans[code[1]].empty() && !e.hasAny(code[1], termsOf(code))
}

// hasAny reports whether the event has one of the symbols of a slot, which ascend.
func (e *Event) hasAny(slot uint32, symbols []uint32) bool {
	const fewSymbols = 16 // so many bits are looked at sooner than a list is searched
	if len(symbols) > fewSymbols {
		return e.hasAnyOfMany(slot, symbols)
	}
	for _, sym := range symbols {
		if e.has(sym) {
			return true
		}
	}
	return false
}

func (e *Event) hasAnyOfMany(slot uint32, symbols []uint32) bool {
	for next := e.spans[slot].first; next != 0; next = e.syms[next-1].next {
		if _, found := slices.BinarySearch(symbols, e.syms[next-1].symbol); found {
			return true
		}
	}
	return false
}
