package queue

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Take moves the next delivery of an endpoint that is due into the caller's hands: the one due first
// in lane Fresh, or if there is none the one due first in lane Replay. It returns false if nothing is
// due; NextDue tells when to come back. The caller ends with Settle or Release.
//
// Deliveries in hand are not limited, and none is ever in hand twice. A delivery whose payload cannot
// be read becomes a dead letter with reason PayloadLost, and Take goes on with the next.
func (q *Queue) Take(id EndpointID) (Delivery, bool) {
	if !q.gate.enter() {
		return Delivery{}, false
	}
	defer q.gate.leave()
	e := q.endpoints.find(id)
	if e == nil {
		if q.recovered.Load() {
			return Delivery{}, false
		}
		e = q.lockEndpoint(id)
		e.mu.Unlock()
	}
	for {
		it, l, ok := q.next(e)
		if !ok {
			return Delivery{}, false
		}
		q.counts.inHand.Add(1)
		d := q.delivery(e, l, it)
		payload, ok := q.recent.payload(it.pos.event)
		if !ok {
			var err error
			if payload, err = q.readPayload(it.pos.event); err != nil {
				q.lost(&d, err)
				continue
			}
		}
		d.Payload = payload
		return d, true
	}
}

// next takes a delivery from the windows, filling them as needed.
func (q *Queue) next(e *endpoint) (item, Lane, bool) {
	for l := Fresh; l < lanes; l++ {
		for {
			e.mu.Lock()
			it, ok := e.pop(l)
			due := e.lanes[l].cursor.due <= q.clock.present()
			e.mu.Unlock()
			if ok {
				return it, l, true
			}
			if !due || !q.refill(e, l) {
				break
			}
		}
	}
	return item{}, 0, false
}

