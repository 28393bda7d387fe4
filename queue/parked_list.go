package queue

import (
	"cmp"
	"math"
	"slices"
)

// What is parked is listed among the dead letters: a range has the time of its parking, and in it the deliveries of a track are
// in the order of their places, which is that of their marks.

// parkedChunk is how many entries of a parked range are read at first.
const parkedChunk = 32

// parkedSources returns what is parked and selected, in the order of the walk; nothing in a list of anything but dead letters.
func (l *listing) parkedSources() (all []*source) {
	if l.shelf != &deadShelf || !l.q.segments.any() {
		return nil
	}
	add := func(id EndpointID, list *segmentList) {
		for i := range list.parked {
			p := &list.parked[i]
			for lane := range Lane(lanes) {
				s := &source{stream: stream{id, lane.in(p.segment)}, after: l.after, ask: parkedChunk, parked: p}
				first, last := Mark{at: p.at, endpoint: id}, Mark{p.at, id, math.MaxUint64, math.MaxUint16, lanes - 1, end.due}
				if !l.oldest {
					first, last = last, first
				}
				s.head = first
				if p.at >= l.lo && p.at < l.hi && l.beyond(last, l.after) {
					all = append(all, s)
				}
			}
		}
	}
	if l.all {
		for id, list := range l.q.segments.all() {
			add(id, list)
		}
	} else {
		for _, id := range l.endpoints {
			if list := l.q.segments.of(id); list != nil {
				add(id, list)
			}
		}
	}
	slices.SortFunc(all, func(a, b *source) int {
		c := cmp.Or(a.head.compare(b.head), cmp.Compare(a.track, b.track))
		if !l.oldest {
			return -c
		}
		return c
	})
	return all
}

// within returns the keys of a source that are to be read next: the positions from the first up to the second, not included,
// on a shelf.
func (l *listing) within(s *source) (from, until position, sh *shelf) {
	if s.parked == nil {
		from, until = l.bounds(s.stream, s.after)
		return from, until, l.shelf
	}
	if p := l.q.segments.of(s.endpoint).parking(s.track.segment()); p == nil || p.at != s.parked.at {
		return end, end, &waitingShelf // it waits again, or has expired
	}
	from, until = start, end
	if s.after.at == s.parked.at && s.after.endpoint == s.endpoint {
		here := position{s.after.place, s.after.event}
		if l.oldest {
			from = here
		} else {
			until = here.next()
		}
	}
	return from, until, &waitingShelf
}
