package queue

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Backlog is how many deliveries of an endpoint wait: those that are neither in hand nor settled, due or due later.
type Backlog struct {
	Endpoint EndpointID
	Waiting  int
}

// Backlogs calls yield for the endpoints for which deliveries wait, in no order, until it returns false. What was there
// at Open is left out until Stats.Counted, and so is what is not expanded of large fan-outs.
//
// It takes a moment per endpoint that has something waiting or had lately, and 16 bytes, and reads no disk. The
// queue may be called from yield.
func (q *Queue) Backlogs(yield func(Backlog) bool) {
	var all []Backlog
	q.endpoints.each(func(e *endpoint) {
		if n := e.owed - int64(len(e.held)); n > 0 {
			all = append(all, Backlog{e.id, int(n)})
		}
	})
	for _, b := range all {
		if !yield(b) {
			return
		}
	}
}

// counted counts a delivery of an accept into its endpoint, which is locked, and reports whether it waits: it may have been
// parked already. stamp is the number of removals before its write began.
//
// A removal moves the counts of what its snapshot has, once for all. What was being written then is in that snapshot or
// not, so here its own part is added for those that did not see it. That is looked for on disk, and rare: it takes a removal at
// the endpoint during the accept.
func (q *Queue) counted(e *endpoint, l Lane, it *item, stamp uint64) (waits bool) {
	if len(e.removals) == 0 {
		e.owed++
		return true
	}
	key := appendDeliveryKey(nil, e.id, l.in(it.segment), it.pos)
	var since []*removal
	for _, r := range e.removals {
		if r.number > stamp && slices.Contains(r.segments, it.segment) {
			since = append(since, r)
		}
	}
	owed := int64(1) // that nobody else counts
	there := false
	for i, r := range since {
		before, seen := there, q.saw(r.snapshot, key)
		there = seen
		switch {
		case before && !seen: // as a letter it was discarded or sent again, which is counted
			return false
		case r.kind == parks:
			owed = 0
			if !seen {
				q.moved(l, it.accepted, -1)
			}
		case r.kind == unparks && !seen:
			owed = 1
			q.moved(l, it.accepted, 1)
		case r.kind == purges && seen:
			return false
		case r.kind == purges && !q.outlived(since[i+1:], key):
			// It was committed between the snapshot and the deletion.
			q.ended(l, it.accepted, it.pos.due, 1)
			q.counts.purged.Add(1)
			return false
		}
	}
	e.owed += owed
	return q.segments.of(e.id).parking(it.segment) == nil
}

// saw reports whether a key was there. What cannot be read was not: then the counts are wrong by one.
func (q *Queue) saw(r pebble.Reader, key []byte) bool {
	there, err := has(r, key)
	return there && err == nil
}

// outlived reports whether a key was there after a purge, when later removals were made or now.
func (q *Queue) outlived(later []*removal, key []byte) bool {
	for _, r := range later {
		if q.saw(r.snapshot, key) {
			return true
		}
	}
	return q.saw(q.db, key)
}

// moved counts a dead letter that waits again, or with -1 a delivery that has been parked.
func (q *Queue) moved(l Lane, accepted micros, n int64) {
	q.owe(l, accepted, q.clock.present(), n)
	q.counts.dead.Add(-n)
}

// owe counts deliveries into the queue; ended counts them out.
func (q *Queue) owe(l Lane, accepted, now micros, n int64) {
	q.counts.stored.Add(n)
	q.ages.add(now, l, accepted, n)
}

func (q *Queue) ended(l Lane, accepted, now micros, n int64) { q.owe(l, accepted, now, -n) }
