package queue

import (
	"bytes"
	"slices"
	"sync"
)

// hidden are the ranges of deliveries that were passed over since Open as they are corrupt. No low-water mark goes beyond one,
// so that nothing behind it is deleted for good: once a disk is mended, or a table put back from a copy, its deliveries are
// found at the next Open.
//
// A range is here before any cursor is behind it.
type hidden struct {
	mu   sync.Mutex
	keys []keyRange
}

type keyRange struct{ from, to []byte } // [from, to)

func (r *keyRange) covers(o *keyRange) bool {
	return bytes.Compare(r.from, o.from) <= 0 && bytes.Compare(r.to, o.to) >= 0
}

// add takes in a range of keys, if they are those of deliveries.
func (h *hidden) add(from, to []byte) {
	if len(from) == 0 || from[0] != prefixDelivery {
		return
	}
	r := keyRange{bytes.Clone(from), bytes.Clone(to)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(h.keys, func(o keyRange) bool { return o.covers(&r) }) {
		return
	}
	h.keys = append(slices.DeleteFunc(h.keys, func(o keyRange) bool { return r.covers(&o) }), r)
}

// before returns the last position up to which nothing of a lane is hidden from a given one on, at most to.
func (h *hidden) before(id EndpointID, l Lane, from, to position) position {
	lo := appendDeliveryKey(nil, id, l, from)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.keys {
		hi := appendDeliveryKey(nil, id, l, to)
		switch r := &h.keys[i]; {
		case bytes.Compare(r.to, lo) <= 0 || bytes.Compare(r.from, hi) >= 0:
		case bytes.Compare(r.from, lo) <= 0:
			return from
		default: // it begins within the lane
			_, _, to, _ = parseDeliveryKey(r.from[:deliveryKeyLen])
		}
	}
	return to
}
