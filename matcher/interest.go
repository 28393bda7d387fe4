package matcher

import "slices"

// interest says what filters want to know of a slot besides its symbols.
type interest uint8

const (
	wantPresent interest = 1 << iota // some filter is filed under "the field is not empty"
	wantEmpty                        // some filter is filed under "the field is empty"
	wantTerms                        // some condition looks at the terms themselves
)

// interests is what is wanted, by slot. Snapshots share the slices, so what a writer adds goes to a copy.
type interests struct {
	bySlot []interest // slots beyond its end are not asked about
	empty  []uint32   // the slots with wantEmpty
}

func (s *interests) of(slot uint32) interest {
	if int(slot) < len(s.bySlot) {
		return s.bySlot[slot]
	}
	return 0
}

// add adds to what is wanted of a slot, in place.
func (s *interests) add(slot uint32, want interest) {
	for int(slot) >= len(s.bySlot) {
		s.bySlot = append(s.bySlot, 0)
	}
	if want == wantEmpty && s.bySlot[slot]&wantEmpty == 0 {
		s.empty = append(s.empty, slot)
	}
	s.bySlot[slot] |= want
}

// addKey adds the question that an access key asks about a slot, if it is of that kind.
func (s *interests) addKey(key uint64) {
	if slot, want, asks := questionOf(key); asks {
		s.add(slot, want)
	}
}

func questionOf(key uint64) (slot uint32, want interest, asks bool) {
	if key < reserved || key>>32 != 0 {
		return 0, 0, false
	}
	if key&1 != 0 {
		return uint32(key) &^ reserved >> 1, wantEmpty, true
	}
	return uint32(key) &^ reserved >> 1, wantPresent, true
}

// cloned returns a copy that may be added to in place.
func (s interests) cloned() interests {
	return interests{slices.Clone(s.bySlot), slices.Clone(s.empty)}
}
