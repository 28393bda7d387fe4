package matcher

import (
	"slices"

	"hookline/jql"
)

// renumbering moves programs from one snapshot to another: symbols and conditions get new numbers as
// they are met, and those that no program names stay behind.
type renumbering struct {
	old           *snapshot
	oldIdentities [][16]byte // of the conditions

	symbols    symbols
	conditions []jql.Condition
	identities identities // of the conditions
	interests  interests  // wantTerms only

	symbolAs    []uint32 // by old symbol, 0 when not met yet
	conditionAs []uint32 // by old number: the new one plus 1, 0 when not met yet
}

func newRenumbering(old *snapshot, conditions [][16]byte) *renumbering {
	return &renumbering{
		old:           old,
		oldIdentities: conditions,
		symbolAs:      make([]uint32, len(old.symbols.terms)),
		conditionAs:   make([]uint32, len(old.conditions)),
	}
}

// program appends a renumbered program to code.
func (r *renumbering) program(code, program []uint32) []uint32 {
	start := len(code)
	code = append(code, program...)
	r.node(code[start:])
	return code
}

func (r *renumbering) node(code []uint32) {
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			r.node(nodeOf(rest))
		}
	case opCondition:
		code[2] = r.condition(code[1], conditionOf(code))
	default:
		terms := termsOf(code)
		for i, sym := range terms {
			terms[i] = r.symbol(sym)
		}
		slices.Sort(terms)
	}
}

func (r *renumbering) symbol(sym uint32) uint32 {
	if r.symbolAs[sym] == 0 {
		old := &r.old.symbols
		r.symbolAs[sym] = r.symbols.intern(old.terms[sym].slot, old.of(sym))
	}
	return r.symbolAs[sym]
}

func (r *renumbering) condition(slot, n uint32) uint32 {
	if r.conditionAs[n] == 0 {
		r.conditions = append(r.conditions, r.old.conditions[n])
		r.identities.add(r.oldIdentities[n])
		r.interests = r.interests.with(slot, wantTerms)
		r.conditionAs[n] = uint32(len(r.conditions))
	}
	return r.conditionAs[n] - 1
}

// compactConditions returns the conditions in an array of the right size.
func (r *renumbering) compactConditions() []jql.Condition {
	return append(make([]jql.Condition, 0, room(len(r.conditions))), r.conditions...)
}
