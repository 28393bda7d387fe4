package matcher

// probe is the nodes of one access key that the event has, and what kinds of sharing matter there.
type probe struct{ lo, hi, need uint32 }

// ofMany marks, in Event.keys, a key of a field of which the event has several symbols. No key has this bit.
const ofMany uint64 = 1 << 63

// collectKeys lists the access keys that the event has. With crowded, pairs are missing from the list
// and walkPairs must look for them.
func (v *View) collectKeys(e *Event) (crowded bool) {
	e.keys = append(e.keys[:0], always)
	for _, slot := range e.slots {
		s := &e.spans[slot]
		many := uint64(0)
		if s.size > 1 {
			many = ofMany
		}
		for next := s.first; next != 0; next = e.syms[next-1].next {
			e.keys = append(e.keys, uint64(e.syms[next-1].symbol)|many)
		}
		if v.interests.of(slot)&wantPresent != 0 {
			e.keys = append(e.keys, uint64(presentSymbol(slot)))
		}
	}
	for _, slot := range v.interests.empty {
		if e.spans[slot].empty() {
			e.keys = append(e.keys, uint64(emptySymbol(slot)))
		}
	}
	for _, s := range v.base.schemas {
		if uint64(e.spans[s.a].size)*uint64(e.spans[s.b].size) > v.tuning.maxCombinations {
			return true
		}
	}
	for _, s := range v.base.schemas {
		e.collectPairs(&e.spans[s.a], &e.spans[s.b])
	}
	return false
}

func (e *Event) collectPairs(a, b *span) {
	many := uint64(0)
	if a.size > 1 || b.size > 1 {
		many = ofMany
	}
	for i := a.first; i != 0; i = e.syms[i-1].next {
		for j := b.first; j != 0; j = e.syms[j-1].next {
			e.keys = append(e.keys, pairKey(e.syms[i-1].symbol, e.syms[j-1].symbol)|many)
		}
	}
}

// findBuckets looks all keys up, in the base and in the delta, before anything is done with what is found, so that the cache misses overlap.
func (v *View) findBuckets(e *Event, crowded bool) {
	e.runs, e.lists = e.runs[:0], e.lists[:0]
	for _, k := range e.keys {
		key := k &^ ofMany
		hash := mix(key)
		if r := v.base.findHashed(key, hash); r.hi != 0 {
			need := uint32(sharedAlways)
			if k != key {
				need |= sharedIfMany
			}
			e.runs = append(e.runs, probe{r.lo, r.hi, need})
		}
		if v.delta.marked(upper(hash)) {
			if list := v.delta.findHashed(key, upper(hash)); list != 0 {
				e.lists = append(e.lists, list)
			}
		}
	}
	if crowded {
		v.walkPairs(e)
	}
}

// walkPairs adds the buckets and lists of all pairs that the event has.
func (v *View) walkPairs(e *Event) {
	for i := range v.base.table {
		if b := &v.base.table[i]; b.hi != 0 && e.hasPair(b.key) {
			e.runs = append(e.runs, probe{b.lo, b.hi, sharedAlways | sharedIfMany})
		}
	}
	d := &v.delta
	for i := range d.lists {
		if list := d.lists.at(i); list != 0 && list < d.end && e.hasPair(d.keyOf(list)) {
			e.lists = append(e.lists, list)
		}
	}
}

// hasPair reports whether key is a pair and the event has both symbols.
func (e *Event) hasPair(key uint64) bool {
	first, second := uint32(key>>32), uint32(key)
	return first != 0 && e.has(first) && e.has(second)
}
