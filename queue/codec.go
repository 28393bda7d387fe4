package queue

import (
	"encoding/binary"
	"errors"
	"math"
)

var errCorrupt = errors.New("queue: malformed value")

// state is what a delivery key stores beside its position. A delivery that was never tried takes four
// bytes and its note.
type state struct {
	attempts     uint16
	status       uint16
	accepted     micros
	firstFailure micros // 0: none
	note         []byte
	turn         *turn // nil: it has no order key
}

// ordered is added to the attempts of a delivery that has an order key. The key follows, and the distance
// from the place of the delivery to its due time.
const ordered = math.MaxUint16 + 1

// Times are stored as distances: from accepted to base, the due time or the time of death, and from
// accepted to the first failure, plus one.
func appendState(b []byte, s state, base micros) []byte {
	if s.turn == nil {
		b = binary.AppendUvarint(b, uint64(s.attempts))
	} else {
		due := max(base, s.turn.notBefore)
		b = binary.AppendUvarint(b, ordered|uint64(s.attempts))
		b = binary.BigEndian.AppendUint64(b, s.turn.key)
		b = binary.AppendUvarint(b, uint64(due-base))
		base = due
	}
	b = binary.AppendUvarint(b, uint64(s.status))
	b = binary.AppendUvarint(b, uint64(base-s.accepted))
	var failed uint64
	if s.firstFailure != 0 {
		failed = uint64(s.firstFailure-s.accepted) + 1
	}
	b = binary.AppendUvarint(b, failed)
	return append(b, s.note...)
}

// decodeState reads what appendState wrote. The note of the result shares memory with b.
func decodeState(b []byte, base micros) (s state, err error) {
	r := reader{b: b}
	attempts := r.uvarint(ordered | math.MaxUint16)
	s.attempts = uint16(attempts)
	if attempts&ordered != 0 {
		key := r.uint64()
		base += micros(r.uvarint(math.MaxInt64 - uint64(base)))
		s.turn = &turn{key, base}
	}
	s.status = uint16(r.uvarint(math.MaxUint16))
	s.accepted = base - micros(r.uvarint(uint64(base)))
	if d := r.uvarint(math.MaxInt64 - uint64(s.accepted)); d > 0 {
		s.firstFailure = s.accepted + micros(d-1)
	}
	if len(r.b) > 0 {
		s.note = r.b
	}
	if r.bad {
		return state{}, errCorrupt
	}
	return s, nil
}

// letter is the value of a dead letter: the reason, then the last state of the delivery, without its
// order: what is dead is in nobody's way.
func appendLetter(b []byte, why Reason, s state, at micros) []byte {
	s.turn = nil
	return appendState(append(b, byte(why)), s, at)
}

func decodeLetter(b []byte, at micros) (why Reason, s state, err error) {
	if len(b) == 0 || b[0] == 0 || Reason(b[0]) > lastReason {
		return 0, state{}, errCorrupt
	}
	s, err = decodeState(b[1:], at)
	return Reason(b[0]), s, err
}

// The first byte of a payload's value says what follows.
const (
	payloadInline = 0 // the payload itself
	payloadSide   = 1 // the side file that it is in: number, size and checksum, 8 bytes each
)

const sideLen = 1 + 3*8

func appendSide(b []byte, f sideFile) []byte {
	b = binary.BigEndian.AppendUint64(append(b, payloadSide), f.number)
	b = binary.BigEndian.AppendUint64(b, uint64(f.size))
	return binary.BigEndian.AppendUint64(b, f.checksum)
}

// decodePayload returns a copy of the payload, or the side file that it is in.
func decodePayload(v []byte) (inline []byte, f sideFile, err error) {
	switch {
	case len(v) > 0 && v[0] == payloadInline:
		return append(make([]byte, 0, len(v)-1), v[1:]...), sideFile{}, nil
	case len(v) == sideLen && v[0] == payloadSide:
		f.number = binary.BigEndian.Uint64(v[1:])
		f.size = int64(binary.BigEndian.Uint64(v[9:]))
		f.checksum = binary.BigEndian.Uint64(v[17:])
		if f.number > 0 && f.size >= 0 {
			return nil, f, nil
		}
	}
	return nil, sideFile{}, errCorrupt
}

// The row of a side file says which event's payload is in it.
func appendSideRow(b []byte, id EventID) []byte { return binary.BigEndian.AppendUint64(b, uint64(id)) }

func decodeSideRow(b []byte) (EventID, error) {
	if len(b) != 8 {
		return 0, errCorrupt
	}
	return EventID(binary.BigEndian.Uint64(b)), nil
}

// remembered is the value of an idempotency key: the first receipt and what it was given for.
type remembered struct {
	fingerprint uint64
	event       EventID
	accepted    micros
	deliveries  uint32
}

func appendRemembered(b []byte, m remembered) []byte {
	b = binary.BigEndian.AppendUint64(b, m.fingerprint)
	b = binary.BigEndian.AppendUint64(b, uint64(m.event))
	b = binary.BigEndian.AppendUint64(b, uint64(m.accepted))
	return binary.BigEndian.AppendUint32(b, m.deliveries)
}

func decodeRemembered(b []byte) (m remembered, err error) {
	if len(b) != 28 || b[16] > math.MaxInt8 {
		return remembered{}, errCorrupt
	}
	m.fingerprint = binary.BigEndian.Uint64(b)
	m.event = EventID(binary.BigEndian.Uint64(b[8:]))
	m.accepted = micros(binary.BigEndian.Uint64(b[16:]))
	m.deliveries = binary.BigEndian.Uint32(b[24:])
	return m, nil
}

// An hour row says in which hour the event in its key was accepted, the first of that hour.
func appendHour(b []byte, hour uint32) []byte { return binary.BigEndian.AppendUint32(b, hour) }

func decodeHour(b []byte) (uint32, error) {
	if len(b) != 4 {
		return 0, errCorrupt
	}
	return binary.BigEndian.Uint32(b), nil
}

// reader takes numbers off a value. After the first malformed one it yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uint64() uint64 {
	if len(r.b) < 8 {
		r.bad, r.b = true, nil
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes returns the next n bytes, nil for none. They share memory with the value.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	if r.b = r.b[n:]; n == 0 {
		return nil
	}
	return v
}
