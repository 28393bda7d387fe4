package queue

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// segment is a part of the deliveries of an endpoint that can be set aside as a whole: its number is in their keys, in
// front of lane and place. New deliveries are written to the present one, which is 0 until the first Park. That
// seals the segments that are being read and begins a new one, so what is parked is told by the key alone, however
// much it is and whenever it is due, and nothing written later gets among it.
//
// A place is in one segment at a time, so what is read from several is merged by place as if it were one.
type segment uint8

// maxSegments is how many segments an endpoint may have: they share a byte of the key with the lane.
const maxSegments = 128

// segmentList says what the segments of an endpoint are. It is never changed, and nil means nothing but segment 0.
type segmentList struct {
	present segment
	older   []olderSegment  // were parked once, and are read as the present one is
	parked  []parkedSegment // in the order of their parking
}

// olderSegment is one that no new write chooses.
type olderSegment struct {
	segment
	over <-chan struct{} // closed when the writes that had chosen it before have ended; nil means they have
}

type parkedSegment struct {
	olderSegment
	why Reason
	at  micros
}

func (s *olderSegment) quiet() bool {
	select {
	case <-s.over:
		return true
	default:
		return s.over == nil
	}
}

// read returns the segments whose deliveries wait.
func (l *segmentList) read() []segment {
	if l == nil {
		return []segment{0}
	}
	all := make([]segment, 0, len(l.older)+1)
	for i := range l.older {
		all = append(all, l.older[i].segment)
	}
	return append(all, l.present)
}

// all returns the segments, with the present one, which notes of replays move to, last.
func (l *segmentList) all() (all []segment) {
	if l != nil {
		for i := range l.parked {
			all = append(all, l.parked[i].segment)
		}
	}
	return append(all, l.read()...)
}

// parking returns nil for a segment that is not parked.
func (l *segmentList) parking(s segment) *parkedSegment {
	if l != nil {
		for i := range l.parked {
			if l.parked[i].segment == s {
				return &l.parked[i]
			}
		}
	}
	return nil
}

// park returns the list after all that is read was parked, false if there is no number for a new segment.
func (l *segmentList) park(why Reason, at micros) (*segmentList, bool) {
	if l == nil {
		l = new(segmentList)
	}
	var used [maxSegments]bool
	next := &segmentList{parked: slices.Clone(l.parked)}
	for _, s := range append(slices.Clone(l.older), olderSegment{segment: l.present}) {
		next.parked = append(next.parked, parkedSegment{olderSegment: s, why: why, at: at})
	}
	for i := range next.parked {
		used[next.parked[i].segment] = true
	}
	free := slices.Index(used[:], false)
	if free < 0 {
		return nil, false
	}
	next.present = segment(free)
	return next, true
}

// unpark returns the list after all that is parked is read again.
func (l *segmentList) unpark() *segmentList {
	next := &segmentList{present: l.present, older: slices.Clone(l.older)}
	for i := range l.parked {
		next.older = append(next.older, l.parked[i].olderSegment)
	}
	return next
}

// chosen returns the list with a note of when the writes have ended that chose a segment when it was the present one.
func (l *segmentList) chosen(s segment, over <-chan struct{}) *segmentList {
	next := *l
	next.parked = slices.Clone(l.parked)
	for i := range next.parked {
		if next.parked[i].segment == s {
			next.parked[i].over = over
		}
	}
	return &next
}

// without returns the list without some segments that are empty.
func (l *segmentList) without(gone []segment) *segmentList {
	return &segmentList{
		present: l.present,
		older:   slices.DeleteFunc(slices.Clone(l.older), func(s olderSegment) bool { return slices.Contains(gone, s.segment) }),
		parked:  slices.DeleteFunc(slices.Clone(l.parked), func(s parkedSegment) bool { return slices.Contains(gone, s.segment) }),
	}
}

func appendSegments(b []byte, l *segmentList) []byte {
	b = append(b, byte(l.present), byte(len(l.older)))
	for i := range l.older {
		b = append(b, byte(l.older[i].segment))
	}
	for i := range l.parked {
		p := &l.parked[i]
		b = binary.BigEndian.AppendUint64(append(b, byte(p.segment), byte(p.why)), uint64(p.at))
	}
	return b
}

func decodeSegments(b []byte) (*segmentList, error) {
	const parkedLen = 1 + 1 + 8
	if len(b) < 2 || len(b) < 2+int(b[1]) || (len(b)-2-int(b[1]))%parkedLen != 0 {
		return nil, errCorrupt
	}
	var used [maxSegments]bool
	take := func(n byte) (segment, bool) {
		ok := n < maxSegments && !used[n]
		if ok {
			used[n] = true
		}
		return segment(n), ok
	}
	l := new(segmentList)
	present, ok := take(b[0])
	l.present = present
	older, rest := b[2:2+int(b[1])], b[2+int(b[1]):]
	for _, n := range older {
		s, fine := take(n)
		ok = ok && fine
		l.older = append(l.older, olderSegment{segment: s})
	}
	for ; len(rest) > 0; rest = rest[parkedLen:] {
		s, fine := take(rest[0])
		at := micros(binary.BigEndian.Uint64(rest[2:]))
		ok = ok && fine && at > 0 && at < end.due && rest[1] > 0 && Reason(rest[1]) <= lastReason
		l.parked = append(l.parked, parkedSegment{olderSegment{segment: s}, Reason(rest[1]), at})
	}
	if !ok {
		return nil, errCorrupt
	}
	return l, nil
}

// segmentMap knows the endpoints that ever had anything parked. It changes with byHand.mu held, and what is read of an
// endpoint with its endpoint.mu held does not change until that is released, unless it is about segments that are empty.
type segmentMap struct {
	n  atomic.Int64 // how many there are
	mu sync.RWMutex
	m  map[EndpointID]*segmentList
}

// load reads what is on disk. An endpoint of which that cannot be read is an error: its deliveries could be taken for
// dead letters, or the other way around.
func (m *segmentMap) load(r pebble.Reader) (err error) {
	m.m = make(map[EndpointID]*segmentList)
	iter, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixParked}, UpperBound: []byte{prefixParked + 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	for ok := iter.First(); ok; ok = iter.Next() {
		id, ok := parseParkedKey(iter.Key())
		if !ok {
			return errCorrupt
		}
		if m.m[id], err = decodeSegments(iter.Value()); err != nil {
			return err
		}
	}
	m.n.Store(int64(len(m.m)))
	return iter.Error()
}

func (m *segmentMap) any() bool { return m.n.Load() > 0 }

func (m *segmentMap) of(id EndpointID) *segmentList {
	if !m.any() {
		return nil
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.m[id]
}

// present returns the segment that new deliveries of an endpoint are written to. A write asks for it with its ticket begun.
func (m *segmentMap) present(id EndpointID) segment {
	if l := m.of(id); l != nil {
		return l.present
	}
	return 0
}

func (m *segmentMap) set(id EndpointID, l *segmentList) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m[id] = l
	m.n.Store(int64(len(m.m)))
}

// all returns the endpoints that have anything parked or older, as they are now.
func (m *segmentMap) all() map[EndpointID]*segmentList {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := maps.Clone(m.m)
	maps.DeleteFunc(all, func(_ EndpointID, l *segmentList) bool { return len(l.parked)+len(l.older) == 0 })
	return all
}
