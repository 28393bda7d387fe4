package queue

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	Event    EventID
	Endpoint EndpointID
	Lane     Lane

	Reason       Reason
	Died         time.Time
	Attempts     int
	LastStatus   int       // 0: none
	Accepted     time.Time //
	FirstFailure time.Time // zero: none
	Note         []byte    // the caller's own
}

// letterChunk is how many dead letters are read at once. Between two chunks no iterator is open, so a
// slow reader keeps no deleted data alive.
const letterChunk = 256

// DeadLetters calls yield for the dead letters of one endpoint, or of all if ep is nil, until it returns
// false. They come day by day (UTC) from the oldest, within a day by endpoint and then by time. Letters
// that come or go during the walk may or may not be seen. The payload is to be had from Payload.
func (q *Queue) DeadLetters(ep *EndpointID, yield func(DeadLetter) bool) error {
	from := []byte{prefixDead}
	for {
		letters, next, err := q.readLetters(ep, from)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if !yield(l) {
				return nil
			}
		}
		if from = next; from == nil {
			return nil
		}
	}
}

// readLetters reads a chunk. next is where the following one begins, nil at the end.
func (q *Queue) readLetters(ep *EndpointID, from []byte) (letters []DeadLetter, next []byte, err error) {
	if !q.gate.enter() {
		return nil, nil, ErrClosed
	}
	defer q.gate.leave()
	iter, err := q.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{prefixDead + 1}})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	ok := iter.First()
	for ok {
		key := iter.Key()
		if len(letters) == letterChunk {
			return letters, slices.Clone(key), nil
		}
		id, at, event, l, valid := parseDeadKey(key)
		if !valid {
			q.log.Error("queue: malformed dead letter key", "key", key)
			ok = iter.Next()
			continue
		}
		if ep != nil && id != *ep {
			ok = iter.SeekGE(nextDayOf(key, *ep))
			continue
		}
		why, s, err := decodeLetter(iter.Value(), at)
		if err != nil {
			return nil, nil, err
		}
		letters = append(letters, q.letter(id, at, event, l, why, s))
		ok = iter.Next()
	}
	return letters, nil, iter.Error()
}

// nextDayOf returns where the letters of an endpoint begin at the earliest, after a key of another one.
func nextDayOf(key []byte, ep EndpointID) []byte {
	id, at, _, _, _ := parseDeadKey(key)
	d := deadDay(at)
	if id > ep {
		if d == math.MaxUint16 {
			return []byte{prefixDead + 1}
		}
		d++
	}
	b := appendDayKey(nil, d)
	return append(b, appendLaneKey(nil, ep, 0)[1:9]...)
}

func (q *Queue) letter(id EndpointID, at micros, event EventID, l Lane, why Reason, s state) DeadLetter {
	return DeadLetter{
		Event: event, Endpoint: id, Lane: l,
		Reason:       why,
		Died:         q.clock.stamp(at),
		Attempts:     int(s.attempts),
		LastStatus:   int(s.status),
		Accepted:     q.clock.stamp(s.accepted),
		FirstFailure: q.clock.stamp(s.firstFailure),
		Note:         slices.Clone(s.note),
	}
}
