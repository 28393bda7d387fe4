package queue

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// removal is something done at once to all that waits for an endpoint, or to all that is parked of it.
type removal struct {
	kind     removalKind
	number   uint64    // of all removals
	segments []segment // it is about
	// snapshot has what is to be counted: from just before a purge, and from just after it was parked or unparked, whose
	// keys stay.
	snapshot *pebble.Snapshot
	over     <-chan struct{} // closed when the writes that were in progress then have ended
}

type removalKind uint8

const (
	purges removalKind = iota
	parks
	unparks
)

// removed notes a removal whose batch is committed. The endpoint is locked.
func (q *Queue) removed(e *endpoint, kind removalKind, segments []segment, snapshot *pebble.Snapshot) *removal {
	r := &removal{
		kind: kind, number: q.endpoints.removals.Add(1), segments: segments, snapshot: snapshot, over: q.writers.over(),
	}
	e.removals = append(e.removals, r)
	if kind != unparks {
		e.emptied = r.number
	}
	return r
}

// release lets go of a removal's snapshot, when no write is in progress any more that may have to look at it.
func (q *Queue) release(e *endpoint, r *removal) {
	e.mu.Lock()
	e.removals = slices.DeleteFunc(e.removals, func(other *removal) bool { return other == r })
	e.mu.Unlock()
	if err := r.snapshot.Close(); err != nil {
		q.log.Error("queue: closing a snapshot failed", "endpoint", uint64(e.id), "err", err)
	}
}

// tally counts what a removal is about, by lane, and counts it into the ages or, with -1, out of them.
func (q *Queue) tally(id EndpointID, r *removal, sign int64) (sum [lanes]int64, err error) {
	now := q.clock.present()
	census := newCensus(now)
	for _, s := range r.segments {
		lo, hi := segmentSpan(id, s)
		err = errors.Join(err, q.eachReadable(r.snapshot, lo, hi, ofDelivery(func(_ EndpointID, t track, accepted micros) {
			census.count(t.lane(), accepted, sign)
			sum[t.lane()]++
		})))
	}
	if err != nil {
		return [lanes]int64{}, err
	}
	q.ages.merge(now, census)
	return sum, nil
}

// deleteSegment deletes the deliveries in a segment, with its low-water marks, which may not be there when the segment gets other
// deliveries.
func deleteSegment(b *pebble.Batch, id EndpointID, s segment) error {
	lo, hi := segmentSpan(id, s)
	if err := b.DeleteRange(lo, hi, nil); err != nil {
		return err
	}
	lo, hi = replaySpan(id, s)
	if err := b.DeleteRange(lo, hi, nil); err != nil {
		return err
	}
	for l := range Lane(lanes) {
		if err := b.Delete(appendWaterKey(nil, id, l.in(s)), nil); err != nil {
			return err
		}
	}
	return nil
}
