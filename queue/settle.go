package queue

import (
	"context"
	"math"
)

// Settle ends a delivery in hand. It does not wait for the disk: the outcome is durable within about
// Options.SyncInterval, and a crash before that makes the delivery due as it was. It waits if thousands
// of settlements have not been written yet.
//
// Errors: ErrClosed, ErrNotHeld for a delivery that was settled or released before.
func (q *Queue) Settle(d *Delivery, o Outcome) error {
	if err := o.validate(); err != nil {
		return err
	}
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	_, err := q.settle(d, o)
	return err
}

// settle returns false if a purge has taken the delivery out of hand.
func (q *Queue) settle(d *Delivery, o Outcome) (bool, error) {
	if d.queue != q {
		return false, ErrNotHeld
	}
	if ok, purged := d.home.claim(d.Lane, &d.item); purged {
		return false, nil
	} else if !ok {
		return false, ErrNotHeld
	}
	it := d.item
	if o.Attempted {
		it.attempts += min(1, math.MaxUint16-it.attempts)
		it.status = uint16(min(max(o.Status, 0), math.MaxUint16))
		if o.Verdict != Done && it.firstFailure == 0 {
			it.firstFailure = max(q.clock.present(), it.accepted)
		}
	}
	q.settles.ops <- settlement{home: d.home, lane: d.Lane, item: it, outcome: o}
	if it.turn != nil && o.Verdict != Again {
		if due := d.home.pass(&it, q.clock.present()); due != 0 {
			q.ready(d.home.id, due)
		}
	}
	return true, nil
}

// Flush returns once every settlement made before the call is durable, and every delivery accepted before it can be taken when
// it is due, those of large fan-outs included. When ctx ends it gives up waiting; the settlements become durable all the same.
func (q *Queue) Flush(ctx context.Context) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	if err := q.committed(ctx); err != nil {
		return err
	}
	if err := q.fanOuts.wait(ctx); err != nil {
		return err
	}
	return q.syncSettlements()
}

// committed returns once every settlement made before the call is committed.
func (q *Queue) committed(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	committed := make(chan error, 1)
	select {
	case q.settles.ops <- settlement{committed: committed}:
	case <-ctx.Done():
		return ctx.Err()
	}
	q.settles.hurry()
	select {
	case err := <-committed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
