package queue

import "github.com/cockroachdb/pebble/v2"

type endpointSegment struct {
	endpoint EndpointID
	segment  segment
}

// deleteParked deletes what was parked before a day, and returns where that was. A segment that a write of an accept may
// still come to stays until the next sweep, or its number would be given out again before. byHand must be held.
func (q *Queue) deleteParked(day uint32) (old []endpointSegment, err error) {
	b, next := q.db.NewBatch(), map[EndpointID]*segmentList{}
	defer b.Close()
	for id, list := range q.segments.all() {
		var gone []segment
		for i := range list.parked {
			if p := &list.parked[i]; deadShelf.bucket(p.at) < day && p.quiet() {
				gone = append(gone, p.segment)
				old = append(old, endpointSegment{id, p.segment})
			}
		}
		if len(gone) > 0 {
			next[id] = list.without(gone)
			if err := deleteSegments(b, id, gone); err != nil {
				return nil, err
			}
		}
	}
	if len(next) == 0 {
		return nil, nil
	}
	return old, q.arrange(b, next)
}

// dropOlder lets go of the segments that were parked once and of which nothing waits any more: each costs every read of its
// endpoint a seek. Nothing comes to one that is quiet, so that it is empty can be seen before anyone has to wait.
func (q *Queue) dropOlder() error {
	for id, list := range q.segments.all() {
		var gone []segment
		for i := range list.older {
			s := &list.older[i]
			if !s.quiet() {
				continue
			}
			some := false
			for l := range Lane(lanes) {
				there, err := q.anyFrom(id, l.in(s.segment), start)
				if err != nil {
					return err
				}
				some = some || there
			}
			if !some {
				gone = append(gone, s.segment)
			}
		}
		if len(gone) > 0 || list.single() {
			if err := q.drop(id, gone); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop drops segments that are empty, on the committer's goroutine, which moves the marks of segments that are read. Where none is
// left but the present one, segment 0 becomes that, and once it is alone there is no row any more.
func (q *Queue) drop(id EndpointID, gone []segment) error {
	if !q.gate.enter() {
		return errStopped
	}
	defer q.gate.leave()
	return q.betweenOutcomes(func() error {
		q.byHand.mu.Lock()
		defer q.byHand.mu.Unlock()
		list := q.segments.of(id)
		if list == nil {
			return nil
		}
		b := q.db.NewBatch()
		defer b.Close()
		if err := deleteSegments(b, id, gone); err != nil {
			return err
		}
		next := list.without(gone).restart()
		if err := q.arrange(b, map[EndpointID]*segmentList{id: next}); err != nil {
			return err
		}
		if next.present != list.present {
			q.segments.set(id, next.chosen(list.present, q.writers.over()))
			if e := q.endpoints.find(id); e != nil {
				for l := range e.lanes {
					e.lanes[l].water.known = false
				}
			}
		}
		return nil
	})
}

func deleteSegments(b *pebble.Batch, id EndpointID, gone []segment) error {
	for _, s := range gone {
		if err := deleteSegment(b, id, s); err != nil {
			return err
		}
	}
	return nil
}
