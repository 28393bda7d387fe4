package matcher

import "hookline/jql"

// View is one state of an Index. It never changes and stays valid for ever; a state that nobody holds
// any longer is garbage.
type View struct{ snapshot }

// snapshot is everything that matching reads. The writer keeps one as well and goes on appending to the
// same arrays, at places that no published snapshot looks at.
type snapshot struct {
	tuning      *tuning
	fields      []jql.Field
	symbols     symbols
	code        []uint32        // programs
	conditions  []jql.Condition // by number
	filters     []filter
	subs        subscriptions
	base        *base
	delta       delta
	interests   interests
	version     uint32
	subscribers int
}

// filter is one distinct filter: where its program begins, and its run of subscribers.
type filter struct {
	code   uint32
	lo, hi uint32
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
	if e.view != v {
		panic("matcher: the event was not reset for this view")
	}
	if len(v.filters) == 0 {
		return dst
	}
	e.seal()
	e.begin(len(v.filters), len(v.conditions))
	crowded := v.collectKeys(e)
	dst = v.matchBase(dst, e, crowded)
	return v.matchDelta(dst, e, crowded)
}

// matchBase first finds all runs and then goes through them, so that the cache misses of the lookups
// overlap.
func (v *View) matchBase(dst []ID, e *Event, crowded bool) []ID {
	e.runs = e.runs[:0]
	for _, key := range e.keys {
		if r := v.base.find(key); r.hi != 0 {
			e.runs = append(e.runs, r)
		}
	}
	if crowded {
		v.walkPairs(e)
	}
	for _, r := range e.runs {
		for _, p := range v.base.posts[r.lo:r.hi] {
			dst = v.visit(dst, e, p)
		}
	}
	return dst
}

func (v *View) matchDelta(dst []ID, e *Event, crowded bool) []ID {
	if len(v.delta.keys) == 0 {
		return dst
	}
	for _, key := range e.keys {
		if k := v.delta.find(key); k != 0 {
			dst = v.visitChain(dst, e, k)
		}
	}
	if crowded {
		for k := 1; k < len(v.delta.keys); k++ {
			if v.hasPair(e, v.delta.keys[k]) {
				dst = v.visitChain(dst, e, uint32(k))
			}
		}
	}
	return dst
}

func (v *View) visitChain(dst []ID, e *Event, list uint32) []ID {
	posts := &v.delta.posts
	for n := posts.first(list); n != 0; n = posts.nodes[n].next {
		dst = v.visit(dst, e, post(posts.nodes[n].value))
	}
	return dst
}

// visit verifies a filter that one of the event's keys led to, and appends its subscribers.
func (v *View) visit(dst []ID, e *Event, p post) []ID {
	n := uint32(p & postFilter)
	if p&postShared != 0 && !e.once(n) {
		return dst
	}
	f := &v.filters[n]
	if p&postExact == 0 && !e.holds(v.code[f.code:]) {
		return dst
	}
	return v.subs.collect(dst, n, f, v.version)
}
