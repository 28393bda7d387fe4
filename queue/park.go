package queue

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// ErrTooManyParked is returned by Park for an endpoint of which more than a hundred parks are kept, or were unparked and have
// not ended yet. What waits can be given up one by one instead.
var ErrTooManyParked = errors.New("queue: too many parked ranges of one endpoint")

// Park makes dead letters of all that waits for an endpoint, due or due later, in either lane, with the given reason and the
// present as the time of their death. It takes no longer for a million than for one: their keys stay where they
// are, and one key says that they are parked. When it returns that is durable. DeadLetters, Resend, Discard and
// Options.KeepDead make no difference between them and others; Unpark makes all of them wait again.
//
// Deliveries in hand stay in hand: they are settled as ever, and wait if they are released or due again. Those that stand
// in line behind others are parked like the rest. A message whose Accept is in progress at the same time may be parked
// or wait. What is not expanded yet of large fan-outs waits once it is: the destinations of those are in no order. Flush waits
// for that.
//
// Stats and OldestAge follow within moments, see Stats.Counted, and then Options.Parked is called.
//
// Errors: ErrClosed; ErrTooManyParked; for no reason at all; one of the database.
func (q *Queue) Park(id EndpointID, why Reason) error {
	if why == 0 || why > lastReason {
		return fmt.Errorf("queue: park: %v", why)
	}
	return q.remove(id, func(e *endpoint) (*removal, error) { return q.park(e, why) }, func(sum [lanes]int64) {
		for l, n := range sum {
			if n > 0 && q.opts.Parked != nil {
				q.opts.Parked(Lane(l), why, n)
			}
		}
	})
}

// Unpark makes all that is parked of an endpoint wait again, as it did: in its lane, with the due times, attempts and order
// that it had, so that what has become due comes first, the longest due first. It takes no longer for a million than
// for one, and when it returns that is durable. Letters of their own, and those that were resent or discarded, stay
// what they are. A delivery with an order key that is in hand meanwhile keeps its turn until it is settled for good.
//
// Stats and OldestAge follow within moments, see Stats.Counted.
//
// Errors: ErrClosed, or one of the database.
func (q *Queue) Unpark(id EndpointID) error {
	return q.remove(id, q.unpark, func([lanes]int64) {})
}

// remove does something to an endpoint on the committer's goroutine, and counts it in the background. do returns nil where there
// was nothing to do.
func (q *Queue) remove(id EndpointID, do func(*endpoint) (*removal, error), counted func([lanes]int64)) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	e := q.lockEndpoint(id)
	e.removing++
	e.mu.Unlock()
	var r *removal
	err := q.betweenOutcomes(func() (err error) {
		q.byHand.mu.Lock()
		defer q.byHand.mu.Unlock()
		e.mu.Lock()
		defer e.mu.Unlock()
		e.removing--
		r, err = do(e)
		return err
	})
	if err != nil || r == nil {
		return err
	}
	err = q.syncRemoval(r.kind)
	if r.kind == unparks {
		q.ready(id, q.clock.present())
	}
	q.counts.counting.Add(1)
	q.background.Go(func() {
		if q.hooks.beforeCount != nil {
			q.hooks.beforeCount()
		}
		if sum, err := q.countMoved(e, r); err == nil {
			counted(sum)
		} else if !errors.Is(err, errStopped) {
			q.log.Error("queue: counting what was parked or unparked failed, Stats are wrong from now on",
				"endpoint", uint64(id), "err", err)
		}
		q.counts.counting.Add(-1)
		<-r.over
		q.release(e, r)
	})
	return err
}

// countMoved moves the counts of what was parked or unparked.
func (q *Queue) countMoved(e *endpoint, r *removal) (sum [lanes]int64, err error) {
	sign := int64(1)
	if r.kind == parks {
		sign = -1
	}
	if sum, err = q.tally(e.id, r, sign); err != nil {
		return sum, err
	}
	n := sign * (sum[Fresh] + sum[Replay])
	q.counts.stored.Add(n)
	q.counts.dead.Add(-n)
	if r.kind == unparks {
		e.mu.Lock()
		if e.emptied < r.number {
			e.owed += n
		}
		e.mu.Unlock()
	}
	return sum, nil
}

