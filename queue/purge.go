package queue

import "github.com/cockroachdb/pebble/v2"

// Purge removes everything that waits for an endpoint, in either lane and however much it is, with one
// range deletion, and returns when that is durable. Dead letters stay. Deliveries in hand are removed
// as well: settling or releasing them does nothing more.
//
// A message whose Accept is in progress at the same time may be removed or stay.
func (q *Queue) Purge(id EndpointID) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	e := q.lockEndpoint(id)
	e.purging++
	e.mu.Unlock()
	committed := make(chan error, 1)
	q.settles.ops <- settlement{home: e, purge: true, committed: committed}
	if err := <-committed; err != nil {
		return err
	}
	return q.db.LogData(nil, pebble.Sync)
}

// purge runs on the committer's goroutine, so no settlement is half written.
//
// The deletion is committed with mu held. A delivery handed over before that was committed before, and
// its key is gone. One handed over afterwards was committed on either side of it: if its write began
// earlier, only the disk knows, and its hand-over (which compares endpoint.purged with the count it
// began with) leaves it there to be found. A scan that runs meanwhile throws away what it has read.
func (q *Queue) purge(e *endpoint) error {
	lo, hi := endpointSpan(e.id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.purging--
	n, err := countKeys(q.db, lo, hi, q.stop)
	if err != nil {
		return err
	}
	if err := q.db.DeleteRange(lo, hi, pebble.NoSync); err != nil {
		return err
	}
	q.syncs.wrote()
	q.counts.stored.Add(-n)
	e.purged = q.purges.Add(1)
	q.counts.inHand.Add(-int64(e.clear()))
	return nil
}
