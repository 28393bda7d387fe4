package queue

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// heads finds the first deliveries of endpoints in a snapshot, with the help of the low-water marks. What is corrupt is passed
// over.
type heads struct {
	q          *Queue
	snapshot   pebble.Reader
	deliveries *pebble.Iterator
	rows       *pebble.Iterator
	marks      map[track]position // those of the endpoint it is at
}

func newHeads(q *Queue, snapshot pebble.Reader) (*heads, error) {
	// These leave out what turns out to be corrupt while they are in use.
	deliveries, err := snapshot.NewIter(q.blocks.probe().options([]byte{prefixDelivery}, []byte{prefixDelivery + 1}))
	if err != nil {
		return nil, err
	}
	rows, err := snapshot.NewIter(q.blocks.probe().options([]byte{prefixWater}, []byte{prefixWater + 1}))
	if err != nil {
		return nil, errors.Join(err, deliveries.Close())
	}
	return &heads{q, snapshot, deliveries, rows, make(map[track]position)}, nil
}

func (h *heads) close() error { return errors.Join(closePassing(h.deliveries), closePassing(h.rows)) }

// next goes to the first endpoint not below from that has a delivery or a mark.
func (h *heads) next(from EndpointID) (id EndpointID, ok bool, err error) {
	if id, ok, err = h.marked(from); err != nil {
		return 0, false, err
	}
	limit := []byte{prefixDelivery + 1}
	if ok {
		limit = appendDeliveryKey(nil, id, firstTrack, start)
	}
	unmarked, there, err := h.between(appendDeliveryKey(nil, from, firstTrack, start), limit)
	if there && (!ok || unmarked < id) { // limits are not strict
		clear(h.marks)
		return unmarked, true, err
	}
	return id, ok, err
}

// marked returns the first endpoint not below from that has a mark. One that cannot be read is as good as none.
func (h *heads) marked(from EndpointID) (id EndpointID, ok bool, err error) {
	clear(h.marks)
	lo, hi := appendWaterKey(nil, from, firstTrack), []byte{prefixWater + 1}
	for {
		for more := h.rows.SeekGE(lo); more; more = h.rows.Next() {
			of, t, valid := parseWaterKey(h.rows.Key())
			if ok && of != id {
				return id, true, nil
			}
			if p, err := decodeWater(h.rows.Value()); valid && err == nil {
				id, ok = of, true
				h.marks[t] = p
			}
		}
		if err = h.rows.Error(); ok || !isCorrupt(err) {
			if isCorrupt(err) {
				err = nil // the next look meets it
			}
			return id, ok, err
		}
		if lo, err = h.q.passOver(h.snapshot, lo, hi, err); err != nil || bytes.Compare(lo, hi) >= 0 {
			return 0, false, err
		}
	}
}

// between returns the first endpoint that has a delivery from a key on and before a limit, or just behind that.
func (h *heads) between(lo, limit []byte) (id EndpointID, ok bool, err error) {
	for state := h.deliveries.SeekGEWithLimit(lo, limit); state == pebble.IterValid; state = h.deliveries.NextWithLimit(limit) {
		if id, _, _, valid := parseDeliveryKey(h.deliveries.Key()); valid {
			return id, true, nil
		}
	}
	if err = h.deliveries.Error(); isCorrupt(err) {
		return h.readable(lo, limit)
	}
	return 0, false, err
}

// readable is between, by iterators with strict bounds: what is corrupt behind the limit does not concern them.
func (h *heads) readable(lo, limit []byte) (id EndpointID, ok bool, err error) {
	for bytes.Compare(lo, limit) < 0 {
		iter, err := h.snapshot.NewIter(h.q.blocks.options(lo, limit))
		if err != nil {
			return 0, false, err
		}
		for more := iter.First(); more; more = iter.Next() {
			if id, _, _, ok = parseDeliveryKey(iter.Key()); ok {
				break
			}
		}
		err = errors.Join(iter.Error(), iter.Close())
		if ok || !isCorrupt(err) {
			return id, ok, err
		}
		if lo, err = h.q.passOver(h.snapshot, lo, limit, err); err != nil {
			return 0, false, err
		}
	}
	return 0, false, nil
}

// cursors returns the places of the first delivery in each lane of the endpoint it is at, of some segments.
func (h *heads) cursors(id EndpointID, segments []segment) ([lanes]position, error) {
	cursors := [lanes]position{end, end}
	for _, s := range segments {
		for l := range Lane(lanes) {
			first, err := h.first(id, l.in(s))
			if err != nil {
				return cursors, err
			}
			cursors[l] = earlier(cursors[l], first)
		}
	}
	return cursors, nil
}

// first returns the place of the first delivery of a track, which none is before the mark of; the end if there is none. Where
// that cannot be read it is the start: a scan passes over what is corrupt, and knows best what is behind it.
func (h *heads) first(id EndpointID, t track) (position, error) {
	limit := appendDeliveryKey(nil, id, t, end)
	for state := h.deliveries.SeekGEWithLimit(appendDeliveryKey(nil, id, t, h.marks[t]), limit); state == pebble.IterValid; state = h.deliveries.NextWithLimit(limit) {
		of, there, pos, valid := parseDeliveryKey(h.deliveries.Key())
		if valid && of == id && there == t {
			return pos, nil
		}
		if valid { // limits are not strict
			return end, nil
		}
	}
	err := h.deliveries.Error()
	if isCorrupt(err) {
		return start, nil
	}
	return end, err
}
