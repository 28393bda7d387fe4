package queue

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

func (q *Queue) sweepLoop() {
	ticker := time.NewTicker(q.opts.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-q.reclaims:
			q.spareHour()
		case <-q.garbage:
			if !q.gather() {
				return
			}
		case <-q.stop:
			return
		}
		q.dropIdle()
		if err := q.clock.note(); err != nil {
			q.log.Error("queue: writing where queue time is failed", "err", err)
		}
		q.syncs.wrote()
		if err := q.sweep(); err != nil && !errors.Is(err, errStopped) {
			q.counts.sweepsFailed.Add(1)
			q.log.Error("queue: sweep failed", "err", err)
		}
	}
}

// sweep expires what is too old and frees the payloads nothing refers to: those whose last delivery
// was settled when they were not young any more, was purged, or has expired as a dead letter; or was
// delivered longer ago than they are to stay.
//
// It marks and sweeps, and keeps nothing from one time to the next. The horizon is fixed before the
// snapshot is taken, so the snapshot has every message below it, whole or settled. A reference to one
// of those can afterwards only come from another reference, in the same batch that deletes that one, or
// out of nothing by Resend. So what is not marked now is referred to again only if Resend does it, and
// that looks for the payload and tells the sweep (byHand.resent) in one step, which is either before the
// snapshot, or before the payload is deleted, or finds it gone.
func (q *Queue) sweep() error {
	q.sweeps.Lock()
	defer q.sweeps.Unlock()
	q.sweepBegun()
	if err := q.expire(); err != nil {
		return err
	}
	horizon, err := q.horizon()
	if err != nil {
		return err
	}
	snapshot, err := q.sweepBegins()
	if err != nil {
		return err
	}
	defer q.byHand.sweepEnds()
	if q.opts.defect == lab.SnapshotBeforeHorizon {
		horizon = q.writers.horizon()
	}
	live, err := q.mark(snapshot)
	if err != nil {
		return err
	}
	if q.hooks.afterMark != nil {
		q.hooks.afterMark()
	}
	if err := q.freeSides(horizon, live); err != nil {
		return err
	}
	return q.freePayloads(horizon, live)
}

// horizon returns the event below which payloads may be freed.
func (q *Queue) horizon() (EventID, error) {
	horizon := q.writers.horizon()
	if q.opts.KeepDelivered == 0 {
		return horizon, nil
	}
	return q.acceptedSince(q.bucketKept(hourOf, q.opts.KeepDelivered), horizon)
}

// sweepBegins takes the snapshot while nothing is being written that moves a reference from one key to another: on the
// committer's goroutine, with byHand held.
//
// Such a write may be flushed when it is applied and not visible yet. The flush knows of no reader of the old key and
// drops it; a snapshot taken then has neither key (https://github.com/cockroachdb/pebble/issues/6085), and the payload
// would be freed.
func (q *Queue) sweepBegins() (snapshot *pebble.Snapshot, err error) {
	if !q.gate.enter() {
		return nil, errStopped
	}
	defer q.gate.leave()
	take := func() error {
		if q.hooks.beforeSnapshot != nil {
			q.hooks.beforeSnapshot()
		}
		h := &q.byHand
		h.mu.Lock()
		defer h.mu.Unlock()
		h.sweeping, h.resent = true, make(map[EventID]struct{})
		snapshot = q.db.NewSnapshot()
		return nil
	}
	if q.opts.defect == lab.SnapshotBesideOutcomes {
		err = take()
	} else {
		err = q.betweenOutcomes(take)
	}
	return snapshot, err
}

func (h *byHand) sweepEnds() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweeping, h.resent = false, nil
}

// marked are the events that something refers to, or may: of those below unknown that cannot be told.
type marked struct {
	events  eventSet
	unknown EventID
}

func (m marked) has(id EventID) bool { return id < m.unknown || m.events.has(id) }

