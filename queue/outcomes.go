package queue

import (
	"cmp"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// fillOutcomes writes outcomes into a batch, with the keys of a kind in their order: the memtable finds the place of a key
// from that of the one before.
//
// Purges happen on this goroutine too, so reading endpoint.gen needs no lock here. What a purge has passed over has lost its
// key.
func (q *Queue) fillOutcomes(b *pebble.Batch, ops []settlement, t *ticket) error {
	current := make([]*settlement, 0, len(ops))
	for i := range ops {
		if op := &ops[i]; op.item.gen == op.home.gen {
			current = append(current, op)
		}
	}
	slices.SortFunc(current, byPlace)
	for _, op := range current {
		if err := q.addDelivery(b, op, t); err != nil {
			return err
		}
	}
	for _, op := range current {
		if err := addRecord(b, op, t); err != nil {
			return err
		}
	}
	slices.SortFunc(current, byEvent)
	for _, op := range current {
		if err := q.addPayload(b, op, t); err != nil {
			return err
		}
	}
	for _, op := range current {
		if err := q.addLetter(b, op, t); err != nil {
			return err
		}
	}
	return nil
}

// byPlace is the order of the keys of deliveries, within a segment.
func byPlace(a, b *settlement) int {
	return cmp.Or(cmp.Compare(a.home.id, b.home.id), cmp.Compare(a.lane, b.lane), cmp.Compare(a.item.pos.due, b.item.pos.due), byEvent(a, b))
}

// byEvent is the order of the keys of payloads.
func byEvent(a, b *settlement) int { return cmp.Compare(a.item.pos.event, b.item.pos.event) }

// addDelivery takes a delivery from its place, and puts one that is due again to its new one.
func (q *Queue) addDelivery(b *pebble.Batch, op *settlement, t *ticket) error {
	var buf [deliveryKeyLen + 64]byte
	if err := b.SingleDelete(appendDeliveryKey(buf[:0], op.home.id, op.lane.in(op.item.segment), op.item.pos), nil); err != nil {
		return err
	}
	if op.outcome.Verdict != Again {
		return nil
	}
	// The present was issued after the delivery was taken, when it was due. So this key is a new one.
	// That of an ordered one is new as it is before all that this delivery had.
	op.next = max(t.low, q.clock.at(op.outcome.At))
	again := op.item.again(op.next)
	if op.lane == Replay && op.to != op.item.segment {
		if err := moveNote(b, op.home.id, op.item.pos.event, op.item.segment, op.to); err != nil {
			return err
		}
	}
	if again.turn != nil {
		if err := q.lower(b, op.home, op.lane, op.to, again.pos); err != nil {
			return err
		}
	}
	return setDelivery(b, buf[:0], op.home.id, op.lane.in(op.to), &again)
}

// addRecord adds what is kept of the attempt.
func addRecord(b *pebble.Batch, op *settlement, t *ticket) error {
	r := op.outcome.Record
	if r == nil {
		return nil
	}
	var buf [attemptKeyLen]byte
	return b.Set(appendAttemptKey(buf[:0], op.home.id, t.low, op.item.pos.event, op.item.attempts, op.lane), r, nil)
}

// addPayload frees the payload of a delivery that is done, if it was the last one and the payload is young or in a side
// file. If payloads are to stay for a while, it leaves that to the sweep instead, which knows what was accepted lately; what
// was accepted before the present hour is noted for it.
func (q *Queue) addPayload(b *pebble.Batch, op *settlement, t *ticket) error {
	if op.outcome.Verdict != Done {
		return nil
	}
	id := op.item.pos.event
	young := q.recent.close(id, false)
	side := q.sides.open.close(id, false)
	if q.opts.defect == lab.PayloadOfTheLastButOne {
		young = q.recent.close(id, false) || young
	}
	var buf [payloadKeyLen + keptKeyLen]byte
	switch {
	case q.opts.KeepDelivered == 0 && side != 0:
		op.freed = side
		return errors.Join(
			b.SingleDelete(appendPayloadKey(buf[:0], id), nil),
			b.SingleDelete(appendSideKey(buf[:0], side), nil))
	case q.opts.KeepDelivered == 0 && young:
		return b.SingleDelete(appendPayloadKey(buf[:0], id), nil)
	case q.opts.KeepDelivered > 0 && id < t.since:
		return b.Set(appendKeptKey(buf[:0], hourOf(t.low), id), nil, nil)
	}
	return nil
}

// addLetter makes a dead letter of what is given up, and forgets that a replay waited that has ended.
func (q *Queue) addLetter(b *pebble.Batch, op *settlement, t *ticket) error {
	if op.outcome.Verdict == Again {
		return nil
	}
	var buf [deadKeyLen + 64]byte
	id := op.item.pos.event
	if op.lane == Replay {
		if err := b.Delete(appendReplayKey(buf[:0], op.home.id, op.item.segment, id), nil); err != nil {
			return err
		}
	}
	if op.outcome.Verdict != Dead {
		return nil
	}
	q.recent.close(id, true)
	q.sides.open.close(id, true)
	key := appendDeadKey(buf[:0], op.home.id, t.low, id, op.lane)
	return b.Set(key, appendLetter(nil, op.outcome.Reason, op.item.state, t.low), nil)
}

// settled tells the endpoint of a committed outcome. It returns when Take is worth calling because of it, 0
// if it is not.
func (q *Queue) settled(op *settlement, now micros) (next micros) {
	e := op.home
	stale := op.item.gen != e.gen
	over := !stale && op.outcome.Verdict != Again
	e.mu.Lock()
	if !stale { // a purge has taken it out of hand
		e.letGo(op.lane, op.item.pos)
	}
	if over {
		e.owed--
	}
	if next = op.next; next != 0 {
		it := op.item.again(next)
		it.segment = op.to
		if it.turn != nil {
			next = e.retry(it, now)
		} else {
			e.handOver(op.lane, it, q.opts.Window, now)
		}
	}
	e.mu.Unlock()
	if over {
		q.ended(op.lane, op.item.accepted, now, 1)
	}
	q.counts.settled(op.outcome.Verdict, stale)
	return next
}
