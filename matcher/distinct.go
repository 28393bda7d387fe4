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
	for _, filter := range e.later {
		if v.delta.subscribed(filter, v.version) && !v.subscribedBefore(filter) {
			dst = append(dst, v.laterID(filter))
		}
	}
	return dst
}

// laterID returns the number of a filter of the delta: what it is in the base, or one behind those.
func (v *View) laterID(filter uint32) FilterID {
	if twin := v.delta.words[filter+filterTwin]; twin != 0 {
		return FilterID(twin - 1)
	}
	return FilterID(v.base.filters.len()) + FilterID(v.delta.number(filter))
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
func (v *View) subscribedBefore(filter uint32) bool {
	twin := v.delta.words[filter+filterTwin]
	return twin != 0 && v.subscribed(v.base.filters.leaves[twin-1])
}

// Subscribers appends those of a filter, each once, in no particular order, and returns the extended slice. The filter is one that
// MatchDistinct of the same View returned.
func (v *View) Subscribers(dst []ID, id FilterID) []ID {
	if first := v.base.filters.len(); int(id) >= first {
		return v.delta.collect(dst, v.delta.filters[int(id)-first], v.version)
	}
	at := v.base.filters.leaves[id]
	dst = v.appendSubscribers(dst, run{at, at + 1})
	if filter, later := v.delta.twinOf(uint32(id)); later {
		dst = v.delta.collect(dst, filter, v.version)
	}
	return dst
}
