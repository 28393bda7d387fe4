package queue

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// heads finds the first deliveries of endpoints in a snapshot, with the help of the low-water marks.
type heads struct {
	deliveries *pebble.Iterator
	marks      *pebble.Iterator
}

func newHeads(r pebble.Reader) (*heads, error) {
	deliveries, err := r.NewIter(&pebble.IterOptions{
		LowerBound: []byte{prefixDelivery}, UpperBound: []byte{prefixDelivery + 1},
	})
	if err != nil {
		return nil, err
	}
	marks, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixWater}, UpperBound: []byte{prefixWater + 1}})
	if err != nil {
		return nil, errors.Join(err, deliveries.Close())
	}
	return &heads{deliveries, marks}, nil
}

func (h *heads) err() error   { return errors.Join(h.deliveries.Error(), h.marks.Error()) }
func (h *heads) close() error { return errors.Join(h.deliveries.Close(), h.marks.Close()) }

// next returns the first endpoint not below from that has a delivery or a mark, with its marks.
func (h *heads) next(from EndpointID) (id EndpointID, marks [lanes]position, ok bool) {
	id, ok = h.marked(from, &marks)
	lo, _ := endpointSpan(from)
	limit := []byte{prefixDelivery + 1}
	if ok {
		limit, _ = endpointSpan(id)
	}
	for state := h.deliveries.SeekGEWithLimit(lo, limit); state == pebble.IterValid; state = h.deliveries.NextWithLimit(limit) {
		if unmarked, _, _, valid := parseDeliveryKey(h.deliveries.Key()); valid {
			if ok && unmarked >= id { // limits are not strict
				break
			}
			return unmarked, [lanes]position{}, true
		}
	}
	return id, marks, ok
}

// marked returns the first endpoint not below from that has a mark. One that cannot be read is as good as none.
func (h *heads) marked(from EndpointID, marks *[lanes]position) (id EndpointID, ok bool) {
	for more := h.marks.SeekGE(appendWaterKey(nil, from, 0)); more; more = h.marks.Next() {
		of, l, valid := parseWaterKey(h.marks.Key())
		if ok && of != id {
			break
		}
		if p, err := decodeWater(h.marks.Value()); valid && err == nil {
			id, ok = of, true
			marks[l] = p
		}
	}
	return id, ok
}

// first returns the first delivery of a lane, which none is before the mark of.
func (h *heads) first(id EndpointID, l Lane, mark position) (position, bool) {
	limit := appendDeliveryKey(nil, id, l, end)
	for state := h.deliveries.SeekGEWithLimit(appendDeliveryKey(nil, id, l, mark), limit); state == pebble.IterValid; state = h.deliveries.NextWithLimit(limit) {
		of, lane, pos, valid := parseDeliveryKey(h.deliveries.Key())
		if valid {
			return pos, of == id && lane == l
		}
	}
	return position{}, false
}
