package queue

import (
	"fmt"
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
	Mark         Mark      // also names the letter, for Resend and Discard
}

var deadShelf = shelf{
	prefix: prefixDead,
	width:  2,
	bucket: func(at micros) uint32 { return uint32(deadDay(at)) },
	parse: func(k []byte) (Mark, stream, bool) {
		ep, at, id, l, ok := parseDeadKey(k)
		return Mark{at: at, endpoint: ep, event: id, lane: l}, stream{endpoint: ep}, ok
	},
}

// DeadLetters calls yield for the selected dead letters until it returns false: by Died over all selected
// endpoints, the newest first, or with s.Oldest the oldest first. Letters that come or go during the walk may or
// may not be seen; one that comes has a later time than all before. The payload is to be had from Payload. The
// queue may be called from yield.
//
// Error: ErrClosed, or one of the database.
func (q *Queue) DeadLetters(s Select, yield func(DeadLetter) bool) error {
	return q.list(&deadShelf, s, func(e entry) bool {
		if e.parked != 0 {
			st, err := decodeState(e.value, e.mark.place)
			if err != nil {
				st = state{accepted: e.mark.place} // as Take would find it
			}
			return yield(q.letter(e.mark, e.parked, st))
		}
		why, st, err := decodeLetter(e.value, e.mark.at)
		if err != nil {
			q.log.Error("queue: malformed dead letter", "event", uint64(e.mark.event),
				"endpoint", uint64(e.mark.endpoint), "err", err)
			return true
		}
		return yield(q.letter(e.mark, why, st))
	})
}

func (q *Queue) letter(m Mark, why Reason, s state) DeadLetter {
	return DeadLetter{
		Event: m.event, Endpoint: m.endpoint, Lane: m.lane,
		Reason:       why,
		Died:         q.clock.stamp(m.at),
		Attempts:     int(s.attempts),
		LastStatus:   int(s.status),
		Accepted:     q.clock.stamp(s.accepted),
		FirstFailure: q.clock.stamp(s.firstFailure),
		Note:         s.note,
		Mark:         m,
	}
}

func appendLetterKey(b []byte, m Mark) []byte {
	return appendDeadKey(b, m.endpoint, m.at, m.event, m.lane)
}

// letterPlace is where a dead letter is: under a key of its own, or as a delivery in a parked segment.
type letterPlace struct {
	key    []byte
	parked bool
	note   []byte // the key that says that it is in lane Replay; nil if it is not, or not parked
}

// findLetter returns where a dead letter is, false if it is not there. byHand must be held. One that was parked with its
// accept in progress is not there yet.
func (q *Queue) findLetter(m Mark) (letterPlace, bool, error) {
	if m.place == 0 {
		key := appendLetterKey(nil, m)
		there, err := q.has(key)
		return letterPlace{key: key}, there, err
	}
	list := q.segments.of(m.endpoint)
	if list == nil || q.writers.ahead(m.event) {
		return letterPlace{}, false, nil
	}
	for i := range list.parked {
		p := &list.parked[i]
		if p.at != m.at {
			continue
		}
		key := appendDeliveryKey(nil, m.endpoint, m.lane.in(p.segment), position{m.place, m.event})
		if there, err := q.has(key); there || err != nil {
			found := letterPlace{key: key, parked: true}
			if m.lane == Replay {
				found.note = appendReplayKey(nil, m.endpoint, p.segment, m.event)
			}
			return found, there, err
		}
	}
	return letterPlace{}, false, nil
}

func (p *letterPlace) remove(b *pebble.Batch) error {
	if !p.parked {
		return b.Delete(p.key, nil)
	}
	if p.note != nil {
		if err := b.Delete(p.note, nil); err != nil {
			return err
		}
	}
	return b.SingleDelete(p.key, nil)
}

// Discard removes dead letters, as DeadLetters gave them, and returns how many there were when that is durable;
// letters that are gone already do not count. Their payloads go with the next sweep, if nothing else refers to
// them.
//
// Error: ErrClosed, or one of the database: then none was removed, or it is open whether they were.
func (q *Queue) Discard(letters []DeadLetter) (n int, err error) {
	if !q.gate.enter() {
		return 0, ErrClosed
	}
	defer q.gate.leave()
	b := q.db.NewBatch()
	defer b.Close()
	if n, err = q.discard(b, letters); err != nil || n == 0 {
		return 0, err
	}
	if err := q.db.LogData(nil, pebble.Sync); err != nil {
		return 0, fmt.Errorf("queue: discard: %w", err)
	}
	return n, nil
}

func (q *Queue) discard(b *pebble.Batch, letters []DeadLetter) (n int, err error) {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	seen := make(map[Mark]struct{}, len(letters))
	for i := range letters {
		m := letters[i].Mark
		if _, ok := seen[m]; ok {
			continue
		}
		seen[m] = struct{}{}
		letter, there, err := q.findLetter(m)
		if err != nil {
			return 0, err
		}
		if !there {
			continue
		}
		if err := letter.remove(b); err != nil {
			return 0, err
		}
		n++
	}
	if n == 0 {
		return 0, nil
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return 0, fmt.Errorf("queue: discard: %w", err)
	}
	q.counts.dead.Add(-int64(n))
	return n, nil
}
