package queue

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Purge removes everything that waits for an endpoint, in either lane and however much it is, with one
// range deletion, and returns when that is durable and counted. Dead letters stay. Deliveries in hand
// are removed as well: settling or releasing them does nothing more.
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
	e.purging++
	e.mu.Unlock()
	p := new(purge)
	if err := q.betweenOutcomes(func() error { return q.purge(e, p) }); err != nil {
		return err
	}
	err := q.db.LogData(nil, pebble.Sync)
	if q.hooks.beforeCount != nil {
		q.hooks.beforeCount()
	}
	if err := q.countPurged(id, p.before); err != nil {
		q.log.Error("queue: counting what was purged failed, Stats.Waiting and OldestAge are too large from now on",
			"endpoint", uint64(id), "err", err)
	}
	select {
	case <-p.over:
		q.release(e, p)
	default:
		q.background.Go(func() {
			<-p.over
			q.release(e, p)
		})
	}
	return err
}

// release lets go of a purge's snapshot, when no write is in progress any more that may have to look at it.
func (q *Queue) release(e *endpoint, p *purge) {
	e.mu.Lock()
	e.purges = slices.DeleteFunc(e.purges, func(other *purge) bool { return other == p })
	e.mu.Unlock()
	if err := p.before.Close(); err != nil {
		q.log.Error("queue: closing the snapshot of a purge failed", "err", err)
	}
}

// purge is what a call of Purge gets back from Queue.purge.
type purge struct {
	before *pebble.Snapshot // from just before the deletion
	over   <-chan struct{}  // closed when the writes that were in progress then have ended
}

// purge runs on the committer's goroutine, so no settlement is half written. It takes no longer for a
// large backlog: all settlements wait for it, and accepts for the endpoint with their tickets open.
//
// The snapshot is taken and the deletion committed with mu held, so that no delivery is handed over in between: the snapshot
// might not have it, and then nobody would count it out. A delivery handed over before was committed before, and
// its key is gone. One handed over afterwards was committed on either side of the deletion: if its write began
// earlier, only the disk knows, and its hand-over (which compares endpoint.purged with the count it
// began with) leaves it there to be found. A scan that runs meanwhile throws away what it has read.
func (q *Queue) purge(e *endpoint, p *purge) error {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	before := q.db.NewSnapshot()
	if q.hooks.beforePurge != nil {
		q.hooks.beforePurge()
	}
	e.purging--
	if err := q.deleteDeliveries(e.id); err != nil {
		return errors.Join(err, before.Close())
	}
	for i := range e.lanes {
		e.lanes[i].water = lowWater{known: true}
	}
	q.syncs.wrote()
	e.purged = q.endpoints.purges.Add(1)
	q.counts.inHand.Add(-int64(e.clear()))
	p.before, p.over = before, q.writers.over()
	e.purges = append(e.purges, p)
	return nil
}

func (q *Queue) deleteDeliveries(id EndpointID) error {
	b := q.db.NewBatch()
	defer b.Close()
	for _, prefix := range []byte{prefixDelivery, prefixReplay, prefixWater} {
		lo, hi := spanOf(prefix, id)
		if err := b.DeleteRange(lo, hi, nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

// countPurged takes what a purge has removed off the deliveries stored. No settlement comes between the
// snapshot and the deletion. An accept may: see Queue.counted.
func (q *Queue) countPurged(id EndpointID, before *pebble.Snapshot) error {
	lo, hi := endpointSpan(id)
	now := q.clock.present()
	census, n := newCensus(now), int64(0)
	err := q.eachReadable(before, lo, hi, ofDelivery(func(_ EndpointID, l Lane, accepted micros) {
		census.count(l, accepted, -1)
		n++
	}))
	if err == nil {
		q.counts.stored.Add(-n)
		q.ages.merge(now, census)
		q.counts.purged.Add(uint64(n))
		q.recent.leave(n)
		q.sweepIfWorth()
	}
	return err
}
