package queue

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// expire removes the buckets that are too old as a whole: of dead letters, attempts, idempotency keys and of what was
// delivered.
func (q *Queue) expire() error {
	err := errors.Join(q.expireLetters(), q.trimAttempts(), q.dropOlder())
	for _, old := range []struct {
		prefix byte
		hi     []byte
	}{
		{prefixAttempt, appendAttemptHour(nil, q.bucketKept(hourOf, q.opts.KeepAttempts))},
		{prefixKept, appendKeptHour(nil, q.bucketKept(hourOf, q.opts.KeepDelivered))},
		{prefixKey, appendBucketKey(nil, q.bucketKept(keyBucket, q.opts.KeepKeys))},
	} {
		err = errors.Join(err, q.deleteSpan([]byte{old.prefix}, old.hi))
	}
	return err
}

// bucketKept returns the oldest bucket that has anything in it of the time to keep.
func (q *Queue) bucketKept(bucket func(micros) uint32, keep time.Duration) uint32 {
	return bucket(max(q.clock.present()-micros(keep.Microseconds()), 0))
}

// expireLetters counts what it has deleted afterwards, in a snapshot: a day may have millions of letters, and a purge, and
// with it every settlement, waits for byHand.
func (q *Queue) expireLetters() error {
	day, freed, err := q.dayKept()
	if err != nil {
		return err
	}
	lo, hi := []byte{prefixDead}, appendDayKey(nil, uint16(day))
	before, old, err := q.deleteLetters(lo, hi, day)
	if err != nil {
		return err
	}
	n, err := q.countReadable(before, lo, hi)
	for _, s := range old {
		lo, hi := segmentSpan(s.endpoint, s.segment)
		parked, e := q.countReadable(before, lo, hi)
		n, err = n+parked, errors.Join(err, e)
	}
	if err == nil {
		q.counts.dead.Add(-n)
	}
	if freed > 0 {
		q.trimmed(KeptDeadLetters, freed)
	}
	return errors.Join(err, before.Close())
}

// deleteLetters deletes a range of dead letters, and what was parked before a day. The snapshot is from just before that: letters
// come to the present day alone, and go by hand or here.
func (q *Queue) deleteLetters(lo, hi []byte, day uint32) (before *pebble.Snapshot, old []endpointSegment, err error) {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	before = q.db.NewSnapshot()
	old, err = q.deleteParked(day)
	if err == nil {
		err = q.deleteSpan(lo, hi)
	}
	if err != nil {
		return nil, nil, errors.Join(err, before.Close())
	}
	return before, old, nil
}

// deleteSpan deletes a range of keys, if there is one of them.
func (q *Queue) deleteSpan(lo, hi []byte) error {
	if some, err := anyKey(q.db, lo, hi); !some || err != nil {
		return err
	}
	return q.db.DeleteRange(lo, hi, pebble.NoSync)
}

// anyKey reports whether there is a key in a range. What cannot be read as it is corrupt is one.
func anyKey(r pebble.Reader, lo, hi []byte) (bool, error) {
	iter, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return false, err
	}
	some := iter.First()
	if err = errors.Join(iter.Error(), iter.Close()); isCorrupt(err) {
		return true, nil
	}
	return some, err
}
