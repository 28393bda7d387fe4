package queue

import (
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Take moves the next delivery of an endpoint that is due into the caller's hands: the one due first
// in lane Fresh, or if there is none the one due first in lane Replay. It returns false if nothing is
// due; NextDue tells when to come back. The caller ends with Settle or Release.
//
// Deliveries in hand are not limited, and none is ever in hand twice. A delivery whose payload is gone or
// malformed becomes a dead letter with reason PayloadLost, one that is malformed itself a dead letter
// with reason Corrupt, and Take goes on with the next. Where the keys of deliveries are on a part of the disk that
// is corrupt, they are passed over, see Stats.Unreadable. If the disk cannot be read for another reason, nothing is given up:
// the delivery stays where it was, and nothing of its endpoint and lane is taken for about a second.
func (q *Queue) Take(id EndpointID) (Delivery, bool) { return q.take(id, Replay) }

// TakeFresh is Take for lane Fresh alone: it returns false although something is due in lane Replay.
func (q *Queue) TakeFresh(id EndpointID) (Delivery, bool) { return q.take(id, Fresh) }

// take takes a delivery of one of the lanes up to last.
func (q *Queue) take(id EndpointID, last Lane) (Delivery, bool) {
	if !q.gate.enter() {
		return Delivery{}, false
	}
	defer q.gate.leave()
	e, all := q.knownEndpoint(id)
	if e == nil {
		if all {
			return Delivery{}, false
		}
		e = q.lockEndpoint(id)
		e.mu.Unlock()
	}
	for {
		it, l, ok := q.next(e, last)
		if !ok {
			return Delivery{}, false
		}
		q.counts.inHand.Add(1)
		d := q.delivery(e, l, it)
		if it.corrupt {
			q.lost(&d, Corrupt, errCorrupt)
			continue
		}
		switch err := q.fetch(&d); {
		case err == nil:
			return d, true
		case errors.Is(err, pebble.ErrNotFound) || isCorrupt(err):
			q.lost(&d, PayloadLost, err)
		default:
			q.putBack(&d, err)
		}
	}
}

// next takes a delivery from the windows, filling them as needed. It passes over a lane that rests.
func (q *Queue) next(e *endpoint, last Lane) (item, Lane, bool) {
	for l := Fresh; l <= last; l++ {
		for {
			e.mu.Lock()
			now := q.clock.present()
			if e.lanes[l].resting > now {
				e.mu.Unlock()
				break
			}
			if l == Fresh {
				e.wakeUp(now)
			}
			it, ok := e.pop(l)
			due := e.lanes[l].cursor.due <= now
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

func (q *Queue) delivery(e *endpoint, l Lane, it item) Delivery {
	return Delivery{
		Event: it.pos.event, Endpoint: e.id, Lane: l,
		Due:          q.clock.time(it.due()),
		Attempts:     int(it.attempts),
		Accepted:     q.clock.stamp(it.accepted),
		FirstFailure: q.clock.stamp(it.firstFailure),
		LastStatus:   int(it.status),
		Note:         it.note,
		queue:        q, home: e, item: it,
	}
}

// lost turns a delivery that can never be made into a dead letter, unless it was purged, and perhaps its payload with it.
func (q *Queue) lost(d *Delivery, why Reason, cause error) {
	there, err := q.settle(d, Outcome{Verdict: Dead, Reason: why})
	if err != nil {
		q.log.Error("queue: settling a lost delivery failed", "event", uint64(d.Event), "err", err)
		return
	}
	if !there {
		return
	}
	q.log.Error("queue: delivery lost",
		"event", uint64(d.Event), "endpoint", uint64(d.Endpoint), "reason", why.String(), "err", cause)
	if q.opts.Lost != nil {
		q.opts.Lost(d.Lane, why)
	}
}

// rest is how long a lane rests after the disk could not be read for it.
const rest = micros(time.Second / time.Microsecond)

// putBack gives a delivery back whose payload cannot be read at the moment, and lets its lane rest. It
// is announced for the end of the rest at once, as the Take at hand may yet return something of the
// other lane, and then nobody would ask when to come back.
func (q *Queue) putBack(d *Delivery, err error) {
	q.unreadable(d.Endpoint, err)
	until := q.clock.present() + rest
	if q.giveBack(d, until) {
		q.ready(d.Endpoint, until)
	}
}

// complaints limits what is logged about a disk that cannot be read. All endpoints meet that at once.
type complaints struct {
	mu      sync.Mutex
	until   micros // nothing is logged before
	skipped int
}

// unreadable logs a failed read, at most one in a second.
func (q *Queue) unreadable(id EndpointID, err error) {
	c, now := &q.complaints, q.clock.present()
	c.mu.Lock()
	if now < c.until {
		c.skipped++
		c.mu.Unlock()
		return
	}
	skipped := c.skipped
	c.until, c.skipped = now+rest, 0
	c.mu.Unlock()
	q.log.Error("queue: reading failed, deliveries wait", "endpoint", uint64(id), "err", err, "not logged", skipped)
}

// NextDue returns when Take is worth calling again: a time in the past if something is due now, false
// if the endpoint has nothing that is not in hand. The time is a lower bound, and Take brings it closer
// to the truth each time it finds nothing.
func (q *Queue) NextDue(id EndpointID) (time.Time, bool) { return q.nextDue(id, Replay) }

// NextDueFresh is NextDue for lane Fresh alone: it says when TakeFresh is worth calling again.
func (q *Queue) NextDueFresh(id EndpointID) (time.Time, bool) { return q.nextDue(id, Fresh) }

// nextDue is NextDue for the lanes up to last.
func (q *Queue) nextDue(id EndpointID, last Lane) (time.Time, bool) {
	if !q.gate.enter() {
		return time.Time{}, false
	}
	defer q.gate.leave()
	now := q.clock.present()
	e, all := q.knownEndpoint(id)
	if e == nil {
		// Before recovery is through, only a Take can tell.
		return q.clock.time(now), !all
	}
	e.mu.Lock()
	next := end.due
	for l := Fresh; l <= last; l++ {
		next = min(next, e.nextDue(l, q.opts.Window, now))
	}
	e.mu.Unlock()
	if next == end.due {
		return time.Time{}, false
	}
	return q.clock.time(max(next, 1)), true
}

// Idle says that nothing is queued for an endpoint, nor in hand of it. False may also mean that this is not
// known yet: because large fan-outs are not expanded, or else a Take that finds nothing settles it.
func (q *Queue) Idle(id EndpointID) bool {
	if !q.gate.enter() {
		return false
	}
	defer q.gate.leave()
	if q.fanOuts.owed.Load() > 0 {
		return false
	}
	e, all := q.knownEndpoint(id)
	if e == nil {
		return all
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.idle()
}

func (e *endpoint) nextDue(l Lane, window int, now micros) micros {
	ln := &e.lanes[l]
	due := ln.cursor.due
	switch {
	case len(ln.window) > 0:
		due = ln.window[0].due()
	case ln.cursor == end || e.crowded(l, window):
		due = end.due
	case ln.cursor == start:
		due = now
	case ln.cursor.due <= now:
		due = max(due, ln.stalled)
	}
	if l == Fresh && e.lines != nil {
		due = min(due, e.lines.wake)
	}
	if due == end.due {
		return end.due
	}
	return max(due, ln.resting)
}

// Release gives a delivery back as it was taken: no attempt was made. It takes its old place in the
// order. Releasing a delivery that is not in hand does nothing.
func (q *Queue) Release(d *Delivery) {
	if d.queue != q || !q.gate.enter() {
		return
	}
	defer q.gate.leave()
	if q.giveBack(d, 0) {
		q.ready(d.home.id, d.item.pos.due)
	}
}

// giveBack takes a delivery out of hand as it was taken, and lets its lane rest until then. It returns
// false if the delivery is not in hand.
func (q *Queue) giveBack(d *Delivery, until micros) bool {
	e := d.home
	e.mu.Lock()
	defer e.mu.Unlock()
	if held, ok := e.held[handle{d.Lane, d.item.pos}]; !ok || held.settling {
		return false
	}
	e.giveBack(d.Lane, d.item, q.opts.Window, q.clock.present())
	ln := &e.lanes[d.Lane]
	ln.resting = max(ln.resting, until)
	q.counts.inHand.Add(-1)
	return true
}
