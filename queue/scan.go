package queue

import (
	"errors"

	"hookline/queue/internal/lab"
)

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
// lasts until its deletion is visible, and through the whole of any scan that may have seen it. What stands
// in line can be met too, and so can the retry of an ordered delivery, whose place is below the watermark:
// those are known by their line, see endpoint.knows.
//
// Which segments are read is found out in the same step. A park or an unpark that comes before the end of the scan makes
// void what it has read, as a purge does, and leaves the cursor where it has to be.
func (q *Queue) refill(e *endpoint, l Lane) bool {
	e.scan.Lock()
	defer e.scan.Unlock()

	e.mu.Lock()
	ln := &e.lanes[l]
	now := q.clock.present()
	if len(ln.window) > 0 || ln.cursor.due > now || e.crowded(l, q.opts.Window) {
		defer e.mu.Unlock()
		return len(ln.window) > 0
	}
	mark := q.writers.watermark()
	if q.opts.defect == lab.CursorWithoutWatermark {
		mark = now + 1
	}
	from, cleared, segments := ln.cursor, e.cleared, q.segments.of(e.id).read()
	e.scanning = ln
	e.mu.Unlock()

	if q.hooks.beforeScan != nil {
		q.hooks.beforeScan(e.id)
	}
	items, next, err := q.scan(e.id, l, segments, from, min(mark, now+1))
	if err != nil {
		q.unreadable(e.id, err)
	}
	if q.hooks.afterScan != nil {
		q.hooks.afterScan(e.id)
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	e.finishScan(ln, items, next, cleared, q.opts.Window, q.clock.present())
	ln.stalled = 0
	if err != nil {
		ln.resting = q.clock.present() + rest
		return false
	}
	if next.due <= now && next.due >= mark {
		// Something is due, but an older write is still in progress. Asking again is worth while after
		// as long as that has been going on.
		ln.stalled = now + min(max(now-mark, 1000), 100_000)
	}
	return len(ln.window) > 0 || !e.crowded(l, q.opts.Window) && ln.cursor.due < min(mark, now+1)
}

// scan reads the deliveries of a lane from a position on whose due time is before limit, at most a
// window full of them, from several segments by their places. next is the first position that was not read. What is corrupt is
// passed over.
//
// From the start of a lane it goes to the low-water marks at once. It does not matter that one may be lowered just then: the
// retry for which that is done goes to memory.
func (q *Queue) scan(id EndpointID, l Lane, segments []segment, from position, limit micros) (items []item, next position, err error) {
	var tracks tracks
	defer func() {
		passed, e := tracks.close()
		if err = errors.Join(err, e); err != nil {
			items, next = nil, from
		}
		if q.opts.Refilled != nil {
			q.opts.Refilled(passed)
		}
	}()
	for _, s := range segments {
		if err := tracks.open(q, id, l.in(s), from); err != nil {
			return nil, from, err
		}
	}
	var notes []byte
	for t := tracks.first(); t != nil; t = tracks.first() {
		if t.pos.due >= limit || len(items) == q.opts.Window {
			return items, t.pos, nil
		}
		it := item{pos: t.pos, segment: t.track.segment()}
		it.state, err = decodeState(t.iter.Value(), t.pos.due)
		if err != nil {
			it.state, it.corrupt = state{accepted: t.pos.due}, true
		}
		notes = append(notes, it.note...)
		if n := len(it.note); n > 0 {
			it.note = notes[len(notes)-n : len(notes) : len(notes)]
		}
		items = append(items, it)
		if err := t.next(); err != nil {
			return nil, from, err
		}
	}
	return items, end, nil
}

// finishScan puts what a scan has read into the window and then does what had to wait for it.
func (e *endpoint) finishScan(ln *lane, items []item, next position, cleared uint32, window int, now micros) {
	l := Fresh
	if ln == &e.lanes[Replay] {
		l = Replay
	}
	e.scanning = nil
	if cleared != e.cleared {
		items, next = nil, ln.cursor // as that left it: all that came since has arrived
	}
	for _, it := range items {
		if _, held := e.held[handle{l, it.pos}]; held {
			continue
		}
		it.gen = e.gen
		if it.turn != nil {
			if e.knows(&it) {
				continue
			}
			if e.crowded(l, window) {
				next = it.pos
				break
			}
			if !e.join(it, window, now) {
				continue
			}
		}
		ln.place(it)
	}
	ln.cursor = next
	if next == end || ln.last.less(next) {
		// What stopped the scan, if anything, is not handed over yet, or in memory: no scan has to find it.
		ln.cursor, ln.last = end, start
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
