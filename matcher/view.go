package matcher

import (
	"slices"

	"hookline/jql"
)

// View is one state of an Index. It never changes and stays valid for ever; a state that nobody holds
// any longer is garbage.
type View struct{ snapshot }

// snapshot is everything that matching reads. The writer keeps one as well and goes on appending to the
// same arrays, at places that no published snapshot looks at.
type snapshot struct {
	tuning      *tuning
	fields      []jql.Field
	symbols     symbols
	presence    []uint32        // by slot: the symbol that says that the field is not empty
	conditions  []jql.Condition // by number
	interests   interests
	seen        sightings
	filings     Filings
	base        *base
	removals    removals // from the base
	delta       delta
	version     uint32
	subscribers int
}

// Fields returns the fields that the filters ask for; the index of a field is its slot. An index only
// ever appends to its fields, so what was worked out for a slot holds for all later views. The caller
// must not change the slice.
func (v *View) Fields() []jql.Field { return v.fields[:len(v.fields):len(v.fields)] }

// Match appends the subscribers whose filter holds for e, each once, in no particular order, and
// returns the extended slice. e must have been Reset for v.
//
// It may be called by many goroutines with events of their own. Nothing is allocated once e has seen a
// few events and dst has room.
func (v *View) Match(dst []ID, e *Event) []ID {
	v.find(e)
	dst = slices.Grow(dst, v.atMost(e.reached))
	for _, r := range e.reached {
		dst = v.appendSubscribers(dst, r)
	}
	for _, n := range e.later {
		dst = v.delta.subs.collect(dst, n, &v.delta.filters[n], v.version)
	}
	return dst
}

// atMost returns how many subscribers the leaves of runs have, with those that are gone.
func (v *View) atMost(runs []run) (n int) {
	for _, r := range runs {
		n += int(v.base.leaves[r.hi].ids - v.base.leaves[r.lo].ids)
	}
	return n
}

// appendSubscribers appends those of a run of leaves.
func (v *View) appendSubscribers(dst []ID, r run) []ID {
	lo, hi := v.base.leaves[r.lo].ids, v.base.leaves[r.hi].ids
	if v.removals.gone == nil {
		return appendIDs(dst, v.base.ids[lo:hi])
	}
	for {
		stamped := v.removals.next(lo, hi)
		dst = appendIDs(dst, v.base.ids[lo:stamped])
		if stamped == hi {
			return dst
		}
		if v.removals.lasts(stamped, v.version) {
			dst = append(dst, v.base.ids[stamped])
		}
		lo = stamped + 1
	}
}

// appendIDs is append, which does not pay for a handful.
func appendIDs(dst, ids []ID) []ID {
	const handful = 8
	if len(ids) > handful {
		return append(dst, ids...)
	}
	//lint:ignore S1011 the point of the function
	for _, id := range ids {
		dst = append(dst, id)
	}
	return dst
}

// find notes the filters that hold for the event: the leaves of the base, and those of the delta.
func (v *View) find(e *Event) {
	if e.view != v {
		panic("matcher: the event was not reset for this view")
	}
	e.reached, e.later = e.reached[:0], e.later[:0]
	if v.base == nil {
		return
	}
	e.begin(v.base.filters.len()+len(v.delta.filters), len(v.conditions))
	crowded := v.collectKeys(e)
	v.findBuckets(e, crowded)
	for _, p := range e.runs {
		e.work.candidates += int(v.base.nodes[p.hi].leaf - v.base.nodes[p.lo].leaf)
		e.scan(v.base, p.lo, p.hi, p.need)
	}
	if len(v.delta.keys) > 0 {
		v.findLater(e, crowded)
	}
}

// findLater looks through the delta.
func (v *View) findLater(e *Event, crowded bool) {
	d := &v.delta
	for _, key := range e.keys {
		if k := d.find(key &^ ofMany); k != 0 {
			v.visitChain(e, k)
		}
	}
	if crowded {
		for k := 1; k < len(d.keys); k++ {
			if e.hasPair(d.keys[k]) {
				v.visitChain(e, uint32(k))
			}
		}
	}
}

func (v *View) visitChain(e *Event, list uint32) {
	posts := &v.delta.posts
	for n := posts.first(list); n != 0; n = posts.nodes[n].next {
		e.work.candidates++
		if at, holds := v.verify(e, post(posts.nodes[n].value)); holds {
			e.later = append(e.later, at)
		}
	}
}

// verify reports whether a filter of the delta that one of the event's keys led to holds, and was not come across before.
func (v *View) verify(e *Event, p post) (at uint32, holds bool) {
	at = uint32(p & postFilter)
	if p&postShared != 0 && !e.once(uint32(v.base.filters.len())+at) {
		return at, false
	}
	if p&postExact != 0 {
		return at, true
	}
	e.work.tests++
	return at, e.holds(v.delta.code[v.delta.filters[at].code:])
}
