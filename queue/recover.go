package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// format is the version of the layout in keys.go and codec.go.
const format = 1

// recover reads what has to be known before the first call.
func (q *Queue) recover() error {
	found, err := readMeta(q.db, keyFormat)
	if err != nil {
		return err
	}
	switch found {
	case format:
	case 0:
		if err := writeMeta(q.db, keyFormat, format, pebble.Sync); err != nil {
			return err
		}
	default:
		return fmt.Errorf("layout version %d, this program knows %d", found, format)
	}
	if q.clock, err = newClock(q.db, q.opts.now); err != nil {
		return err
	}
	q.writers = new(writers)
	return q.writers.init(q.db, q.clock)
}

// findWork finds the endpoints that have something on disk, by one seek for each and lane, tells the
// owner, and then counts what is there. The snapshot is from before the first accept.
func (q *Queue) findWork(heads *pebble.Snapshot) {
	err := q.findEndpoints(heads)
	if err == nil {
		q.recovered.Store(true)
		err = q.countStored(heads)
	}
	if err = errors.Join(err, heads.Close()); err != nil && !q.stopping() {
		q.log.Error("queue: looking for work after opening failed", "err", err)
	}
}

func (q *Queue) findEndpoints(heads *pebble.Snapshot) (err error) {
	iter, err := heads.NewIter(&pebble.IterOptions{
		LowerBound: []byte{prefixDelivery}, UpperBound: []byte{prefixDelivery + 1},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	ok := iter.First()
	for ok && !q.stopping() {
		id, l, pos, valid := parseDeliveryKey(iter.Key())
		if !valid {
			q.log.Error("queue: malformed delivery key", "key", iter.Key())
			ok = iter.Next()
			continue
		}
		cursors := [lanes]position{end, end}
		cursors[l] = pos
		if l == Fresh && iter.SeekGE(appendLaneKey(nil, id, Replay)) {
			if other, l, pos, valid := parseDeliveryKey(iter.Key()); valid && other == id {
				cursors[l] = pos
			}
		}
		q.found(id, cursors)
		if id == math.MaxUint64 {
			break
		}
		ok = iter.SeekGE(binary.BigEndian.AppendUint64([]byte{prefixDelivery}, uint64(id)+1))
	}
	if q.stopping() {
		return errStopped
	}
	return iter.Error()
}

// found takes in an endpoint with work. If a call made it in the meantime, it knows at least as much:
// its cursors began before everything.
func (q *Queue) found(id EndpointID, cursors [lanes]position) {
	e, _ := q.endpoints.lock(id, cursors)
	e.mu.Unlock()
	first := end
	for _, c := range cursors {
		first = earlier(first, c)
	}
	q.ready(id, first.due)
}

func (q *Queue) stopping() bool {
	select {
	case <-q.stop:
		return true
	default:
		return false
	}
}
