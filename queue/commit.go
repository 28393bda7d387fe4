package queue

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
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
	next    micros  // when it is due again, if it is; for the committer, as is the segment it goes to then
	to      segment //
	freed   uint64  // the number of a side file that is freed by it, if one is; for the committer

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
	q.locate(ops)
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

// locate finds the segments that the deliveries are in by now and go to if they are due again. Parks happen on this goroutine
// too, so that stays so until the outcomes are committed.
func (q *Queue) locate(ops []settlement) {
	if !q.segments.any() {
		return
	}
	for i := range ops {
		op := &ops[i]
		op.to = q.segments.present(op.home.id)
		op.home.mu.Lock()
		if held, ok := op.home.held[handle{op.lane, op.item.pos}]; ok {
			op.item.segment = held.segment
		}
		op.home.mu.Unlock()
	}
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