// park seals the segments that are read and begins a new one. What is in hand moves there, so that nothing but dead letters
// is in what is parked.
//
// A write in progress has chosen its segment already, and hands over afterwards what is parked then: see Queue.counted. One
// that chooses later finds the new segment, which is on its way to the disk before anything in it. A scan in progress throws
// away what it has read.
func (q *Queue) park(e *endpoint, why Reason) (*removal, error) {
	list := q.segments.of(e.id)
	if some, err := q.waits(e, list.read()); !some || err != nil {
		return nil, err
	}
	t, err := q.writers.begin(0)
	if err != nil {
		return nil, err
	}
	defer q.writers.end(t)
	next, ok := list.park(why, t.low)
	if !ok {
		return nil, ErrTooManyParked
	}
	inHand := e.inHand()
	b := q.db.NewBatch()
	defer b.Close()
	for h, held := range inHand {
		if q.opts.defect == lab.ParkWithTheHeld {
			break
		}
		if err := q.move(b, e.id, h, held.segment, next.present); err != nil {
			return nil, err
		}
	}
	if err := q.arrange(b, map[EndpointID]*segmentList{e.id: next}); err != nil {
		return nil, err
	}
	r := q.removed(e, parks, list.read(), q.db.NewSnapshot())
	q.segments.set(e.id, next.chosen(r.segments[len(r.segments)-1], r.over))
	e.park(inHand, next.present)
	return r, nil
}

