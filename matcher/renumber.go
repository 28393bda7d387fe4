package matcher

import "hookline/jql"

// renumbering moves programs from one snapshot to another: those symbols and conditions that programs name get new
// numbers, and the others stay behind.
//
// The symbols of a slot are numbered one after the other, behind the one of its presence, and those of a slot with few of them
// within one word of an event's bits, so that a list of them is tested at once.
type renumbering struct {
	old           *snapshot
	oldIdentities [][16]byte // of the conditions

	symbols    symbols
	presence   []uint32 // by slot
	values     []uint32 // by slot: how many symbols it has
	conditions []jql.Condition
	identities identities // of the conditions
	interests  interests  // wantTerms only

	symbolAs    []uint32 // by old symbol; 0 for those that stay behind
	conditionAs []uint32 // by old number: the new one plus 1, 0 when not met yet
}

func newRenumbering(old *snapshot, conditions [][16]byte) *renumbering {
	return &renumbering{
		old:           old,
		oldIdentities: conditions,
		presence:      make([]uint32, len(old.fields)),
		values:        make([]uint32, len(old.fields)),
		symbolAs:      make([]uint32, len(old.symbols.terms)),
		conditionAs:   make([]uint32, len(old.conditions)),
	}
}

// mark notes the symbols that a program names.
func (r *renumbering) mark(code []uint32) {
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			r.mark(nodeOf(rest))
		}
	case opCondition:
	default:
		for _, sym := range termsOf(code) {
			r.symbolAs[sym] = 1
		}
	}
}

// number gives the marked symbols their numbers.
func (r *renumbering) number() {
	count, text := 0, 0
	for sym, marked := range r.symbolAs {
		if marked != 0 {
			r.values[r.old.symbols.terms[sym].slot]++
			count++
			text += int(r.old.symbols.terms[sym].size)
		}
	}
	next := r.place()
	r.symbols.terms = make([]term, len(r.symbols.terms), room(len(r.symbols.terms)))
	r.symbols.text = make([]byte, 0, room(text))
	r.symbols.table = newCells(room(count))
	for sym, marked := range r.symbolAs {
		if marked == 0 {
			continue
		}
		slot, text := r.old.symbols.terms[sym].slot, r.old.symbols.of(uint32(sym))
		r.symbols.put(next[slot], slot, text)
		r.symbolAs[sym] = next[slot]
		next[slot]++
	}
}

// place chooses the numbers of presence and returns, by slot, the first number for its symbols.
func (r *renumbering) place() []uint32 {
	next, at := make([]uint32, len(r.values)), uint32(1)
	for slot, n := range r.values {
		if size := n + 1; size <= wordBits && at%wordBits+size > wordBits {
			at += wordBits - at%wordBits
		}
		r.presence[slot], next[slot] = at, at+1
		at += n + 1
	}
	r.symbols.terms = make([]term, at)
	return next
}

// small reports whether all symbols of a slot are in one word of an event's bits.
func (r *renumbering) small(slot uint32) bool {
	first := r.presence[slot]
	return first/wordBits == (first+r.values[slot])/wordBits
}

// node gives a program its new numbers, in place.
func (r *renumbering) node(code []uint32) {
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			r.node(nodeOf(rest))
		}
	case opCondition:
		code[2] = r.condition(code[1], conditionOf(code))
	default:
		// They stay in order, for the symbols of a slot are numbered in the order that they had.
		terms := termsOf(code)
		for i, sym := range terms {
			terms[i] = r.symbolAs[sym]
		}
	}
}

func (r *renumbering) condition(slot, n uint32) uint32 {
	if r.conditionAs[n] == 0 {
		r.conditions = append(r.conditions, r.old.conditions[n])
		r.identities.add(r.oldIdentities[n])
		r.interests.add(slot, wantTerms)
		r.conditionAs[n] = uint32(len(r.conditions))
	}
	return r.conditionAs[n] - 1
}

// compactConditions returns the conditions in an array of the right size.
func (r *renumbering) compactConditions() []jql.Condition {
	return append(make([]jql.Condition, 0, room(len(r.conditions))), r.conditions...)
}
