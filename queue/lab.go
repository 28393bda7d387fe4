package queue

import (
	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

func init() { lab.Prepare = prepare }

// prepare is what the crash test calls. A defect is a decision of the code, turned around at its place; those that tear
// apart what is one batch are here.
func prepare(options any, s lab.Setup) {
	o := options.(*Options)
	o.defect, o.now = s.Defect, s.Now
	o.maxDirect, o.maxPart, o.lowWaterStep = s.MaxDirect, s.MaxPart, s.LowWaterStep
	if s.Defect == lab.AcceptWithoutSync {
		o.acceptOptions = pebble.NoSync
	}
	if s.At != nil {
		o.hooks = steps(s.At)
	}
}

// steps are hooks that call at.
func steps(at func(lab.Step)) hooks {
	step := func(s lab.Step) func() { return func() { at(s) } }
	anywhere := step(lab.Somewhere)
	accept := func([]Message) { at(lab.Somewhere) }
	scan := func(EndpointID) { at(lab.Somewhere) }
	expand := func(part) { at(lab.Somewhere) }
	return hooks{
		beforeCommit: accept, afterCommit: accept,
		keyBusy:    anywhere,
		beforeScan: scan, afterScan: scan,
		beforeFind: anywhere, afterAsked: anywhere,
		beforePurge: anywhere, beforeCount: anywhere,
		beforeSettle: step(lab.OutcomesBegin), afterSettle: step(lab.OutcomesEnd),
		beforeResend: anywhere, afterResend: anywhere,
		beforeExpand: expand, duringExpand: expand, afterExpand: expand,
		beforeSnapshot: step(lab.Snapshot), afterMark: anywhere,
		betweenBatches: step(lab.Between),
	}
}

// forgets says that a defect has the sweep forget what is in a track.
func (q *Queue) forgets(id EndpointID, t track) bool {
	return q.opts.defect == lab.SweepWithoutParked && q.segments.of(id).parking(t.segment()) != nil
}

// syncRemoval makes a purge, park or unpark durable, unless a defect says otherwise.
func (q *Queue) syncRemoval(kind removalKind) error {
	d := q.opts.defect
	if d == lab.PurgeWithoutSync && kind == purges || d == lab.ParkWithoutSync && kind != purges {
		q.background.Go(q.betweenBatches)
		return nil
	}
	return q.db.LogData(nil, pebble.Sync)
}

// commitBatch commits a batch of deliveries: at once, unless a defect says otherwise.
func (q *Queue) commitBatch(b *pebble.Batch, o *pebble.WriteOptions) error {
	switch q.opts.defect {
	default:
		return b.Commit(o)
	case lab.AcknowledgeBeforeCommit:
		if !o.Sync {
			return b.Commit(o)
		}
		return q.commitLate(b)
	case lab.KeyBeforeMessage, lab.LetterBeforeResend, lab.PartBeforeDeliveries, lab.OutcomeInTwo:
		return q.commitInTwo(b, o, true)
	case lab.KeyAfterMessage, lab.LetterAfterResend, lab.PartAfterDeliveries:
		return q.commitInTwo(b, o, false)
	}
}

// commitLate commits a batch when its caller believes that it is committed.
func (q *Queue) commitLate(b *pebble.Batch) error {
	late := q.db.NewBatch()
	if err := late.Apply(b, nil); err != nil {
		return err
	}
	q.background.Go(func() {
		q.betweenBatches()
		if err := late.Commit(pebble.Sync); err != nil {
			q.log.Error("queue: a late commit failed", "err", err)
		}
	})
	return nil
}

// commitInTwo commits what a defect takes apart as a batch of its own, before the rest or after it.
func (q *Queue) commitInTwo(b *pebble.Batch, o *pebble.WriteOptions, before bool) error {
	apart, rest := q.db.NewBatch(), q.db.NewBatch()
	defer apart.Close()
	defer rest.Close()
	for r := b.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		to := rest
		if q.apart(kind, key) {
			to = apart
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			err = to.Set(key, value, nil)
		case pebble.InternalKeyKindDelete:
			err = to.Delete(key, nil)
		case pebble.InternalKeyKindSingleDelete:
			err = to.SingleDelete(key, nil)
		}
		if err != nil {
			return err
		}
	}
	if apart.Empty() || rest.Empty() {
		return b.Commit(o)
	}
	first, second := func() error { return rest.Commit(o) }, func() error { return apart.Commit(pebble.NoSync) }
	if before {
		first, second = second, first
	}
	if err := first(); err != nil {
		return err
	}
	q.betweenBatches()
	return second()
}

// apart says what a defect takes apart.
func (q *Queue) apart(kind pebble.InternalKeyKind, key []byte) bool {
	switch q.opts.defect {
	case lab.KeyBeforeMessage, lab.KeyAfterMessage:
		return key[0] == prefixKey
	case lab.LetterBeforeResend, lab.LetterAfterResend:
		return key[0] == prefixDead && kind == pebble.InternalKeyKindDelete
	case lab.PartBeforeDeliveries, lab.PartAfterDeliveries:
		return key[0] == prefixFanOut && kind == pebble.InternalKeyKindSingleDelete
	case lab.OutcomeInTwo:
		return key[0] == prefixDelivery && kind == pebble.InternalKeyKindSingleDelete
	}
	return false
}

func (q *Queue) betweenBatches() {
	if q.hooks.betweenBatches != nil {
		q.hooks.betweenBatches()
	}
}