// arrange commits a batch with the segments of some endpoints, and makes these known.
func (q *Queue) arrange(b *pebble.Batch, next map[EndpointID]*segmentList) error {
	for id, list := range next {
		if err := setRow(b, id, list); err != nil {
			return err
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	q.syncs.wrote()
	for id, list := range next {
		q.segments.set(id, list)
	}
	return nil
}

func setRow(b *pebble.Batch, id EndpointID, list *segmentList) error {
	if list.none() {
		return b.Delete(appendParkedKey(nil, id), nil)
	}
	return b.Set(appendParkedKey(nil, id), appendSegments(nil, list), nil)
}

// waits reports whether anything waits for an endpoint, which is locked, in memory or behind its cursors, or may be where
// its keys were passed over as corrupt.
func (q *Queue) waits(e *endpoint, segments []segment) (bool, error) {
	if e.lines != nil && e.lines.behind > 0 {
		return true, nil
	}
	for _, s := range segments {
		if q.hidden.any(segmentSpan(e.id, s)) {
			return true, nil
		}
	}
	for l := range e.lanes {
		ln := &e.lanes[l]
		if len(ln.window) > 0 || len(ln.arrived) > 0 {
			return true, nil
		}
		if ln.cursor == end {
			continue
		}
		for _, s := range segments {
			if some, err := q.anyFrom(e.id, Lane(l).in(s), ln.cursor); some || err != nil {
				return some, err
			}
		}
	}
	return false, nil
}

// anyFrom reports whether a track has a delivery that is not before a place.
func (q *Queue) anyFrom(id EndpointID, t track, p position) (bool, error) {
	return anyKey(q.db, appendDeliveryKey(nil, id, t, q.beyondWater(id, t, p)), appendDeliveryKey(nil, id, t, end))
}

// move takes a delivery from one segment to another, at the same place.
func (q *Queue) move(b *pebble.Batch, id EndpointID, h handle, from, to segment) error {
	key := appendDeliveryKey(nil, id, h.lane.in(from), h.pos)
	value, closer, err := q.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) || isCorrupt(err) {
		return nil // its settlement failed half way, and it is settled or due when the queue is opened again; or it cannot be read
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if err := b.SingleDelete(key, nil); err != nil {
		return err
	}
	if err := b.Set(appendDeliveryKey(nil, id, h.lane.in(to), h.pos), value, nil); err != nil {
		return err
	}
	if h.lane == Replay {
		return moveNote(b, id, h.pos.event, from, to)
	}
	return nil
}

// moveNote moves the note that an event has a delivery in lane Replay.
func moveNote(b *pebble.Batch, id EndpointID, event EventID, from, to segment) error {
	if err := b.Delete(appendReplayKey(nil, id, from, event), nil); err != nil {
		return err
	}
	return b.Set(appendReplayKey(nil, id, to, event), nil, nil)
}

// inHand returns what is in hand, without what was given back or settled during a scan.
func (e *endpoint) inHand() map[handle]hold {
	all := make(map[handle]hold, len(e.held))
	for h, held := range e.held {
		all[h] = held
	}
	for _, h := range e.left {
		delete(all, h)
	}
	for l := range e.lanes {
		for i := range e.lanes[l].arrived {
			if it := &e.lanes[l].arrived[i]; it.released {
				delete(all, handle{Lane(l), it.pos})
			}
		}
	}
	return all
}

// park forgets all but what is in hand, which has moved to a segment. The lines of these go on with them alone. As to the
// cursors, see clear.
func (e *endpoint) park(inHand map[handle]hold, to segment) {
	fronts := make(map[EventID]bool, len(inHand))
	for h, held := range inHand {
		held.segment = to
		e.held[h] = held
		if h.lane == Fresh {
			fronts[h.pos.event] = true
		}
	}
	for l := range e.lanes {
		ln := &e.lanes[l]
		for i := range ln.arrived {
			if it := &ln.arrived[i]; it.released {
				delete(e.held, handle{Lane(l), it.pos})
			}
		}
		*ln = lane{cursor: end, last: start}
	}
	if e.lines != nil {
		e.lines.behind, e.lines.wake = 0, end.due
		for key, l := range e.lines.byKey {
			if l.behind = nil; !fronts[l.front] {
				delete(e.lines.byKey, key)
			}
		}
	}
	e.owed = int64(len(inHand))
	e.cleared++
}

// unpark has all that is parked read again. Where it begins is left for the next scan to find: the keys at the head may all
// be deleted ones.
func (q *Queue) unpark(e *endpoint) (*removal, error) {
	list := q.segments.of(e.id)
	if list == nil || len(list.parked) == 0 {
		return nil, nil
	}
	b := q.db.NewBatch()
	defer b.Close()
	next := list.unpark()
	if q.opts.defect == lab.UnparkWithoutOne {
		next.older = slices.Delete(next.older, len(list.older), len(list.older)+1)
	}
	if err := q.arrange(b, map[EndpointID]*segmentList{e.id: next}); err != nil {
		return nil, err
	}
	segments := make([]segment, len(list.parked))
	for i := range list.parked {
		segments[i] = list.parked[i].segment
	}
	e.rewind()
	return q.removed(e, unparks, segments, q.db.NewSnapshot()), nil
}

// rewind leaves everything that waits to the disk, to be read from the beginning. What came during a scan is inserted when
// that ends, and left to the disk then.
func (e *endpoint) rewind() {
	for l := range e.lanes {
		ln := &e.lanes[l]
		ln.window, ln.cursor, ln.last = nil, start, end
		ln.stalled = 0
	}
	if e.lines != nil {
		inHand := map[EventID]bool{} // a retry during a scan is not, though it is in held until that ends
		for h := range e.inHand() {
			inHand[h.pos.event] = inHand[h.pos.event] || h.lane == Fresh
		}
		e.lines.behind, e.lines.wake = 0, end.due
		for key, l := range e.lines.byKey {
			if l.behind = nil; !inHand[l.front] {
				delete(e.lines.byKey, key)
			}
		}
	}
	e.cleared++
}
