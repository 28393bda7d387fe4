package matcher

import (
	"slices"

	"hookline/jql"
)

// usualProgram is about how many words the program of a filter has.
const usualProgram = 16

// fill makes the first base, of all that the update adds. Nobody looks at a delta before it, nor asks what a subscriber had: the
// delta is only where the merger finds the programs. Of several filters for one subscriber the last counts.
func (w *writer) fill(add []Entry) (changed bool) {
	if len(add) == 0 {
		return false
	}
	order := make([]uint64, len(add)) // subscriber<<32 | place in add
	for i := range add {
		order[i] = uint64(add[i].ID)<<32 | uint64(i)
	}
	slices.Sort(order)
	held := make([]holding, 0, len(add))
	known := newIdentities(len(add))
	w.delta.filters = make([]filter, 0, len(add))
	w.delta.code = make([]uint32, 0, usualProgram*len(add))
	for i, at := range order {
		if i+1 < len(order) && order[i+1]>>32 == at>>32 {
			continue
		}
		held = append(held, holding{ID(at >> 32), w.stage(add[uint32(at)].Filter, &known)})
	}
	w.merge(&merger{old: w.snapshot, identities: w.conditionIdentities.all, held: held})
	return true
}

// stage returns the number of a filter in the delta of an index without a base.
func (w *writer) stage(f *jql.Filter, known *identities) uint32 {
	identity := f.Identity()
	n, ok := known.find(identity)
	if !ok {
		n = uint32(len(known.all))
		known.add(identity)
		w.delta.filters = append(w.delta.filters, filter{code: uint32(len(w.delta.code))})
		w.delta.code = w.encode(w.delta.code, f.Root())
	}
	return n
}
