package queue

import (
	"encoding/binary"
	"slices"
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

// segmentList says what the segments of an endpoint are. It is never changed. Nothing but segment 0 is nil, and no row.
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

// single reports whether there is none but the present one.
func (l *segmentList) single() bool { return len(l.older)+len(l.parked) == 0 }

// none reports whether there is nothing but segment 0.
func (l *segmentList) none() bool { return l.present == 0 && l.single() }

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
	next := &segmentList{parked: slices.Clone(l.parked)}
	for _, s := range append(slices.Clone(l.older), olderSegment{segment: l.present}) {
		next.parked = append(next.parked, parkedSegment{olderSegment: s, why: why, at: at})
	}
	return next, next.begin()
}

// begin makes a number the present one that no parked segment has, false if there is none.
func (l *segmentList) begin() bool {
	for s := range segment(maxSegments) {
		if l.parking(s) == nil {
			l.present = s
			return true
		}
	}
	return false
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
	next := &segmentList{present: l.present, older: slices.Clone(l.older), parked: slices.Clone(l.parked)}
	for i := range next.older {
		if next.older[i].segment == s {
			next.older[i].over = over
		}
	}
	if p := next.parking(s); p != nil {
		p.over = over
	}
	return next
}

// without returns the list without some segments that are empty.
func (l *segmentList) without(gone []segment) *segmentList {
	return &segmentList{
		present: l.present,
		older:   slices.DeleteFunc(slices.Clone(l.older), func(s olderSegment) bool { return slices.Contains(gone, s.segment) }),
		parked:  slices.DeleteFunc(slices.Clone(l.parked), func(s parkedSegment) bool { return slices.Contains(gone, s.segment) }),
	}
}

// restart returns the list with segment 0 as the present one, if there is no other than the present one so far: once all that is left
// is segment 0, no row is needed.
func (l *segmentList) restart() *segmentList {
	if l.present == 0 || !l.single() {
		return l
	}
	return &segmentList{older: []olderSegment{{segment: l.present}}}
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