// mark collects the events that deliveries, parts of large fan-outs and dead letters refer to, and those that were delivered lately.
// Where keys of these are corrupt, they are of messages that were accepted before that was found out.
func (q *Queue) mark(snapshot *pebble.Snapshot) (marked, error) {
	live := eventSet{}
	collect := func(prefix byte, event func(key []byte) (EventID, bool)) error {
		return q.eachReadable(snapshot, []byte{prefix}, []byte{prefix + 1}, func(iter *pebble.Iterator) {
			if id, ok := event(iter.Key()); ok {
				live.add(id)
			}
		})
	}
	err := collect(prefixDelivery, func(k []byte) (EventID, bool) { // waiting or parked
		id, t, pos, ok := parseDeliveryKey(k)
		return pos.event, ok && !q.forgets(id, t)
	})
	if err == nil && q.opts.defect != lab.SweepWithoutLetters {
		err = collect(prefixDead, func(k []byte) (EventID, bool) {
			_, _, id, _, ok := parseDeadKey(k)
			return id, ok
		})
	}
	if err == nil {
		err = collect(prefixKept, parseKeptKey)
	}
	if err == nil && q.opts.defect != lab.SweepWithoutParts {
		err = collect(prefixFanOut, func(k []byte) (EventID, bool) {
			id, _, ok := parsePartKey(k)
			return id, ok
		})
	}
	unknown := EventID(q.unknown.Load())
	if unknown > 0 && err == nil {
		q.log.Error("queue: what refers to payloads is on a part of the store that is corrupt: those of messages that were accepted before are not freed, until it is mended and the queue opened again",
			"before event", uint64(unknown))
	}
	return marked{live, unknown}, errors.Join(err, snapshot.Close())
}

const (
	sweepChunk = 16 << 10 // payload keys walked with one iterator
	sweepRun   = 64       // dead neighbours worth a range deletion
)

// freePayloads deletes the payloads below the horizon that are not live. Runs of them go with a range
// deletion, which gives the space of whole tables back at once.
func (q *Queue) freePayloads(horizon EventID, live marked) error {
	for from := live.unknown; from < horizon; {
		if q.stopping() {
			return errStopped
		}
		dead, next, err := q.deadPayloads(from, horizon, live)
		if err != nil {
			return err
		}
		if err := q.deletePayloads(dead); err != nil {
			return err
		}
		from = next
	}
	return nil
}

// run is a series of payloads without a live one between them.
type run struct {
	ids []EventID // no more than sweepRun, then only the first
	end EventID   // the first id behind the run
}

// deadPayloads walks a chunk of payload keys. next is where the following chunk begins.
func (q *Queue) deadPayloads(from, horizon EventID, live marked) (dead []run, next EventID, err error) {
	lo, hi := appendPayloadKey(nil, from), appendPayloadKey(nil, horizon)
	holes := q.hidden.any(lo, hi)
	iter, err := q.db.NewIter(q.blocks.options(lo, hi))
	if err != nil {
		return nil, 0, err
	}
	reading := spare(q.opts.Cache)
	defer func() {
		err = errors.Join(err, closePassing(iter))
		reading.end()
	}()
	open := false
	n, last := 0, from
	for ok := iter.First(); ok; ok = iter.Next() {
		reading.passed()
		id, valid := parsePayloadKey(iter.Key())
		if n == sweepChunk {
			return dead, id, nil
		}
		n++
		if holes && q.hidden.any(appendPayloadKey(nil, last), iter.Key()) {
			open = false
		}
		last = max(last, id+1)
		if !valid || live.has(id) {
			open = false
			continue
		}
		if !open {
			dead = append(dead, run{})
			open = true
		}
		r := &dead[len(dead)-1]
		r.end = id + 1
		if len(r.ids) < sweepRun {
			r.ids = append(r.ids, id)
		}
	}
	if err := iter.Error(); isCorrupt(err) {
		next, err = q.nextPayload(last, horizon, err)
		return dead, next, err
	}
	return dead, horizon, iter.Error()
}

// nextPayload returns the first payload from a given one on that is not on a corrupt part of the store. Those that are stay.
func (q *Queue) nextPayload(from, horizon EventID, why error) (EventID, error) {
	key, err := q.passOver(q.db, appendPayloadKey(nil, from), appendPayloadKey(nil, horizon), why)
	if err != nil {
		return 0, err
	}
	next, _ := parsePayloadKey(key)
	return next, nil
}

func (q *Queue) deletePayloads(dead []run) error {
	if len(dead) == 0 {
		return nil
	}
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	b := q.db.NewBatch()
	defer b.Close()
	resent := slices.Sorted(maps.Keys(q.byHand.resent))
	for _, r := range dead {
		if i, _ := slices.BinarySearch(resent, r.ids[0]); i < len(resent) && resent[i] < r.end {
			continue // what it still frees is left for the next sweep
		}
		if len(r.ids) == sweepRun {
			if err := b.DeleteRange(appendPayloadKey(nil, r.ids[0]), appendPayloadKey(nil, r.end), nil); err != nil {
				return err
			}
			continue
		}
		for _, id := range r.ids {
			if err := b.Delete(appendPayloadKey(nil, id), nil); err != nil {
				return err
			}
		}
	}
	return b.Commit(pebble.NoSync)
}
