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
	marks      *pebble.Iterator
}

func newHeads(q *Queue, snapshot pebble.Reader) (*heads, error) {
	deliveries, err := snapshot.NewIter(&pebble.IterOptions{
		LowerBound: []byte{prefixDelivery}, UpperBound: []byte{prefixDelivery + 1},
	})
	if err != nil {
		return nil, err
	}
	marks, err := snapshot.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixWater}, UpperBound: []byte{prefixWater + 1}})
	if err != nil {
		return nil, errors.Join(err, deliveries.Close())
	}
	return &heads{q, snapshot, deliveries, marks}, nil
}

func (h *heads) close() error { return errors.Join(closePassing(h.deliveries), closePassing(h.marks)) }

// next returns the first endpoint not below from that has a delivery or a mark, with its marks.
func (h *heads) next(from EndpointID) (id EndpointID, marks [lanes]position, ok bool, err error) {
	if id, ok, err = h.marked(from, &marks); err != nil {
		return 0, marks, false, err
	}
	limit := []byte{prefixDelivery + 1}
	if ok {
		limit = appendDeliveryKey(nil, id, Fresh, start)
	}
	unmarked, there, err := h.between(appendDeliveryKey(nil, from, Fresh, start), limit)
	if there && (!ok || unmarked < id) { // limits are not strict
		return unmarked, [lanes]position{}, true, err
	}
	return id, marks, ok, err
}

// marked returns the first endpoint not below from that has a mark. One that cannot be read is as good as none.
func (h *heads) marked(from EndpointID, marks *[lanes]position) (id EndpointID, ok bool, err error) {
	lo := appendWaterKey(nil, from, 0)
	for {
		for more := h.marks.SeekGE(lo); more; more = h.marks.Next() {
			of, l, valid := parseWaterKey(h.marks.Key())
			if ok && of != id {
				return id, true, nil
			}
			if p, err := decodeWater(h.marks.Value()); valid && err == nil {
				id, ok = of, true
				marks[l] = p
			}
		}
		hi := []byte{prefixWater + 1}
		if err = h.marks.Error(); ok || !isCorrupt(err) {
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
		iter, err := h.snapshot.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: limit})
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

// first returns the first delivery of a lane, which none is before the mark of. Where that cannot be read it is the start: a
// scan passes over what is corrupt, and knows best what is behind it.
func (h *heads) first(id EndpointID, l Lane, mark position) (p position, ok bool, err error) {
	limit := appendDeliveryKey(nil, id, l, end)
	for state := h.deliveries.SeekGEWithLimit(appendDeliveryKey(nil, id, l, mark), limit); state == pebble.IterValid; state = h.deliveries.NextWithLimit(limit) {
		of, lane, pos, valid := parseDeliveryKey(h.deliveries.Key())
		if valid {
			return pos, of == id && lane == l, nil
		}
	}
	if err = h.deliveries.Error(); isCorrupt(err) {
		return start, true, nil
	}
	return position{}, false, err
}
