package queue

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
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
	return q.settle(d, o)
}

func (q *Queue) settle(d *Delivery, o Outcome) error {
	if d.queue != q {
		return ErrNotHeld
	}
	if ok, purged := d.home.claim(d.Lane, &d.item); purged {
		return nil
	} else if !ok {
		return ErrNotHeld
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
	return nil
}

// Flush returns once every settlement made before the call is durable. When ctx ends it gives up
// waiting; the settlements become durable all the same.
func (q *Queue) Flush(ctx context.Context) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	if err := q.committed(ctx); err != nil {
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

// committer writes settlements, in the order they come, from one goroutine.
type committer struct {
	ops    chan settlement
	hasten chan struct{} // see hurry
	done   sync.WaitGroup
}

// settlement is one thing for the committer to do: write an outcome, purge an endpoint, or tell a
// caller that what came before is committed.
type settlement struct {
	home    *endpoint
	lane    Lane
	item    item
	outcome Outcome

	purge     *purge
	committed chan error
}

const (
	settleQueue = 4096
	settleBatch = 256

	// settleLinger is how long an outcome waits for company. A commit costs about as much as dozens of
	// outcomes in it, and the sync that makes it durable is ten times as far away.
	settleLinger = 2 * time.Millisecond
)

func (c *committer) init() {
	c.ops = make(chan settlement, settleQueue)
	c.hasten = make(chan struct{}, 1)
}

// hurry ends a linger. It is called after something was sent that somebody waits for, or after ops was
// closed; if that came in time without it, the next linger is cut short for nothing.
func (c *committer) hurry() {
	select {
	case c.hasten <- struct{}{}:
	default:
	}
}

// fill adds to a batch what has queued up. It returns true if more may come and nobody waits for what
// is there.
func (c *committer) fill(batch []settlement) (_ []settlement, linger bool) {
	linger = true
	for _, op := range batch {
		linger = linger && op.committed == nil
	}
	for len(batch) < settleBatch {
		select {
		case op, ok := <-c.ops:
			if !ok {
				return batch, false
			}
			batch = append(batch, op)
			linger = linger && op.committed == nil
		default:
			return batch, linger
		}
	}
	return batch, false
}

// commitLoop takes what has queued up while the batch before was being written, and if that is not a
// whole batch, what comes in the next moments. So batches grow with the load. It ends when the channel
// is closed and empty.
//
// While it lingers it leaves what comes in the channel, so that one wake-up serves all of it.
func (q *Queue) commitLoop() {
	c := &q.settles
	batch := make([]settlement, 0, settleBatch)
	timer := time.NewTimer(settleLinger)
	defer timer.Stop()
	for op := range c.ops {
		var linger bool
		if batch, linger = c.fill(append(batch[:0], op)); linger {
			timer.Reset(settleLinger)
			select {
			case <-timer.C:
			case <-c.hasten:
			}
			batch, _ = c.fill(batch)
		}
		q.commit(batch)
		clear(batch)
	}
}

// commit writes a run of outcomes at a time, and between the runs does what has to wait for them.
func (q *Queue) commit(batch []settlement) {
	for len(batch) > 0 {
		n := 0
		for n < len(batch) && batch[n].committed == nil {
			n++
		}
		var err error
		if n > 0 {
			err = q.commitOutcomes(batch[:n])
		}
		if batch = batch[n:]; len(batch) == 0 {
			return
		}
		if op := batch[0]; op.purge != nil {
			op.committed <- q.purge(op.home, op.purge)
		} else {
			op.committed <- err
		}
		batch = batch[1:]
	}
}

// commitOutcomes writes one batch. If the database refuses it, its deliveries stay in hand until the
// queue is opened again: they may have been sent, and are due then.
func (q *Queue) commitOutcomes(ops []settlement) error {
	t, err := q.writers.begin(0)
	if err != nil {
		q.log.Error("queue: settling failed", "deliveries", len(ops), "err", err)
		return err
	}
	defer q.writers.end(t)
	b := q.db.NewBatchWithSize(sizeOf(ops))
	defer b.Close()
	next := make([]micros, len(ops))
	for i := range ops {
		next[i], err = q.addOutcome(b, &ops[i], t)
		if err != nil {
			break
		}
	}
	if q.hooks.beforeSettle != nil {
		q.hooks.beforeSettle()
	}
	if err == nil && !b.Empty() {
		if err = b.Commit(pebble.NoSync); err == nil {
			q.syncs.wrote()
		}
	}
	if err != nil {
		q.log.Error("queue: settling failed", "deliveries", len(ops), "err", err)
		return err
	}
	for i := range ops {
		next[i] = q.settled(&ops[i], next[i], t.low)
	}
	q.writers.end(t)
	for i := range ops {
		if next[i] != 0 {
			q.ready(ops[i].home.id, next[i])
		}
	}
	return nil
}

// sizeOf is about what a batch of outcomes takes.
func sizeOf(ops []settlement) int {
	size := len(ops) * 96
	for i := range ops {
		if r := ops[i].outcome.Record; r != nil {
			size += attemptKeyLen + len(r) + 8
		}
	}
	return size
}

// addOutcome writes an outcome into a batch. It returns the new due time of a delivery that is due
// again, else 0. Purges happen on this goroutine too, so reading endpoint.gen needs no lock here.
func (q *Queue) addOutcome(b *pebble.Batch, op *settlement, t *ticket) (next micros, err error) {
	it, e, now := &op.item, op.home, t.low
	if it.gen != e.gen {
		return 0, nil // its key went with a purge
	}
	var buf [deliveryKeyLen + 64]byte
	if err := b.SingleDelete(appendDeliveryKey(buf[:0], e.id, op.lane, it.pos), nil); err != nil {
		return 0, err
	}
	if r := op.outcome.Record; r != nil {
		key := appendAttemptKey(buf[:0], e.id, now, it.pos.event, it.attempts, op.lane)
		if err := b.Set(key, r, nil); err != nil {
			return 0, err
		}
	}
	if op.lane == Replay && op.outcome.Verdict != Again {
		if err := b.Delete(appendReplayKey(buf[:0], e.id, it.pos.event), nil); err != nil {
			return 0, err
		}
	}
	switch op.outcome.Verdict {
	case Again:
		// now was issued after the delivery was taken, when it was due. So this key is a new one.
		// That of an ordered one is new as it is before all that this delivery had.
		next = max(now, q.clock.at(op.outcome.At))
		again := it.again(next)
		key := appendDeliveryKey(buf[:0], e.id, op.lane, again.pos)
		return next, b.Set(key, appendState(nil, again.state, again.pos.due), nil)
	case Dead:
		q.recent.close(it.pos.event, true)
		key := appendDeadKey(buf[:0], e.id, now, it.pos.event, op.lane)
		return 0, b.Set(key, appendLetter(nil, op.outcome.Reason, it.state, now), nil)
	}
	return 0, q.addDelivered(b, buf[:0], it.pos.event, t)
}

// addDelivered frees the payload of a delivery that is done, if it was the last one and the payload is young. If
// payloads are to stay for a while, it leaves that to the sweep instead, which knows what was accepted lately; what
// was accepted before the present hour is noted for it.
func (q *Queue) addDelivered(b *pebble.Batch, buf []byte, id EventID, t *ticket) error {
	young := q.recent.close(id, false)
	switch {
	case q.opts.KeepDelivered == 0 && young:
		return b.SingleDelete(appendPayloadKey(buf, id), nil)
	case q.opts.KeepDelivered > 0 && id < t.since:
		return b.Set(appendKeptKey(buf, hourOf(t.low), id), nil, nil)
	}
	return nil
}

// settled tells the endpoint of a committed outcome. It returns when Take is worth calling because of it, 0
// if it is not; next is when the delivery is due again.
func (q *Queue) settled(op *settlement, next, now micros) micros {
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
	if next != 0 {
		if it := op.item.again(next); it.turn != nil {
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
