package queue

import (
	"encoding/binary"
	"math"
)

// A part holds destinations of a large fan-out until the expander has made deliveries of them.
//
// Its value begins with the time of the accept and the number of destinations in each lane. For each of them follow the
// distance of the endpoint from the one before, the length of the note with two flags, and what these announce. So a
// destination takes three bytes where endpoints were counted up.

// destination is an endpoint that a message is owed to, in a part.
type destination struct {
	endpoint  EndpointID
	lane      Lane
	notBefore micros // not later than the accept: due at once, and 0 when it is read
	note      []byte

	segment segment // that the delivery is written to; not in the part
}

// partHead is how a part begins.
type partHead struct {
	accepted micros
	owed     [lanes]int
}

func (h *partHead) total() int { return h.owed[Fresh] + h.owed[Replay] }

const (
	partLane    = 1 << 0 // lane Replay
	partDelayed = 1 << 1
	partFlags   = 2 // bits

	minDestination = 2 // bytes it takes at least
)

// partWriter makes up the value of a part.
type partWriter struct {
	head partHead
	body []byte
	last EndpointID
}

// begin makes it a new part.
func (w *partWriter) begin(accepted micros) {
	w.head, w.body, w.last = partHead{accepted: accepted}, w.body[:0], 0
}

func (w *partWriter) add(d destination) {
	w.head.owed[d.lane]++
	w.body = binary.AppendVarint(w.body, int64(d.endpoint-w.last))
	w.last = d.endpoint
	n := uint64(len(d.note))<<partFlags | uint64(d.lane)*partLane
	delay := max(d.notBefore-w.head.accepted, 0)
	if delay > 0 {
		n |= partDelayed
	}
	w.body = binary.AppendUvarint(w.body, n)
	if delay > 0 {
		w.body = binary.AppendUvarint(w.body, uint64(delay))
	}
	w.body = append(w.body, d.note...)
}

func (w *partWriter) appendValue(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(w.head.accepted))
	for _, n := range w.head.owed {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return append(b, w.body...)
}

// decodePartHead reads how a value begins. What it says of the number of destinations is possible.
func decodePartHead(v []byte) (partHead, error) {
	h, _, err := readPartHead(v)
	return h, err
}

func readPartHead(v []byte) (h partHead, body reader, err error) {
	body = reader{b: v}
	h.accepted = micros(body.uvarint(math.MaxInt64))
	for l := range h.owed {
		h.owed[l] = int(body.uvarint(uint64(len(v))))
	}
	if body.bad || h.total() > len(body.b)/minDestination {
		return partHead{}, reader{}, errCorrupt
	}
	return h, body, nil
}

// decodePart reads what a partWriter wrote. The notes of the result share memory with v.
func decodePart(v []byte) (partHead, []destination, error) {
	h, r, err := readPartHead(v)
	if err != nil {
		return partHead{}, nil, err
	}
	ds := make([]destination, 0, h.total())
	var owed [lanes]int
	var last EndpointID
	for len(r.b) > 0 && len(ds) < cap(ds) {
		last += EndpointID(r.varint())
		n := r.uvarint(math.MaxUint64)
		d := destination{endpoint: last, lane: Lane(n & partLane)}
		if n&partDelayed != 0 {
			d.notBefore = h.accepted + micros(r.uvarint(math.MaxInt64-uint64(h.accepted)))
		}
		d.note = r.bytes(n >> partFlags)
		owed[d.lane]++
		ds = append(ds, d)
	}
	if r.bad || len(r.b) > 0 || owed != h.owed {
		return partHead{}, nil, errCorrupt
	}
	return h, ds, nil
}
