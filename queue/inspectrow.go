package queue

import (
	"errors"
	"fmt"
	"slices"
)

// errMissing is the problem of what refers to a payload that is not there.
var errMissing = errors.New("its payload is missing")

// errNoSegment is the problem of what nobody looks for.
var errNoSegment = errors.New("its endpoint has no such segment")

// errBeforeMark is the problem of a delivery that is not looked for after Open.
var errBeforeMark = errors.New("it is before the low-water mark of its lane")

// reader returns what reads a row of a kind, checks it and tells its time; nil where there is nothing to check.
func (i *inspection) reader(prefix byte) func(k, v []byte) (micros, error) {
	switch prefix {
	case prefixHour:
		return i.hour
	case prefixPayload:
		return i.payload
	case prefixSide:
		return i.side
	case prefixFanOut:
		return i.part
	case prefixWater:
		return i.mark
	case prefixDelivery:
		return i.delivery
	case prefixDead:
		return i.letter
	case prefixAttempt:
		return readAttempt
	case prefixKey:
		return readKey
	case prefixReplay:
		return i.replayed
	case prefixParked:
		return i.segmented
	case prefixKept:
		return readKept
	}
	return nil
}

func (i *inspection) hour(k, v []byte) (micros, error) {
	first, ok := parseHourKey(k)
	hour, err := decodeHour(v)
	if !ok || err != nil {
		return 0, errCorrupt
	}
	i.hours = append(i.hours, hourRow{first, hour})
	return startOfHour(hour), nil
}

func (i *inspection) payload(k, v []byte) (micros, error) {
	id, ok := parsePayloadKey(k)
	if !ok {
		return 0, errCorrupt
	}
	i.payloads.add(id)
	i.last = max(i.last, id)
	if len(v) == 0 || v[0] != payloadInline {
		_, f, err := decodePayload(v)
		if err != nil {
			return 0, err
		}
		i.sides[f.number] = id
	}
	return i.accepted(id), nil
}

func (i *inspection) side(k, v []byte) (micros, error) {
	if number, ok := parseSideKey(k); ok {
		i.lastSide = max(i.lastSide, number)
	}
	f, err := sideFileOf(i.db, k, v)
	if err != nil {
		return 0, err
	}
	delete(i.sides, f.file.number)
	return i.accepted(f.Event), nil
}

func (i *inspection) part(k, v []byte) (micros, error) {
	id, _, ok := parsePartKey(k)
	if !ok {
		return 0, errCorrupt
	}
	head, _, err := decodePart(v)
	return head.accepted, errors.Join(err, i.refers(id))
}

func (i *inspection) mark(k, v []byte) (micros, error) {
	ep, t, ok := parseWaterKey(k)
	p, err := decodeWater(v)
	if !ok || err != nil {
		return 0, errCorrupt
	}
	i.marks[stream{ep, t}] = p
	return 0, nil
}

func (i *inspection) segmented(k, v []byte) (micros, error) {
	ep, ok := parseParkedKey(k)
	list, err := decodeSegments(v)
	if !ok || err != nil {
		return 0, errCorrupt
	}
	i.segments[ep] = list
	return 0, nil
}

func (i *inspection) inSegment(ep EndpointID, s segment) error {
	if !slices.Contains(i.segments[ep].all(), s) {
		return errNoSegment
	}
	return nil
}

// accepted is the hour in which an event was accepted, 0 if that is not known.
func (i *inspection) accepted(id EventID) micros {
	n, _ := slices.BinarySearchFunc(i.hours, id+1, func(h hourRow, id EventID) int {
		if h.first < id {
			return -1
		}
		return 1
	})
	if n == 0 {
		return 0
	}
	return startOfHour(i.hours[n-1].hour)
}

// refers checks that the payload of an event is there.
func (i *inspection) refers(id EventID) error {
	i.last = max(i.last, id)
	if !i.payloads.has(id) {
		return fmt.Errorf("event %d: %w", id, errMissing)
	}
	return nil
}

func (i *inspection) delivery(k, v []byte) (micros, error) {
	ep, t, pos, ok := parseDeliveryKey(k)
	if !ok {
		return 0, errCorrupt
	}
	st, err := decodeState(v, pos.due)
	if pos.less(i.marks[stream{ep, t}]) {
		err = errors.Join(err, errBeforeMark)
	}
	return st.accepted, errors.Join(err, i.inSegment(ep, t.segment()), i.refers(pos.event))
}

func (i *inspection) letter(k, v []byte) (micros, error) {
	_, at, id, _, ok := parseDeadKey(k)
	if !ok {
		return 0, errCorrupt
	}
	_, _, err := decodeLetter(v, at)
	return at, errors.Join(err, i.refers(id))
}

func readAttempt(k, _ []byte) (micros, error) {
	m, ok := parseAttemptKey(k)
	if !ok {
		return 0, errCorrupt
	}
	return m.at, nil
}

func readKey(k, v []byte) (micros, error) {
	if len(k) != idemKeyLen {
		return 0, errCorrupt
	}
	m, err := decodeRemembered(v)
	return m.accepted, err
}

func (i *inspection) replayed(k, _ []byte) (micros, error) {
	ep, s, _, ok := parseReplayKey(k)
	if !ok {
		return 0, errCorrupt
	}
	return 0, i.inSegment(ep, s)
}

func readKept(k, _ []byte) (micros, error) {
	if _, ok := parseKeptKey(k); !ok {
		return 0, errCorrupt
	}
	return 0, nil
}
