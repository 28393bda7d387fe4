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
	dst = v.appendSubscribers(dst, e.reached...)
	for _, filter := range e.later {
		dst = v.delta.collect(dst, filter, v.version)
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

// appendSubscribers appends those of runs of leaves.
func (v *View) appendSubscribers(dst []ID, runs ...run) []ID {
	if len(runs) == 0 {
		return dst
	}
	leaves, ids, removals := v.base.leaves, v.base.ids, &v.removals
	if removals.gone == nil {
		for _, r := range runs {
			dst = appendIDs(dst, ids[leaves[r.lo].ids:leaves[r.hi].ids])
		}
		return dst
	}
	for _, r := range runs {
		lo, hi := leaves[r.lo].ids, leaves[r.hi].ids
		for stamped := removals.next(lo, hi); stamped < hi; stamped = removals.next(lo, hi) {
			dst = appendIDs(dst, ids[lo:stamped])
			if removals.lasts(stamped, v.version) {
				dst = append(dst, ids[stamped])
			}
			lo = stamped + 1
		}
		dst = appendIDs(dst, ids[lo:hi])
	}
	return dst
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
	for _, list := range e.lists {
		v.findListed(e, list)
	}
}

// findListed notes the filters of a list of the delta that hold.
func (v *View) findListed(e *Event, list uint32) {
	d := &v.delta
	for post := d.newest(list); post != 0; post = d.words[post] {
		e.work.candidates++
		if filter := d.words[post+postFilter]; v.verify(e, filter) {
			e.later = append(e.later, filter)
		}
	}
}

// verify reports whether a filter of the delta that one of the event's keys led to holds, and was not come across before.
func (v *View) verify(e *Event, filter uint32) bool {
	about := v.delta.words[filter]
	if about&filterShared != 0 && !e.once(uint32(v.base.filters.len())+about>>filterNumber) {
		return false
	}
	if about&filterExact != 0 {
		return true
	}
	e.work.tests++
	return e.holds(v.delta.words[filter+filterProgram:])
}
