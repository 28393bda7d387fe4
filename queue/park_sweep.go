package queue

type endpointSegment struct {
	endpoint EndpointID
	segment  segment
}

// deleteParked deletes what was parked before a day, and returns where that was. A segment that a write of an accept may
// still come to stays until the next sweep, or its number would be given out again before. byHand must be held.
func (q *Queue) deleteParked(day uint32) (old []endpointSegment, err error) {
	for id, list := range q.segments.all() {
		var gone []segment
		for i := range list.parked {
			if p := &list.parked[i]; deadShelf.bucket(p.at) < day && p.quiet() {
				gone = append(gone, p.segment)
				old = append(old, endpointSegment{id, p.segment})
			}
		}
		if len(gone) > 0 {
			if err := q.dropSegments(id, list, gone); err != nil {
				return nil, err
			}
		}
	}
	return old, nil
}

// dropSegments deletes segments and what is in them. byHand must be held.
func (q *Queue) dropSegments(id EndpointID, list *segmentList, gone []segment) error {
	b := q.db.NewBatch()
	defer b.Close()
	for _, s := range gone {
		if err := deleteSegment(b, id, s); err != nil {
			return err
		}
	}
	return q.arrange(b, id, list.without(gone))
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
		if err := q.dropEmpty(id, gone); err != nil {
			return err
		}
	}
	return nil
}

// dropEmpty has the committer do it, which moves the marks of segments that are read.
func (q *Queue) dropEmpty(id EndpointID, gone []segment) error {
	if len(gone) == 0 {
		return nil
	}
	if !q.gate.enter() {
		return errStopped
	}
	defer q.gate.leave()
	return q.betweenOutcomes(func() error {
		q.byHand.mu.Lock()
		defer q.byHand.mu.Unlock()
		return q.dropSegments(id, q.segments.of(id), gone)
	})
}
