package queue

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// Behind the cursors lie the tombstones of what was settled. The low-water mark of a track is a place that no delivery in it
// is before. When thousands were settled, the committer moves the marks, deletes the ranges behind them, which lets the
// database drop whole tables, and keeps the marks on disk, so that Open looks for work from there. A mark that is lost, or not
// moved, costs a walk over tombstones and nothing else. One that is too high would lose deliveries; why none is:
//
//   - It is no higher than any place that is known in memory, nor a cursor, nor any write in progress: Queue.lowest. What is
//     parked is not known in memory, so marks of parked segments are not moved.
//   - It is no higher than where queue time is sure to go on after a crash, so that what is accepted then is behind it.
//   - It is no higher than what was passed over as corrupt, see hidden.
//   - The retry of an ordered delivery is the only one with a place before the one it had. Where that is before the
//     mark, the batch that writes it lowers the mark.
//   - Deliveries in hand go to the segment that a Park begins as they are, with places from long ago. It has no marks:
//     they went with the last deliveries that its number was for, see deleteSegment.
//
// Marks and the roles of segments change on the committer's goroutine, or with byHand held where a segment is parked before and
// gone after.
//
// A range deletion deletes again what single deletes have. In whichever order the database comes to drop the three, nothing comes
// back: a key is written again only after the range it is in was deleted with its whole segment, so below the tombstones
// there is one version at most. But a table that is dropped as a whole
// may leave a single delete behind with nothing to delete, which the database reports, see Misuse.

// lowWaterStep is how many deliveries of a lane are settled between two moves of its marks.
const lowWaterStep = 4096

// lowWater is what is known of the marks of a lane. It belongs to the committer's goroutine.
type lowWater struct {
	mark    position // of the track in the present segment, as on disk; its start if it has none
	known   bool     // mark was read
	settled int      // deliveries since the marks were moved
}

// lowWater returns the mark of a lane in the present segment.
func (q *Queue) lowWater(e *endpoint, l Lane, present segment) (position, error) {
	w := &e.lanes[l].water
	if w.known {
		return w.mark, nil
	}
	mark, err := readWater(q.db, e.id, l.in(present))
	if err != nil {
		return start, err
	}
	w.mark, w.known = mark, true
	return mark, nil
}

// readWater returns the start of the track if it has no mark, or a malformed one.
func readWater(r pebble.Reader, id EndpointID, t track) (position, error) {
	v, closer, err := r.Get(appendWaterKey(nil, id, t))
	if errors.Is(err, pebble.ErrNotFound) {
		return start, nil
	}
	if err != nil {
		return start, err
	}
	defer closer.Close()
	mark, _ := decodeWater(v)
	return mark, nil
}

// beyondWater returns where to look for deliveries of a track that are not before a place. From the start that is the
// low-water mark.
func (q *Queue) beyondWater(id EndpointID, t track, p position) position {
	if p == start {
		if mark, err := readWater(q.db, id, t); err == nil {
			return mark
		}
	}
	return p
}

// lower sees to it that the mark of the present segment is not behind a delivery which goes there to a place before the one it
// had. A mark that cannot be read is removed.
func (q *Queue) lower(b *pebble.Batch, e *endpoint, l Lane, present segment, p position) error {
	mark, err := q.lowWater(e, l, present)
	w, key := &e.lanes[l].water, appendWaterKey(nil, e.id, l.in(present))
	if err != nil {
		w.mark, w.known = start, true
		return b.Delete(key, nil)
	}
	if !p.less(mark) {
		return nil
	}
	w.mark = p
	return b.Set(key, appendWater(nil, p), nil)
}

// passed counts committed outcomes, and moves the marks of lanes that have had many.
func (q *Queue) passed(ops []settlement) {
	for i := range ops {
		e, l := ops[i].home, ops[i].lane
		w := &e.lanes[l].water
		if w.settled++; w.settled < q.opts.lowWaterStep {
			continue
		}
		w.settled, w.known = 0, false
		if err := q.raise(e, l); err != nil {
			q.log.Error("queue: moving a low-water mark failed", "endpoint", uint64(e.id), "err", err)
		}
	}
}

