package queue

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The rows of the queue's own tell how far ids, numbers and queue time had come. Where one is corrupt, something takes its
// place that is surely behind all that it can have said, and is written with the next that is given out.

// number returns the row of a key, or what takes its place.
func (q *Queue) number(key []byte, instead func() (uint64, error)) (uint64, error) {
	n, err := readMeta(q.db, key)
	if !isCorrupt(err) {
		return n, err
	}
	q.counts.unreadable.Add(1)
	q.log.Error("queue: a row of the queue's own is corrupt, and is taken from what else there is", "key", string(key), "err", err)
	return instead()
}

// unused returns an id, or a number of a side file, behind all that were given out. They are counted up from 1, or from what
// was unused before, by less than a million a second: so none was beyond the microseconds since 1970. As the present may be
// up to an hour behind where it was, and more if the clock went back, those that are in keys still are asked as well.
func (q *Queue) unused(prefix byte) (uint64, error) {
	last := uint64(q.clock.present())
	err := q.leaveOut(q.db, func(options func(lo, hi []byte) *pebble.IterOptions) error {
		iter, err := q.db.NewIter(options([]byte{prefix}, []byte{prefix + 1}))
		if err != nil {
			return err
		}
		if iter.Last() && len(iter.Key()) == 1+8 {
			last = max(last, binary.BigEndian.Uint64(iter.Key()[1:]))
		}
		return errors.Join(iter.Error(), iter.Close())
	})
	return last + uint64(time.Hour.Microseconds()), err
}

// latest is a time that queue time had come to, to the hour, and that no low-water mark is behind: those who accept now have
// later places.
func (q *Queue) latest() (uint64, error) {
	var at micros
	err := q.eachReadable(q.db, []byte{prefixHour}, []byte{prefixHour + 1}, func(iter *pebble.Iterator) {
		if _, hour, err := readHour(iter); err == nil {
			at = max(at, startOfHour(hour))
		}
	})
	err = errors.Join(err, q.eachReadable(q.db, []byte{prefixWater}, []byte{prefixWater + 1}, func(iter *pebble.Iterator) {
		if mark, err := decodeWater(iter.Value()); err == nil {
			at = max(at, mark.due)
		}
	}))
	return uint64(at+1) &^ 1, err // even: it is not exact
}
