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
// again, a segment that its endpoint does not have. Nothing else may write to the database meanwhile, and it is best opened with
// pebble.Options.ReadOnly.
//
// What is corrupt is passed over, with what is between several such places, and is a problem. Of the rows of a kind that are not as they should be, a hundred are named
// and the others counted.
//
// It takes a second or so for ten million rows, and memory for a bit per event id in use. The error is that of stop alone, which
// is closed to end the inspection early.
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

func (i *inspection) survey(s *Survey) error {
	k, wrong := s.Kind, 0
	read := i.reader(k.Prefix)
	err := i.each(k, func(iter *pebble.Iterator) {
		key := iter.Key()
		value, err := iter.ValueAndErr()
		var at micros
		if err == nil && read != nil {
			at, err = read(key, value)
		}
		if err != nil {
			if wrong++; wrong <= maxNamed {
				i.problem(fmt.Sprintf("%s: row %x: %v", k.Name, key, err))
			}
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
		i.problem(fmt.Sprintf("%s: reading ends after %d rows: %v", k.Name, s.Keys, err))
	}
	if wrong > maxNamed {
		i.problem(fmt.Sprintf("%s: and %d more rows like these", k.Name, wrong-maxNamed))
	}
	return nil
}

// each calls f for the rows of a kind. What is from the first that is corrupt to the last is passed over.
func (i *inspection) each(k Kind, f func(*pebble.Iterator)) error {
	lo, hi := []byte{k.Prefix}, []byte{k.Prefix + 1}
	last := slices.Clone(lo)
	corrupt := each(i.db, &pebble.IterOptions{LowerBound: lo, UpperBound: hi}, i.stop, func(iter *pebble.Iterator) {
		last = append(last[:0], iter.Key()...)
		f(iter)
	})
	if !isCorrupt(corrupt) {
		return corrupt
	}
	good, err := i.readableFrom(last, hi)
	if err != nil {
		return err
	}
	i.problem(fmt.Sprintf("%s: what is between %x and %x cannot be read: %v", k.Name, last, good, corrupt))
	return each(i.db, &pebble.IterOptions{LowerBound: good, UpperBound: hi}, i.stop, f)
}

// readableFrom returns the first key from which on all can be read.
func (i *inspection) readableFrom(lo, hi []byte) ([]byte, error) {
	iter, err := i.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, err
	}
	good, n := slices.Clone(hi), 0
	for ok := iter.Last(); ok; ok = iter.Prev() {
		good = append(good[:0], iter.Key()...)
		if n++; n%1024 == 0 && i.stopped() {
			return nil, errors.Join(errStopped, iter.Close())
		}
	}
	return good, closePassing(iter)
}

func (i *inspection) stopped() bool {
	select {
	case <-i.stop:
		return true
	default:
		return false
	}
}

// maxNamed is how many rows of a kind are named that are not as they should be: a payload that cannot be read is missed by
// all that refers to it.
const maxNamed = 100

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

// withoutRows finds the side files that are removed as soon as somebody looks, since no row says that they are needed.
func (i *inspection) withoutRows() {
	numbers := slices.Sorted(maps.Keys(i.sides))
	if n := len(numbers) - maxNamed; n > 0 {
		i.problem(fmt.Sprintf("payloads: %d more in side files that have no row", n))
		numbers = numbers[:maxNamed]
	}
	for _, number := range numbers {
		i.problem(fmt.Sprintf("payloads: that of event %d is in side file %s, which has no row", i.sides[number], sideName(number)))
	}
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
