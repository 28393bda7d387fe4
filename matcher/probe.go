package matcher

// collectKeys lists the access keys that the event has. With crowded, pairs are missing from the list
// and walkPairs must look for them.
func (v *View) collectKeys(e *Event) (crowded bool) {
	e.keys = append(e.keys[:0], always)
	for _, sym := range e.syms {
		e.keys = append(e.keys, uint64(sym))
	}
	for slot, want := range v.interests {
		if want == 0 {
			continue
		}
		if empty := e.spans[slot].empty(); empty && want&wantEmpty != 0 {
			e.keys = append(e.keys, uint64(emptySymbol(uint32(slot))))
		} else if !empty && want&wantPresent != 0 {
			e.keys = append(e.keys, uint64(presentSymbol(uint32(slot))))
		}
	}
	for _, s := range v.base.schemas {
		if uint64(e.spans[s.a].size)*uint64(e.spans[s.b].size) > v.tuning.maxCombinations {
			return true
		}
	}
	v.collectPairs(e)
	return false
}

func (v *View) collectPairs(e *Event) {
	for _, s := range v.base.schemas {
		a, b := &e.spans[s.a], &e.spans[s.b]
		if a.size == 1 && b.size == 1 {
			e.keys = append(e.keys, pairKey(a.first, b.first))
			continue
		}
		for _, first := range e.of(a) {
			for _, second := range e.of(b) {
				e.keys = append(e.keys, pairKey(first, second))
			}
		}
	}
}

// walkPairs adds the runs of all pairs of the base that the event has.
func (v *View) walkPairs(e *Event) {
	for i := range v.base.table {
		if b := &v.base.table[i]; b.hi != 0 && v.hasPair(e, b.key) {
			e.runs = append(e.runs, run{b.lo, b.hi})
		}
	}
}

// hasPair reports whether key is a pair and the event has both symbols.
func (v *View) hasPair(e *Event, key uint64) bool {
	first, second := uint32(key>>32), uint32(key)
	if first == 0 {
		return false
	}
	terms := v.symbols.terms
	return e.has(terms[first].slot, first) && e.has(terms[second].slot, second)
}
