package queue

import (
	"cmp"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// expandLoop makes deliveries of the parts of large fan-outs, the oldest event first.
func (q *Queue) expandLoop() {
	for !q.stopping() {
		p, ok := q.fanOuts.first()
		if !ok {
			select {
			case <-q.fanOuts.come:
			case <-q.stop:
			}
			continue
		}
		if !q.persist("expanding a fan-out", func() error {
			err := q.expand(p)
			if err != nil {
				q.fanOuts.failed(err)
			}
			return err
		}) {
			return
		}
		q.fanOuts.expanded(p)
	}
}

// expand makes deliveries of one part. Their keys come in the batch that removes the part, so that a crash leaves either the
// part or all of them; and in a ticket of their own, so that to a scan they are like those of an accept. That is also why they
// are due no sooner than now.
//
// A part that cannot be read now or later is passed over, and stays where it is.
func (q *Queue) expand(p part) error {
	if q.hooks.beforeExpand != nil {
		q.hooks.beforeExpand(p)
	}
	ds, err := q.readPart(p)
	if isCorrupt(err) { // it may have been the memory, or the bus
		ds, err = q.readPart(p)
	}
	if errors.Is(err, pebble.ErrNotFound) || isCorrupt(err) {
		q.lostPart(p, err)
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(ds, func(a, b destination) int { // the order of the keys
		return cmp.Or(cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.lane, b.lane))
	})
	t, stamp, err := q.commitPart(p, ds)
	if err != nil {
		return err
	}
	defer q.writers.end(t)
	if q.hooks.afterExpand != nil {
		q.hooks.afterExpand(p)
	}
	for i := range ds {
		d := &ds[i]
		q.handOver(d.endpoint, d.lane, p.item(d, t.low), stamp, t.low)
	}
	q.writers.end(t)
	for i := range ds {
		q.ready(ds[i].endpoint, max(t.low, ds[i].notBefore))
	}
	return nil
}

func (p *part) item(d *destination, now micros) item {
	return item{
		pos: position{max(now, d.notBefore), p.event}, segment: d.segment,
		state: state{accepted: p.head.accepted, note: d.note},
	}
}

func (q *Queue) readPart(p part) ([]destination, error) {
	v, closer, err := q.db.Get(appendPartKey(nil, p.event, p.number))
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	_, ds, err := decodePart(slices.Clone(v))
	return ds, err
}

// commitPart holds byHand, as it moves the reference to a payload from one key to others, see Queue.sweepBegins, and so that the
// segments stay the present ones until it is committed. On the
// committer's goroutine every outcome would wait for the thousand keys of a part; so only what is rare does. stamp is the number
// of removals before the write.
func (q *Queue) commitPart(p part, ds []destination) (t *ticket, stamp uint64, err error) {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	if t, err = q.writers.begin(0); err != nil {
		return nil, 0, err
	}
	stamp = q.endpoints.removals.Load()
	for i := range ds {
		ds[i].segment = q.segments.present(ds[i].endpoint)
	}
	b := q.db.NewBatchWithSize(len(ds) * 64)
	defer b.Close()
	err = q.fillPart(b, p, ds, t.low)
	if q.hooks.duringExpand != nil {
		q.hooks.duringExpand(p)
	}
	if err == nil {
		err = q.commitBatch(b, pebble.NoSync)
	}
	if err != nil {
		q.writers.end(t)
		return nil, 0, err
	}
	q.syncs.wrote() // or a crash much later would have it all expanded again, due later
	return t, stamp, nil
}

func (q *Queue) fillPart(b *pebble.Batch, p part, ds []destination, now micros) error {
	var buf [deliveryKeyLen + 64]byte
	for i := range ds {
		d := &ds[i]
		it := p.item(d, now)
		if err := setDelivery(b, buf[:0], d.endpoint, d.lane.in(d.segment), &it); err != nil {
			return err
		}
	}
	for i := range ds {
		if d := &ds[i]; d.lane == Replay {
			if err := b.Set(appendReplayKey(buf[:0], d.endpoint, d.segment, p.event), nil, nil); err != nil {
				return err
			}
		}
	}
	return b.SingleDelete(appendPartKey(buf[:0], p.event, p.number), nil)
}

// lostPart counts out the deliveries of a part that cannot be read. Nobody knows who they are owed to.
func (q *Queue) lostPart(p part, err error) {
	q.counts.unreadable.Add(1)
	q.log.Error("queue: deliveries lost, their part of a fan-out cannot be read",
		"event", uint64(p.event), "part", p.number, "deliveries", p.head.total(), "err", err)
	now := q.clock.present()
	for l, n := range p.head.owed {
		q.ended(Lane(l), p.head.accepted, now, int64(n))
		for range n {
			if q.opts.Lost != nil {
				q.opts.Lost(Lane(l), Corrupt)
			}
		}
	}
}
