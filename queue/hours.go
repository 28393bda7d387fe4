package queue

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// hours knows which event was the first to be accepted in an hour. Ids and due times grow together, so one row
// for each hour with an accept tells about when any event was accepted. Rows are written before the first accept
// of the hour commits, and are earlier in the log; they are never removed, a year of them takes some 200 kB.
type hours struct {
	first EventID // the first event of the last hour with an accept
	end   micros  // when that hour is over
}

// init reads the last row. One that is corrupt is as good as none: the next accept writes another one.
func (h *hours) init(db *pebble.DB) error {
	iter, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixHour}, UpperBound: []byte{prefixHour + 1}})
	if err != nil {
		return err
	}
	if iter.Last() {
		var hour uint32
		if h.first, hour, err = readHour(iter); err == nil {
			h.end = startOfHour(hour + 1)
		}
	}
	if err = errors.Join(err, iter.Error(), iter.Close()); isCorrupt(err) {
		return nil
	}
	return err
}

// begin notes that an event is about to be accepted.
func (h *hours) begin(db *pebble.DB, id EventID, now micros) error {
	if now < h.end {
		return nil
	}
	hour := hourOf(now)
	if err := db.Set(appendHourKey(nil, id), appendHour(nil, hour), pebble.NoSync); err != nil {
		return err
	}
	h.first, h.end = id, startOfHour(hour+1)
	return nil
}

// since returns the first event of the present hour, which is next if there is none yet.
func (h *hours) since(next EventID, now micros) EventID {
	if now < h.end {
		return h.first
	}
	return next
}

func readHour(iter *pebble.Iterator) (first EventID, hour uint32, err error) {
	first, ok := parseHourKey(iter.Key())
	if !ok {
		return 0, 0, errCorrupt
	}
	hour, err = decodeHour(iter.Value())
	return first, hour, err
}

// Accepted returns about when a message was accepted: the beginning of the hour, so a lower bound. It knows that
// of messages whose deliveries are all gone, too, and returns false for an id that was never given to one, and
// where it cannot be told.
func (q *Queue) Accepted(id EventID) (time.Time, bool) {
	if !q.gate.enter() {
		return time.Time{}, false
	}
	defer q.gate.leave()
	if q.writers.ahead(id) {
		return time.Time{}, false
	}
	hour, ok, err := q.hourAccepted(id)
	if err != nil {
		q.log.Error("queue: when an event was accepted cannot be read", "event", uint64(id), "err", err)
	}
	if !ok || err != nil {
		return time.Time{}, false
	}
	return q.clock.stamp(startOfHour(hour)), true
}

func (q *Queue) hourAccepted(id EventID) (hour uint32, ok bool, err error) {
	iter, err := q.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixHour}, UpperBound: appendHourKey(nil, id+1)})
	if err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	if !iter.Last() {
		return 0, false, iter.Error()
	}
	_, hour, err = readHour(iter)
	return hour, true, err
}

// acceptedSince returns the first event that was accepted in an hour or later, next if there is none. Where rows are corrupt it
// is an earlier one.
func (q *Queue) acceptedSince(hour uint32, next EventID) (EventID, error) {
	first, err := q.firstSince(hour, next)
	if !isCorrupt(err) {
		return first, err
	}
	before := EventID(0)
	err = q.eachReadable(q.db, []byte{prefixHour}, appendHourKey(nil, next), func(iter *pebble.Iterator) {
		if first, in, err := readHour(iter); err == nil && in < hour {
			before = first
		}
	})
	return before, err
}

func (q *Queue) firstSince(hour uint32, next EventID) (_ EventID, err error) {
	iter, err := q.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixHour}, UpperBound: appendHourKey(nil, next)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	for ok := iter.Last(); ok; ok = iter.Prev() {
		first, in, err := readHour(iter)
		if err != nil {
			return 0, err
		}
		if in < hour {
			break
		}
		next = first
	}
	return next, iter.Error()
}
