package queue

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// segmentMap knows the endpoints that have more than segment 0. It changes with byHand.mu held, and what is read of an
// endpoint with its endpoint.mu held does not change until that is released, unless it is about segments that are empty.
type segmentMap struct {
	ever atomic.Bool // there has been one since Open, or was then
	mu   sync.RWMutex
	m    map[EndpointID]*segmentList
}

// any reports whether it may be of any use to ask. It stays so, as what is in hand may have been taken from another segment
// than it is in now.
func (m *segmentMap) any() bool { return m.ever.Load() }

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
	if l.none() {
		delete(m.m, id)
		return
	}
	m.m[id] = l
	m.ever.Store(true)
}

// all returns what there is now.
func (m *segmentMap) all() map[EndpointID]*segmentList {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return maps.Clone(m.m)
}

// now returns a map that does not change.
func (m *segmentMap) now() *segmentMap {
	c := &segmentMap{m: m.all()}
	c.ever.Store(m.any())
	return c
}

// loadSegments reads the rows of what is parked.
func (q *Queue) loadSegments() error {
	q.segments.m = make(map[EndpointID]*segmentList)
	before := q.counts.unreadable.Load()
	err := q.eachReadable(q.db, []byte{prefixParked}, []byte{prefixParked + 1}, func(iter *pebble.Iterator) {
		id, ok := parseParkedKey(iter.Key())
		list, err := decodeSegments(iter.Value())
		if !ok || err != nil {
			q.counts.unreadable.Add(1)
			q.log.Error("queue: malformed row of what is parked", "key", iter.Key())
			return
		}
		q.segments.set(id, list)
	})
	if err != nil || q.counts.unreadable.Load() == before {
		return err
	}
	return q.replaceSegments()
}

// replaceSegments deals with rows that are corrupt. Which of the segments of their endpoints were parked is not known any more.
// Where there are several, all become dead letters: an Unpark brings back what had waited, and what was sent could not be
// taken back. Where there is one, it is taken for an endpoint of which nothing was ever parked, as most are.
//
// All rows are written anew. Those that could not be read must not come back with a disk that is mended, when the
// segments are others.
func (q *Queue) replaceSegments() (err error) {
	h, err := newHeads(q, q.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	b := q.db.NewBatch()
	defer b.Close()
	if err := b.DeleteRange([]byte{prefixParked}, []byte{prefixParked + 1}, nil); err != nil {
		return err
	}
	for from := EndpointID(0); ; {
		id, ok, err := h.next(from)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if q.segments.of(id) == nil {
			if err := q.replaceRow(b, id); err != nil {
				return err
			}
		}
		if from = id + 1; from == 0 {
			break
		}
	}
	for id, list := range q.segments.all() {
		if err := setRow(b, id, list); err != nil {
			return err
		}
	}
	return b.Commit(pebble.Sync)
}

// replaceRow finds the segments of an endpoint whose row was not read, if it ever had one. Those are told by what is in them.
func (q *Queue) replaceRow(b *pebble.Batch, id EndpointID) error {
	list, err := q.readRow(id)
	if err != nil {
		return err
	}
	if list != nil {
		q.segments.set(id, list)
		return nil
	}
	if err := q.deleteMarks(b, id); err != nil {
		return err
	}
	_, hi := endpointSpan(id)
	if more, err := anyKey(q.db, appendTrackKey(nil, id, Fresh.in(1)), hi); !more || err != nil {
		return err
	}
	at, err := q.clock.issue()
	if err != nil {
		return err
	}
	list = new(segmentList)
	for s := range segment(maxSegments) {
		lo, hi := segmentSpan(id, s)
		some, err := anyKey(q.db, lo, hi)
		if err != nil {
			return err
		}
		if some {
			list.parked = append(list.parked, parkedSegment{olderSegment{segment: s}, Corrupt, at})
		}
	}
	if !list.begin() {
		return errCorrupt
	}
	q.log.Error("queue: the row of what is parked is corrupt, all that waited is parked", "endpoint", uint64(id))
	q.segments.set(id, list)
	return deleteSegment(b, id, list.present)
}

// deleteMarks deletes the low-water marks of segments that may not be there: a number that is used again may have none, as what is in
// hand comes to it with places from long ago.
func (q *Queue) deleteMarks(b *pebble.Batch, id EndpointID) error {
	lo, hi := appendWaterKey(nil, id, Fresh.in(1)), append(appendWaterKey(nil, id, Replay.in(maxSegments-1)), 0)
	if some, err := anyKey(q.db, lo, hi); !some || err != nil {
		return err
	}
	return b.DeleteRange(lo, hi, nil)
}

// readRow returns the row of an endpoint, nil if it cannot be read or there is none. One by one they may be read where an
// iterator ends, as they were written after what is corrupt.
func (q *Queue) readRow(id EndpointID) (*segmentList, error) {
	v, closer, err := q.db.Get(appendParkedKey(nil, id))
	if errors.Is(err, pebble.ErrNotFound) || isCorrupt(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	list, _ := decodeSegments(v)
	return list, nil
}
