package matcher

// FilterID is the number of a distinct filter. It means something to one View only: an update may number all filters
// anew.
type FilterID uint32

// MatchDistinct appends the filters that hold for e and have subscribers, each once, in no particular order, and returns the
// extended slice. It is [View.Match] for those who do something once per filter, however many subscribe to it: see
// [View.Subscribers]. The same holds for concurrency and memory.
func (v *View) MatchDistinct(dst []FilterID, e *Event) []FilterID {
	v.find(e)
	for _, r := range e.reached {
		for at := r.lo; at < r.hi; at++ {
			if v.subscribed(at) {
				dst = append(dst, FilterID(v.base.leaves[at].filter()))
			}
		}
	}
	for _, n := range e.later {
		if f := &v.delta.filters[n]; v.delta.subs.any(n, f, v.version) && !v.subscribedBefore(f) {
			dst = append(dst, v.laterID(n))
		}
	}
	return dst
}

// laterID returns the number of a filter of the delta: what it is in the base, or one behind those.
func (v *View) laterID(n uint32) FilterID {
	if twin := v.delta.filters[n].twin; twin != 0 {
		return FilterID(twin - 1)
	}
	return FilterID(v.base.filters.len()) + FilterID(n)
}

// subscribed reports whether the filter of a leaf has a subscriber that it had when the base was built.
func (v *View) subscribed(at uint32) bool {
	lo, hi := v.base.leaves[at].ids, v.base.leaves[at+1].ids
	if v.removals.gone == nil {
		return lo < hi
	}
	for lo < hi && !v.removals.lasts(lo, v.version) {
		lo++
	}
	return lo < hi
}

// subscribedBefore reports whether a filter of the delta is in the base as well, with subscribers.
func (v *View) subscribedBefore(f *filter) bool {
	return f.twin != 0 && v.subscribed(v.base.filters.leaves[f.twin-1])
}

// Subscribers appends those of a filter, each once, in no particular order, and returns the extended slice. The filter is one that
// MatchDistinct of the same View returned.
func (v *View) Subscribers(dst []ID, id FilterID) []ID {
	n, later := uint32(id)-uint32(v.base.filters.len()), true
	if int(id) < v.base.filters.len() {
		at := v.base.filters.leaves[id]
		dst = v.appendSubscribers(dst, run{at, at + 1})
		n, later = v.delta.twinOf(uint32(id))
	}
	if later {
		dst = v.delta.subs.collect(dst, n, &v.delta.filters[n], v.version)
	}
	return dst
}
