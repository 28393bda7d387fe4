package queue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Survey is what there is of a kind of row. Deliveries that are parked are dead letters.
type Survey struct {
	Kind  Kind
	Keys  int64
	Bytes int64 // of keys and values, before compression

	// Oldest and Newest are the times of the rows: of the accept, of a death, of an attempt. They are exact to the hour for
	// payloads, and zero for rows that have none.
	Oldest, Newest time.Time
}

// Inspect reads all that a queue keeps in a database and returns how much there is of each kind, in the order of Kinds. It
// calls problem for what is not as it should be: a key or value that cannot be read, a delivery, dead letter or part of a fan-out
// without its payload, a delivery before the low-water mark of its lane, where nobody looks for it, an id that will be given out
// again, a segment that its endpoint does not have. Nothing else may write to the database meanwhile, and it is best
// opened with pebble.Options.ReadOnly.
//
// It takes a second or so for ten million rows, and memory for a bit per event id in use. A kind that cannot be read to its end is a problem, and counted as far as it could be.
// The error is that of stop alone: it is closed to end the inspection early.
func Inspect(db pebble.Reader, stop <-chan struct{}, problem func(string)) ([]Survey, error) {
	i := &inspection{
		db: db, stop: stop, problem: problem, found: map[byte]*Survey{}, payloads: eventSet{}, sides: map[uint64]EventID{},
		marks: map[stream]position{}, segments: map[EndpointID]*segmentList{},
	}
	for _, k := range kinds {
		i.found[k.Prefix] = &Survey{Kind: k}
	}
	// Hours come first, as they tell the times of payloads; then the payloads, which others refer to, the marks that no
	// delivery is before, and what tells deliveries from dead letters.
	order := append([]byte{prefixHour, prefixPayload, prefixWater, prefixParked}, Prefixes()...)
	done := map[byte]bool{}
	for _, prefix := range order {
		if done[prefix] {
			continue
		}
		if err := i.survey(i.found[prefix]); err != nil {
			return nil, err
		}
		done[prefix] = true
	}
	i.withoutRows()
	i.reservations()
	var list []Survey
	for _, k := range kinds {
		list = append(list, *i.found[k.Prefix])
	}
	return list, nil
}

// inspection is one walk over all rows.
type inspection struct {
	db      pebble.Reader
	stop    <-chan struct{}
	problem func(string)

	found    map[byte]*Survey // by prefix
	payloads eventSet
	segments map[EndpointID]*segmentList
	sides    map[uint64]EventID // payloads in side files whose row was not met yet, by number
	marks    map[stream]position
	hours    []hourRow // in order
	last     EventID   // the largest in use
	lastSide uint64    // the largest number of a side file in use
}

type hourRow struct {
	first EventID
	hour  uint32
}

// errMissing is the problem of what refers to a payload that is not there.
var errMissing = errors.New("its payload is missing")

// errNoSegment is the problem of what nobody looks for.
var errNoSegment = errors.New("its endpoint has no such segment")

// errBeforeMark is the problem of a delivery that is not looked for after Open.
var errBeforeMark = errors.New("it is before the low-water mark of its lane")

func (i *inspection) survey(s *Survey) error {
	k, rows := s.Kind, 0
	read := i.reader(k.Prefix)
	err := each(i.db, &pebble.IterOptions{LowerBound: []byte{k.Prefix}, UpperBound: []byte{k.Prefix + 1}}, i.stop, func(iter *pebble.Iterator) {
		key := iter.Key()
		value, err := iter.ValueAndErr()
		rows++
		var at micros
		if err == nil && read != nil {
			at, err = read(key, value)
		}
		if err != nil {
			i.problem(fmt.Sprintf("%s: row %x: %v", k.Name, key, err))
		}
		if parked := i.parked(key); parked != nil {
			i.found[prefixDead].saw(len(key)+len(value), parked.at)
		} else {
			s.saw(len(key)+len(value), at)
		}
	})
	if errors.Is(err, errStopped) {
		return err
	}
	if err != nil {
		i.problem(fmt.Sprintf("%s: reading ends after %d rows: %v", k.Name, rows, err))
	}
	return nil
}

// parked returns nil for a row of anything but a delivery that is parked.
func (i *inspection) parked(key []byte) *parkedSegment {
	ep, t, _, ok := parseDeliveryKey(key)
	if !ok {
		return nil
	}
	return i.segments[ep].parking(t.segment())
}

// saw takes in a row, whose time is 0 if it has none.
func (s *Survey) saw(bytes int, at micros) {
	s.Keys++
	s.Bytes += int64(bytes)
	if at == 0 {
		return
	}
	t := time.UnixMicro(int64(at)).UTC()
	if s.Oldest.IsZero() || t.Before(s.Oldest) {
		s.Oldest = t
	}
	if t.After(s.Newest) {
		s.Newest = t
	}
}

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

// withoutRows finds the side files that are removed as soon as somebody looks, since no row says that they are needed.
func (i *inspection) withoutRows() {
	for _, number := range slices.Sorted(maps.Keys(i.sides)) {
		i.problem(fmt.Sprintf("payloads: that of event %d is in side file %s, which has no row", i.sides[number], sideName(number)))
	}
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

// reservations checks that no id that is in use is given out again.
func (i *inspection) reservations() {
	reserved, err := readMeta(i.db, keyEvents)
	if err != nil {
		i.problem(fmt.Sprintf("which event ids are reserved: %v", err))
	} else if i.last > 0 && i.last >= EventID(reserved) {
		i.problem(fmt.Sprintf("event %d is in use and only ids below %d are reserved", i.last, reserved))
	}
	reserved, err = readMeta(i.db, keySide)
	if err != nil {
		i.problem(fmt.Sprintf("which numbers of payload files are reserved: %v", err))
	} else if i.lastSide > 0 && i.lastSide >= reserved {
		i.problem(fmt.Sprintf("payload file %s is in use and only numbers below %d are reserved", sideName(i.lastSide), reserved))
	}
	if _, err := readMeta(i.db, keyClock); err != nil {
		i.problem(fmt.Sprintf("the time of the queue: %v", err))
	}
}