// refill fills an empty window from disk, and returns false if nothing can be had now.
//
// Why no delivery is missed, and none is handed out twice: let a write have a key k and a ticket, which
// ends after k was handed over to the endpoint. The watermark is read, the cursor is read and the scan
// is announced in one step under mu.
//
//   - Ticket ended before that step: k was handed over before. It is in the window (then there is
//     nothing to fill), or at or behind the cursor, and visible to the iterator made afterwards.
//   - Ticket open, or not begun: k is at or beyond the watermark, so this scan does not take it, even
//     where the commit is visible already. Its hand-over waits in arrived until the cursor has its new
//     place, and then decides by comparing with that place.
//
// A delivery in hand can be met by the scan when the cursor went back. It is skipped; being in held
// lasts until its deletion is visible, and through the whole of any scan that may have seen it.
func (q *Queue) refill(e *endpoint, l Lane) bool {
	e.scan.Lock()
	defer e.scan.Unlock()

	e.mu.Lock()
	ln := &e.lanes[l]
	now := q.clock.present()
	if len(ln.window) > 0 || ln.cursor.due > now {
		defer e.mu.Unlock()
		return len(ln.window) > 0
	}
	mark := q.writers.watermark()
	from, gen := ln.cursor, e.gen
	e.scanning = ln
	e.mu.Unlock()

	if q.hooks.beforeScan != nil {
		q.hooks.beforeScan(e.id)
	}
	items, next, err := q.scan(e.id, l, from, min(mark, now+1))
	if q.hooks.afterScan != nil {
		q.hooks.afterScan(e.id)
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	e.finishScan(ln, items, next, gen, q.opts.Window, q.clock.present())
	ln.stalled = 0
	if err != nil {
		q.log.Error("queue: reading deliveries failed", "endpoint", uint64(e.id), "err", err)
		ln.stalled = now + micros(time.Second.Microseconds())
		return false
	}
	if next.due <= now && next.due >= mark {
		// Something is due, but an older write is still in progress. Asking again is worth while after
		// as long as that has been going on.
		ln.stalled = now + min(max(now-mark, 1000), 100_000)
	}
	return len(ln.window) > 0 || ln.cursor.due < min(mark, now+1)
}

// scan reads the deliveries of a lane from a position on whose due time is before limit, at most a
// window full of them. next is the first position that was not read.
func (q *Queue) scan(id EndpointID, l Lane, from position, limit micros) (items []item, next position, err error) {
	iter, err := q.db.NewIter(&pebble.IterOptions{
		LowerBound: appendDeliveryKey(nil, id, l, from),
		UpperBound: appendDeliveryKey(nil, id, l, end),
	})
	if err != nil {
		return nil, from, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	var notes []byte
	next = end
	for ok := iter.First(); ok; ok = iter.Next() {
		_, _, pos, ok := parseDeliveryKey(iter.Key())
		if !ok {
			q.log.Error("queue: malformed delivery key", "key", iter.Key())
			continue
		}
		if pos.due >= limit || len(items) == q.opts.Window {
			next = pos
			break
		}
		it := item{pos: pos}
		if it.state, err = decodeState(iter.Value(), pos.due); err != nil {
			q.log.Error("queue: malformed delivery", "endpoint", uint64(id), "event", uint64(pos.event))
			it.state, err = state{accepted: pos.due}, nil
		}
		notes = append(notes, it.note...)
		if n := len(it.note); n > 0 {
			it.note = notes[len(notes)-n : len(notes) : len(notes)]
		}
		items = append(items, it)
	}
	if err = iter.Error(); err != nil {
		return nil, from, err
	}
	return items, next, nil
}

// finishScan puts what a scan has read into the window and then does what had to wait for it.
func (e *endpoint) finishScan(ln *lane, items []item, next position, gen uint64, window int, now micros) {
	l := Fresh
	if ln == &e.lanes[Replay] {
		l = Replay
	}
	e.scanning = nil
	ln.cursor = next
	if gen != e.gen {
		items, ln.cursor = nil, start
	}
	for _, it := range items {
		if _, held := e.held[handle{l, it.pos}]; !held {
			it.gen = e.gen
			ln.window = append(ln.window, it)
		}
	}
	for _, h := range e.left {
		delete(e.held, h)
	}
	for _, it := range ln.arrived {
		if it.released {
			it.released = false
			delete(e.held, handle{l, it.pos})
		}
		if it.gen == e.gen {
			e.insert(ln, it, window, now)
		}
	}
	e.left, ln.arrived = e.left[:0], nil
}

func (q *Queue) delivery(e *endpoint, l Lane, it item) Delivery {
	return Delivery{
		Event: it.pos.event, Endpoint: e.id, Lane: l,
		Due:          q.clock.time(it.pos.due),
		Attempts:     int(it.attempts),
		Accepted:     q.clock.stamp(it.accepted),
		FirstFailure: q.clock.stamp(it.firstFailure),
		LastStatus:   int(it.status),
		Note:         it.note,
		queue:        q, home: e, item: it,
	}
}

// lost turns a delivery without payload into a dead letter.
func (q *Queue) lost(d *Delivery, err error) {
	q.log.Error("queue: payload lost", "event", uint64(d.Event), "endpoint", uint64(d.Endpoint), "err", err)
	if err := q.settle(d, Outcome{Verdict: Dead, Reason: PayloadLost}); err != nil {
		q.log.Error("queue: settling a lost delivery failed", "event", uint64(d.Event), "err", err)
	}
}

// NextDue returns when Take is worth calling again: a time in the past if something is due now, false
// if the endpoint has nothing that is not in hand. The time is a lower bound, and Take brings it closer
// to the truth each time it finds nothing.
func (q *Queue) NextDue(id EndpointID) (time.Time, bool) {
	if !q.gate.enter() {
		return time.Time{}, false
	}
	defer q.gate.leave()
	now := q.clock.present()
	e := q.endpoints.find(id)
	if e == nil {
		// Before recovery is through, only a Take can tell.
		return q.clock.time(now), !q.recovered.Load()
	}
	e.mu.Lock()
	next := end.due
	for i := range e.lanes {
		next = min(next, e.lanes[i].nextDue(now))
	}
	e.mu.Unlock()
	if next == end.due {
		return time.Time{}, false
	}
	return q.clock.time(max(next, 1)), true
}

// Idle says that nothing is queued for an endpoint, nor in hand of it. False may also mean that this is not
// known yet: a Take that finds nothing settles it.
func (q *Queue) Idle(id EndpointID) bool {
	if !q.gate.enter() {
		return false
	}
	defer q.gate.leave()
	e := q.endpoints.find(id)
	if e == nil {
		return q.recovered.Load()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.idle()
}

func (ln *lane) nextDue(now micros) micros {
	switch {
	case len(ln.window) > 0:
		return ln.window[0].pos.due
	case ln.cursor == end:
		return end.due
	case ln.cursor == start:
		return now
	case ln.cursor.due <= now:
		return max(ln.cursor.due, ln.stalled)
	}
	return ln.cursor.due
}

// Release gives a delivery back as it was taken: no attempt was made. It takes its old place in the
// order. Releasing a delivery that is not in hand does nothing.
func (q *Queue) Release(d *Delivery) {
	if d.queue != q || !q.gate.enter() {
		return
	}
	defer q.gate.leave()
	e := d.home
	e.mu.Lock()
	settling, ok := e.held[handle{d.Lane, d.item.pos}]
	if ok = ok && !settling; ok {
		e.giveBack(d.Lane, d.item, q.opts.Window, q.clock.present())
	}
	e.mu.Unlock()
	if ok {
		q.counts.inHand.Add(-1)
		q.ready(e.id, d.item.pos.due)
	}
}
