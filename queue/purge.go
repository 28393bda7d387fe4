package queue

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Purge removes everything that waits for an endpoint, in either lane and however much it is, with one
// range deletion, and returns when that is durable and counted. Dead letters stay, and so does what was parked.
// Deliveries in hand are removed as well: settling or releasing them does nothing more.
//
// Nothing else waits for a purge: what was removed is counted afterwards, by the caller's goroutine. A purge itself waits
// until the large fan-outs that were accepted before it are expanded, as their destinations are in no order; an error of that is returned.
//
// A message whose Accept is in progress at the same time may be removed or stay.
func (q *Queue) Purge(id EndpointID) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	if err := q.fanOuts.wait(context.Background()); err != nil {
		return err
	}
	e := q.lockEndpoint(id)
	e.removing++
	e.mu.Unlock()
	var r *removal
	if err := q.betweenOutcomes(func() (err error) { r, err = q.purge(e); return err }); err != nil {
		return err
	}
	err := q.syncRemoval(purges)
	if q.hooks.beforeCount != nil {
		q.hooks.beforeCount()
	}
	if err := q.countPurged(id, r); err != nil {
		q.log.Error("queue: counting what was purged failed, Stats.Waiting and OldestAge are too large from now on",
			"endpoint", uint64(id), "err", err)
	}
	select {
	case <-r.over:
		q.release(e, r)
	default:
		q.background.Go(func() {
			<-r.over
			q.release(e, r)
		})
	}
	return err
}

// purge runs on the committer's goroutine, so no settlement is half written. It takes no longer for a
// large backlog: all settlements wait for it, and accepts for the endpoint with their tickets open.
//
// The snapshot is taken, and the deletion committed, with mu held. A delivery handed over before that was committed before:
// the snapshot has it, and its key is gone. One handed over afterwards was committed on either side of it: if its write began
// earlier, only the disk knows, and its hand-over (which compares endpoint.purged with the count it
// began with) leaves it there to be found. A scan that runs meanwhile throws away what it has read.
func (q *Queue) purge(e *endpoint) (*removal, error) {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removing--
	segments := q.segments.of(e.id).read()
	before := q.db.NewSnapshot()
	if q.hooks.beforePurge != nil {
		q.hooks.beforePurge()
	}
	if err := q.deleteDeliveries(e.id, segments); err != nil {
		return nil, errors.Join(err, before.Close())
	}
	for i := range e.lanes {
		e.lanes[i].water = lowWater{known: true} // none, as those of what was purged went with it
	}
	q.syncs.wrote()
	r := q.removed(e, purges, segments, before)
	e.purged = r.number
	q.counts.inHand.Add(-int64(e.clear()))
	return r, nil
}

func (q *Queue) deleteDeliveries(id EndpointID, segments []segment) error {
	b := q.db.NewBatch()
	defer b.Close()
	for _, s := range segments {
		if err := deleteSegment(b, id, s); err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

// countPurged takes what a purge has removed off the deliveries stored. No settlement comes between the
// snapshot and the deletion. An accept may: see Queue.counted.
func (q *Queue) countPurged(id EndpointID, r *removal) error {
	sum, err := q.tally(id, r, -1)
	if err == nil {
		n := sum[Fresh] + sum[Replay]
		q.counts.stored.Add(-n)
		q.counts.purged.Add(uint64(n))
		q.recent.leave(n)
		q.sweepIfWorth()
	}
	return err
}