// raise moves the marks of a lane, in all segments that are read, as far as they can go. No outcome is half written: this runs on
// the committer's goroutine.
func (q *Queue) raise(e *endpoint, l Lane) error {
	lowest, ok := q.lowest(e, l)
	if !ok {
		return nil
	}
	b := q.db.NewBatch()
	defer b.Close()
	for _, s := range q.segments.of(e.id).read() {
		t := l.in(s)
		old, err := readWater(q.db, e.id, t)
		if isCorrupt(err) {
			old, err = start, nil // it is overwritten
		}
		if err != nil {
			return err
		}
		if mark := q.hidden.before(e.id, t, old, lowest); old.less(mark) {
			if err := raiseTrack(b, e.id, t, old, mark); err != nil {
				return err
			}
		}
	}
	return b.Commit(pebble.NoSync)
}

func raiseTrack(b *pebble.Batch, id EndpointID, t track, from, to position) error {
	if err := b.DeleteRange(appendDeliveryKey(nil, id, t, from), appendDeliveryKey(nil, id, t, to), nil); err != nil {
		return err
	}
	return b.Set(appendWaterKey(nil, id, t), appendWater(nil, to), nil)
}

// lowest returns a place that no delivery of a lane that is not parked is before, now or later, except for retries of ordered
// ones. It returns false for an endpoint that was dropped: another one may have its deliveries now.
//
// The watermark is read in one step with what memory knows, as for a scan: a write has ended, and its delivery is known, or
// its delivery is behind the watermark. Where queue time goes on after a crash is told by the mark on disk, which is no
// later than that.
func (q *Queue) lowest(e *endpoint, l Lane) (position, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.lowest(l)
	if q.opts.defect == lab.WaterAboveTheHeld {
		known = end
	}
	p := earlier(known, position{due: min(q.writers.watermark(), q.clock.resumes())})
	return p, !e.dropped
}

// lowest returns the place of the first delivery of a lane that is not parked, as far as memory knows. During a scan the cursor is still where
// the scan began. Whatever lets a cursor pass deliveries that stay on disk only has to hold the mark back here.
func (e *endpoint) lowest(l Lane) position {
	ln := &e.lanes[l]
	p := ln.cursor
	if len(ln.window) > 0 {
		p = earlier(p, ln.window[0].pos)
	}
	for i := range ln.arrived {
		p = earlier(p, ln.arrived[i].pos)
	}
	for h := range e.held {
		if h.lane == l {
			p = earlier(p, h.pos)
		}
	}
	if l == Fresh && e.lines != nil {
		for _, line := range e.lines.byKey {
			if len(line.behind) > 0 {
				p = earlier(p, line.behind[0].pos)
			}
		}
	}
	return p
}

// Misuse reports whether an event of the database tells of a defect. It is not one that a single delete of a delivery or a
// payload had nothing to delete: a range deletion may have taken a whole table from below it
// (https://pkg.go.dev/github.com/cockroachdb/pebble/v2#APIMisuseKind).
func Misuse(i pebble.PossibleAPIMisuseInfo) bool {
	if i.Kind != pebble.IneffectualSingleDelete || len(i.UserKey) == 0 {
		return true
	}
	return i.UserKey[0] != prefixDelivery && i.UserKey[0] != prefixPayload
}

func appendWater(b []byte, p position) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.due))
	return binary.BigEndian.AppendUint64(b, uint64(p.event))
}

func decodeWater(v []byte) (position, error) {
	r := reader{b: v}
	p := position{micros(r.uint64()), EventID(r.uint64())}
	if r.bad || len(r.b) > 0 || p.due < 0 {
		return start, errCorrupt
	}
	return p, nil
}
