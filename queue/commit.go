package queue

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// committer writes settlements, in the order they come, from one goroutine.
type committer struct {
	ops    chan settlement
	hasten chan struct{} // see hurry
	done   sync.WaitGroup
}

// settlement is one thing for the committer to do: write an outcome, do something else between the outcomes, or tell
// a caller that what came before is committed.
type settlement struct {
	home    *endpoint
	lane    Lane
	item    item
	outcome Outcome
	next    micros // when it is due again, if it is; for the committer
	freed   uint64 // the number of a side file that is freed by it, if one is; for the committer

	do        func() error // see betweenOutcomes
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
		if op := batch[0]; op.do != nil {
			err = op.do()
		}
		batch[0].committed <- err
		batch = batch[1:]
	}
}

// betweenOutcomes has the committer do something when what came before is committed and nothing else of it is on its
// way. The caller must be inside the gate.
func (q *Queue) betweenOutcomes(do func() error) error {
	committed := make(chan error, 1)
	q.settles.ops <- settlement{do: do, committed: committed}
	q.settles.hurry()
	return <-committed
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
	slices.SortFunc(ops, byPlace)
	b := q.db.NewBatchWithSize(sizeOf(ops))
	defer b.Close()
	err = q.fillOutcomes(b, ops, t)
	if q.hooks.beforeSettle != nil {
		q.hooks.beforeSettle()
	}
	if err == nil && !b.Empty() {
		if err = q.commitTimed(b, pebble.NoSync); err == nil {
			q.syncs.wrote()
		}
	}
	if q.hooks.afterSettle != nil {
		q.hooks.afterSettle()
	}
	if err != nil {
		for i := range ops {
			ops[i].home.lanes[ops[i].lane].water.known = false // it may have been lowered in the batch
		}
		q.log.Error("queue: settling failed", "deliveries", len(ops), "err", err)
		return err
	}
	for i := range ops {
		if n := ops[i].freed; n != 0 {
			q.sides.freed.add(n)
		}
		ops[i].next = q.settled(&ops[i], t.low)
	}
	q.writers.end(t)
	q.sweepIfWorth()
	for i := range ops {
		if next := ops[i].next; next != 0 {
			q.ready(ops[i].home.id, next)
		}
	}
	q.passed(ops)
	return nil
}

// byPlace is the order of the keys of deliveries.
func byPlace(a, b settlement) int {
	return cmp.Or(cmp.Compare(a.home.id, b.home.id), cmp.Compare(a.lane, b.lane), cmp.Compare(a.item.pos.due, b.item.pos.due), cmp.Compare(a.item.pos.event, b.item.pos.event))
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

// fillOutcomes writes outcomes into a batch, with the keys of a kind in their order: the memtable finds the place of a key
// from that of the one before.
//
// Purges happen on this goroutine too, so reading endpoint.gen needs no lock here. What a purge has passed over has lost its
// key.
func (q *Queue) fillOutcomes(b *pebble.Batch, ops []settlement, t *ticket) error {
	for _, add := range [...]func(*Queue, *pebble.Batch, *settlement, *ticket) error{
		(*Queue).addDelivery, (*Queue).addRecord, (*Queue).addPayload, (*Queue).addLetter,
	} {
		for i := range ops {
			if op := &ops[i]; op.item.gen == op.home.gen {
				if err := add(q, b, op, t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addDelivery takes a delivery from its place, and puts one that is due again to its new one.
func (q *Queue) addDelivery(b *pebble.Batch, op *settlement, t *ticket) error {
	var buf [deliveryKeyLen + 64]byte
	if err := b.SingleDelete(appendDeliveryKey(buf[:0], op.home.id, op.lane, op.item.pos), nil); err != nil {
		return err
	}
	if op.outcome.Verdict != Again {
		return nil
	}
	// The present was issued after the delivery was taken, when it was due. So this key is a new one.
	// That of an ordered one is new as it is before all that this delivery had.
	op.next = max(t.low, q.clock.at(op.outcome.At))
	again := op.item.again(op.next)
	if again.turn != nil {
		if err := q.lower(b, op.home, op.lane, again.pos); err != nil {
			return err
		}
	}
	return setDelivery(b, buf[:0], op.home.id, op.lane, &again)
}

// addRecord adds what is kept of the attempt.
func (q *Queue) addRecord(b *pebble.Batch, op *settlement, t *ticket) error {
	r := op.outcome.Record
	if r == nil {
		return nil
	}
	var buf [attemptKeyLen]byte
	return b.Set(appendAttemptKey(buf[:0], op.home.id, t.low, op.item.pos.event, op.item.attempts, op.lane), r, nil)
}

// addPayload frees the payload of a delivery that is done, if it was the last one and the payload is young or in a side
// file. If
// payloads are to stay for a while, it leaves that to the sweep instead, which knows what was accepted lately; what
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
		if err := b.Delete(appendReplayKey(buf[:0], op.home.id, id), nil); err != nil {
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
