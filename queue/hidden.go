package queue

import (
	"bytes"
	"slices"
	"sync"
)

// hidden are the ranges of keys of which some were passed over since Open as they are corrupt. No low-water mark goes beyond one,
// and no payloads are freed across it, so that nothing in it is deleted for good: once a disk is mended, or a table put back from
// a copy, it is found at the next Open.
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

func (h *hidden) add(from, to []byte) {
	r := keyRange{bytes.Clone(from), bytes.Clone(to)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(h.keys, func(o keyRange) bool { return o.covers(&r) }) {
		return
	}
	h.keys = append(slices.DeleteFunc(h.keys, func(o keyRange) bool { return r.covers(&o) }), r)
}

// any reports whether something between two keys was passed over.
func (h *hidden) any(from, to []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.keys, func(r keyRange) bool {
		return bytes.Compare(r.from, to) < 0 && bytes.Compare(from, r.to) < 0
	})
}

// before returns the last position up to which nothing of a track is hidden from a given one on, at most to.
func (h *hidden) before(id EndpointID, t track, from, to position) position {
	lo := appendDeliveryKey(nil, id, t, from)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.keys {
		hi := appendDeliveryKey(nil, id, t, to)
		switch r := &h.keys[i]; {
		case bytes.Compare(r.to, lo) <= 0 || bytes.Compare(r.from, hi) >= 0:
		case bytes.Compare(r.from, lo) <= 0:
			return from
		default: // it begins within the track
			key := append(bytes.Clone(r.from), make([]byte, deliveryKeyLen)...)
			_, _, to, _ = parseDeliveryKey(key[:deliveryKeyLen])
		}
	}
	return to
}
