package queue

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

func (q *Queue) sweepLoop() {
	ticker := time.NewTicker(q.opts.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-q.stop:
			return
		}
		q.endpoints.drop()
		if err := q.sweep(); err != nil && !errors.Is(err, errStopped) {
			q.log.Error("queue: sweep failed", "err", err)
		}
	}
}

// sweep expires what is too old and frees the payloads nothing refers to: those whose last delivery
// was settled when they were not young any more, was purged, or has expired as a dead letter.
//
// It marks and sweeps, and keeps nothing from one time to the next. The horizon is fixed before the
// snapshot is taken, so the snapshot has every message below it, whole or settled. A reference to one
// of those can afterwards only come from another reference, in the same batch that deletes that one.
// So what is not marked now will never be referred to again.
func (q *Queue) sweep() error {
	if err := q.expire(); err != nil {
		return err
	}
	horizon := q.writers.horizon()
	live, err := q.mark()
	if err != nil {
		return err
	}
	return q.freePayloads(horizon, live)
}

// mark collects the events that deliveries and dead letters refer to.
func (q *Queue) mark() (eventSet, error) {
	snapshot := q.db.NewSnapshot()
	live := eventSet{}
	err := eachKey(snapshot, []byte{prefixDelivery}, []byte{prefixDelivery + 1}, q.stop, func(k []byte) {
		if _, _, pos, ok := parseDeliveryKey(k); ok {
			live.add(pos.event)
		}
	})
	if err == nil {
		err = eachKey(snapshot, []byte{prefixDead}, []byte{prefixDead + 1}, q.stop, func(k []byte) {
			if _, _, id, _, ok := parseDeadKey(k); ok {
				live.add(id)
			}
		})
	}
	return live, errors.Join(err, snapshot.Close())
}

const (
	sweepChunk = 16 << 10 // payload keys walked with one iterator
	sweepRun   = 64       // dead neighbours worth a range deletion
)

// freePayloads deletes the payloads below the horizon that are not live. Runs of them go with a range
// deletion, which gives the space of whole tables back at once.
func (q *Queue) freePayloads(horizon EventID, live eventSet) error {
	for from := EventID(0); from < horizon; {
		if q.stopping() {
			return errStopped
		}
		dead, next, err := q.deadPayloads(from, horizon, live)
		if err != nil {
			return err
		}
		if err := q.deletePayloads(dead); err != nil {
			return err
		}
		from = next
	}
	return nil
}

// run is a series of payloads without a live one between them.
type run struct {
	ids []EventID // no more than sweepRun, then only the first
	end EventID   // the first id behind the run
}

// deadPayloads walks a chunk of payload keys. next is where the following chunk begins.
func (q *Queue) deadPayloads(from, horizon EventID, live eventSet) (dead []run, next EventID, err error) {
	iter, err := q.db.NewIter(&pebble.IterOptions{
		LowerBound: appendPayloadKey(nil, from), UpperBound: appendPayloadKey(nil, horizon),
	})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	open := false
	n := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		id, valid := parsePayloadKey(iter.Key())
		if n == sweepChunk {
			return dead, id, nil
		}
		n++
		if !valid || live.has(id) {
			open = false
			continue
		}
		if !open {
			dead = append(dead, run{})
			open = true
		}
		r := &dead[len(dead)-1]
		r.end = id + 1
		if len(r.ids) < sweepRun {
			r.ids = append(r.ids, id)
		}
	}
	return dead, horizon, iter.Error()
}

func (q *Queue) deletePayloads(dead []run) error {
	if len(dead) == 0 {
		return nil
	}
	b := q.db.NewBatch()
	defer b.Close()
	for _, r := range dead {
		if len(r.ids) == sweepRun {
			if err := b.DeleteRange(appendPayloadKey(nil, r.ids[0]), appendPayloadKey(nil, r.end), nil); err != nil {
				return err
			}
			continue
		}
		for _, id := range r.ids {
			if err := b.Delete(appendPayloadKey(nil, id), nil); err != nil {
				return err
			}
		}
	}
	return b.Commit(pebble.NoSync)
}

// expire removes the buckets of dead letters and idempotency keys that are too old as a whole.
func (q *Queue) expire() error {
	now := q.clock.present()
	day := deadDay(max(now-micros(q.opts.KeepDead.Microseconds()), 0))
	lo, hi := []byte{prefixDead}, appendDayKey(nil, day)
	n, err := countKeys(q.db, lo, hi, q.stop)
	if err != nil {
		return err
	}
	if n > 0 {
		if err := q.db.DeleteRange(lo, hi, pebble.NoSync); err != nil {
			return err
		}
		q.counts.dead.Add(-n)
	}
	bucket := keyBucket(max(now-micros(q.opts.KeepKeys.Microseconds()), 0))
	return q.expireKeys(bucket)
}

func (q *Queue) expireKeys(bucket uint32) (err error) {
	lo, hi := []byte{prefixKey}, appendBucketKey(nil, bucket)
	iter, err := q.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	any := iter.First()
	if err := errors.Join(iter.Error(), iter.Close()); err != nil || !any {
		return err
	}
	return q.db.DeleteRange(lo, hi, pebble.NoSync)
}

// eventSet is a set of event ids, small where they are dense and where they are few.
type eventSet map[EventID]*[eventPage / 64]uint64

const eventPage = 4096

func (s eventSet) add(id EventID) {
	p := s[id/eventPage]
	if p == nil {
		p = new([eventPage / 64]uint64)
		s[id/eventPage] = p
	}
	p[id%eventPage/64] |= 1 << (id % 64)
}

func (s eventSet) has(id EventID) bool {
	p := s[id/eventPage]
	return p != nil && p[id%eventPage/64]&(1<<(id%64)) != 0
}
