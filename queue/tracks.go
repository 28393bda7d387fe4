package queue

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// tracks are those of one lane, one in each segment that is read, during a scan.
type tracks struct {
	all []*trackReader
}

// trackReader stands at a delivery. What is corrupt it passes over.
type trackReader struct {
	q     *Queue
	id    EndpointID
	track track
	iter  *pebble.Iterator // nil if there is nothing to read
	from  position         // the first that was not read before
	pos   position         // end if there is none any more
	seen  int
	steps int // of iterators that are closed
}

func (t *tracks) open(q *Queue, id EndpointID, track track, from position) error {
	r := &trackReader{q: q, id: id, track: track, from: q.beyondWater(id, track, from)}
	t.all = append(t.all, r)
	return r.open()
}

func (r *trackReader) open() (err error) {
	if r.pos = end; r.from == end {
		return nil
	}
	r.iter, err = r.q.db.NewIter(r.q.blocks.options(r.key(r.from), r.key(end)))
	if err != nil {
		return err
	}
	return r.valid(r.iter.First())
}

func (r *trackReader) key(p position) []byte { return appendDeliveryKey(nil, r.id, r.track, p) }

// next goes to the next delivery.
func (r *trackReader) next() error {
	r.from = r.pos.next()
	return r.valid(r.iter.Next())
}

// valid takes in the key at which the iterator is. One that is malformed is no delivery.
func (r *trackReader) valid(ok bool) error {
	for ; ok; ok = r.iter.Next() {
		r.seen++
		_, _, pos, good := parseDeliveryKey(r.iter.Key())
		if good {
			r.pos = pos
			return nil
		}
		r.q.log.Error("queue: malformed delivery key", "key", r.iter.Key())
	}
	r.pos = end
	err := r.iter.Error()
	if isCorrupt(err) {
		return r.passOver(err)
	}
	return err
}

// passOver goes on with the first delivery that can be read.
func (r *trackReader) passOver(why error) error {
	behind, err := r.q.passOver(r.q.db, r.key(r.from), r.key(end), why)
	if err == nil {
		err = r.close()
	}
	if err != nil {
		return err
	}
	_, _, r.from, _ = parseDeliveryKey(behind)
	return r.open()
}

func (r *trackReader) close() error {
	if r.iter == nil {
		return nil
	}
	r.steps += int(r.iter.Stats().InternalStats.PointCount)
	err := closePassing(r.iter)
	r.iter = nil
	return err
}

// first returns the track with the first delivery, nil if there is none.
func (t *tracks) first() (first *trackReader) {
	for _, r := range t.all {
		if r.pos != end && (first == nil || r.pos.less(first.pos)) {
			first = r
		}
	}
	return first
}

// close returns how many keys were passed over that are deleted.
func (t *tracks) close() (passed int, err error) {
	for _, r := range t.all {
		err = errors.Join(err, r.close())
		passed += max(r.steps-r.seen, 0)
	}
	return passed, err
}
