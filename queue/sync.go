package queue

import (
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// syncer sees to it that settlements do not stay without a sync for long. They share the syncs of
// accepts; where there are none, it makes its own.
type syncer struct {
	committed atomic.Uint64 // batches of settlements
	synced    atomic.Uint64 // how many of those a sync has covered
	dirty     chan struct{}
}

func (s *syncer) init() { s.dirty = make(chan struct{}, 1) }

func (s *syncer) wrote() {
	s.committed.Add(1)
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// covered notes that the first n batches are durable.
func (s *syncer) covered(n uint64) {
	for {
		old := s.synced.Load()
		if n <= old || s.synced.CompareAndSwap(old, n) {
			return
		}
	}
}

func (q *Queue) syncLoop() {
	for {
		select {
		case <-q.syncs.dirty:
		case <-q.stop:
			return
		}
		select {
		case <-time.After(q.opts.SyncInterval):
		case <-q.stop:
			return
		}
		if err := q.syncSettlements(); err != nil {
			q.log.Error("queue: syncing settlements failed", "err", err)
		}
	}
}

// syncSettlements makes the settlements committed so far durable.
func (q *Queue) syncSettlements() error {
	n := q.syncs.committed.Load()
	if q.syncs.synced.Load() >= n {
		return nil
	}
	if err := q.db.LogData(nil, pebble.Sync); err != nil {
		return err
	}
	q.syncs.covered(n)
	return nil
}

// commitTimed commits a batch and tells the owner of the queue how long that took.
func (q *Queue) commitTimed(b *pebble.Batch, o *pebble.WriteOptions) error {
	if q.opts.Committed == nil {
		return q.commitBatch(b, o)
	}
	begin := time.Now()
	err := q.commitBatch(b, o)
	q.opts.Committed(o.GetSync(), time.Since(begin))
	return err
}
