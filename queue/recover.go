package queue

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// recover reads what has to be known before the first call.
func (q *Queue) recover() (err error) {
	if err := q.upgrade(); err != nil {
		return err
	}
	mark, err := q.number(keyClock, q.latest)
	if err != nil {
		return fmt.Errorf("reading where queue time was: %w", err)
	}
	q.clock = newClock(q.db, mark, &q.opts)
	reserved, err := q.number(keyEvents, func() (uint64, error) { return q.unused(prefixPayload) })
	if err != nil {
		return fmt.Errorf("reading which event ids are reserved: %w", err)
	}
	if err := q.loadSegments(); err != nil {
		return fmt.Errorf("reading what is parked: %w", err)
	}
	q.writers = new(writers)
	if err := q.writers.init(q.db, q.clock, reserved); err != nil {
		return err
	}
	if q.unknown.Load() > 0 { // of all messages so far, for want of an id
		q.unknown.Store(uint64(q.writers.given()))
	}
	return nil
}

// findWork finds the endpoints that have something on disk, by one seek for each and lane, tells the
// owner, and then counts what is there. The snapshot is from before the first accept, and so are the segments.
func (q *Queue) findWork(heads *pebble.Snapshot, then *segmentMap) {
	var from EndpointID
	found := q.persist("looking for work after opening", func() (err error) {
		from, err = q.findEndpoints(heads, from)
		return err
	})
	if found {
		q.recovered.Store(true)
		q.persist("counting after opening", func() error { return q.countStored(heads, then) })
		q.persist("examining payload files after opening", func() error { return q.examineSides(heads) })
	}
	if err := heads.Close(); err != nil {
		q.log.Error("queue: closing the snapshot of opening failed", "err", err)
	}
}

// persist calls f until it succeeds, less and less often. It returns false when the queue is closed
// before that.
func (q *Queue) persist(what string, f func() error) bool {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f()
		if err == nil {
			return true
		}
		if q.stopping() {
			return false
		}
		q.log.Error("queue: "+what+" failed, it will be tried again", "err", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-q.stop:
			return false
		}
	}
}

// findEndpoints takes in the endpoints with work whose ids are not below from. After an error, next is
// the one to go on with.
//
// Before the first delivery of an endpoint may lie millions of tombstones. So it asks for each endpoint with a low-water mark
// from there, and looks between those for endpoints without.
//
// An endpoint that has nothing but what is corrupt is not found, and has nothing to take.
func (q *Queue) findEndpoints(snapshot *pebble.Snapshot, from EndpointID) (next EndpointID, err error) {
	if q.hooks.beforeFind != nil {
		q.hooks.beforeFind()
	}
	h, err := newHeads(q, snapshot)
	if err != nil {
		return from, err
	}
	reading := spare(q.opts.Cache)
	defer func() {
		err = errors.Join(err, h.close())
		reading.end()
	}()
	for next = from; !q.stopping(); next++ {
		id, ok, err := h.next(next)
		if err != nil || !ok {
			return next, err
		}
		cursors, err := h.cursors(id, q.segments.of(id).read())
		if err != nil {
			return id, err // what else there is of it is not known
		}
		if cursors != [lanes]position{end, end} { // or all that it has is parked
			q.found(id, cursors)
		}
		reading.look()
		if next = id; next == math.MaxUint64 {
			return next, nil
		}
	}
	return next, errStopped
}

// found takes in an endpoint with work. If a call made it in the meantime, it knows at least as much:
// its cursors began before everything.
func (q *Queue) found(id EndpointID, cursors [lanes]position) {
	e := q.endpoints.lock(id, cursors)
	e.mu.Unlock()
	first := end
	for _, c := range cursors {
		first = earlier(first, c)
	}
	q.ready(id, first.due)
}

func (q *Queue) stopping() bool {
	select {
	case <-q.stop:
		return true
	default:
		return false
	}
}
