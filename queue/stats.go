package queue

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Stats are sizes of the queue at a moment and totals since Open.
type Stats struct {
	// Waiting are the deliveries neither in hand nor settled, due or due later. What a Purge removes
	// leaves when that returns.
	Waiting int64
	// Expanding are those among them that are of large fan-outs and not with their endpoints yet, with those of
	// accepts in progress.
	Expanding int64
	InHand    int64 // deliveries taken and neither released nor settled on disk
	Dead      int64 // dead letters
	// Counted is false as long as what was there at Open is not in Waiting and Dead yet, or what was parked or unparked
	// is not where it belongs of the two.
	Counted bool
	// Recovered is false as long as not every endpoint with work at Open is known, nor was announced.
	Recovered bool

	Accepted      uint64 // messages
	AcceptedBytes uint64 // their payloads
	Done          uint64 // deliveries settled as Done
	Again         uint64 // settled as Again
	Died          uint64 // settled as Dead
	Purged        uint64 // deliveries removed by Purge

	Accepting      int64 // Accept calls in progress
	AcceptingBytes int64 // and their bytes
	MemoryBytes    int64 // payloads kept in memory

	Files     int64 // payloads in files of their own, see Options.SideBytes
	FileBytes int64 // and their bytes
	// FilesCounted is false as long as the files from before Open are not in Files and FileBytes yet.
	FilesCounted bool

	Endpoints int // endpoints known in memory

	// Unreadable are the parts of the store that were passed over since Open as they are corrupt, blocks once and other parts as
	// often as they were met; the log has their keys. Deliveries in one are not made until it can be read again, after
	// another Open, and no payload is freed until then of a message that was accepted before it was found.
	Unreadable uint64
	// SweepsFailed are the sweeps since Open that failed, with what is corrupt among other reasons, and freed nothing or not
	// all that they could.
	SweepsFailed uint64

	// OldestDue is the due time of the delivery that has waited longest, in the windows, in line and at the
	// cursors; zero if none waits.
	OldestDue time.Time
}

// counts are kept as things happen. What was on disk at Open is added when it has been counted.
type counts struct {
	stored        atomic.Int64 // delivery keys
	dead          atomic.Int64
	inHand        atomic.Int64
	accepted      atomic.Uint64
	acceptedBytes atomic.Uint64
	verdicts      [Dead + 1]atomic.Uint64
	purged        atomic.Uint64
	unreadable    atomic.Uint64
	sweepsFailed  atomic.Uint64
	complete      atomic.Bool
	counting      atomic.Int64 // parks and unparks that are being counted
}

// settled counts a committed outcome; stale says a purge has counted the delivery out.
func (c *counts) settled(v Verdict, stale bool) {
	c.verdicts[v].Add(1)
	if stale {
		return
	}
	c.inHand.Add(-1)
	if v == Dead {
		c.dead.Add(1)
	}
}

// Stats returns the sizes of the queue. It takes a moment per known endpoint and reads no disk.
func (q *Queue) Stats() Stats {
	c := &q.counts
	s := Stats{
		Counted:        c.complete.Load() && c.counting.Load() == 0, // before what it is about
		FilesCounted:   q.sides.examined.Load(),
		InHand:         max(c.inHand.Load(), 0),
		Dead:           max(c.dead.Load(), 0),
		Expanding:      q.fanOuts.owed.Load(),
		Recovered:      q.recovered.Load(),
		Accepted:       c.accepted.Load(),
		AcceptedBytes:  c.acceptedBytes.Load(),
		Done:           c.verdicts[Done].Load(),
		Again:          c.verdicts[Again].Load(),
		Died:           c.verdicts[Dead].Load(),
		Purged:         c.purged.Load(),
		Unreadable:     c.unreadable.Load(),
		SweepsFailed:   c.sweepsFailed.Load(),
		Accepting:      q.admitted.accepts.Load(),
		AcceptingBytes: q.admitted.bytes.Load(),
		MemoryBytes:    int64(q.recent.size()),
		Files:          max(q.sides.count.Load(), 0),
		FileBytes:      max(q.sides.bytes.Load(), 0),
	}
	s.Waiting = max(c.stored.Load()-s.InHand, 0)
	oldest := end.due
	q.endpoints.each(func(e *endpoint) {
		s.Endpoints++
		for i := range e.lanes {
			ln := &e.lanes[i]
			if len(ln.window) > 0 {
				oldest = min(oldest, ln.window[0].due())
			} else if ln.cursor != start {
				oldest = min(oldest, ln.cursor.due)
			}
		}
		oldest = min(oldest, e.oldestInLine())
	})
	if oldest != end.due {
		s.OldestDue = q.clock.stamp(oldest)
	}
	return s
}

// countStored counts deliveries, expanded or not, and dead letters as of Open. What was parked and unparked since is counted by who
// does it.
func (q *Queue) countStored(heads *pebble.Snapshot, then *segmentMap) error {
	now := q.clock.frame.Load().start // asking for the present would put due times ahead of a clock that stands still
	census, parked := newCensus(now), int64(0)
	var owed []Backlog
	err := q.eachReadable(heads, []byte{prefixDelivery}, []byte{prefixDelivery + 1}, ofDelivery(func(id EndpointID, t track, accepted micros) {
		if then.of(id).parking(t.segment()) != nil {
			parked++
			return
		}
		census.count(t.lane(), accepted, 1)
		if len(owed) == 0 || owed[len(owed)-1].Endpoint != id {
			owed = append(owed, Backlog{Endpoint: id})
		}
		owed[len(owed)-1].Waiting++
	}))
	if err != nil {
		return err
	}
	unexpanded := int64(0)
	err = q.eachPart(heads, func(p part, err error) {
		for l, n := range p.head.owed {
			census.count(Lane(l), p.head.accepted, int64(n))
			unexpanded += int64(n)
		}
	})
	if err != nil {
		return err
	}
	dead, err := q.countReadable(heads, []byte{prefixDead}, []byte{prefixDead + 1})
	if err != nil {
		return err
	}
	for _, b := range owed {
		q.counts.stored.Add(int64(b.Waiting))
		q.endpoints.counted(b)
	}
	q.counts.stored.Add(unexpanded)
	q.ages.merge(now, census)
	q.counts.dead.Add(dead + parked)
	q.counts.complete.Store(true)
	return nil
}

var errStopped = errors.New("queue: stopped")

// ofDelivery calls f with the delivery that an iterator is at.
func ofDelivery(f func(id EndpointID, t track, accepted micros)) func(*pebble.Iterator) {
	return func(iter *pebble.Iterator) {
		id, t, pos, ok := parseDeliveryKey(iter.Key())
		if !ok {
			return
		}
		st, err := decodeState(iter.Value(), pos.due)
		if err != nil {
			st.accepted = pos.due // as Take will find it
		}
		f(id, t, st.accepted)
	}
}

// each calls f at the keys that an iterator with these options has, and gives up with errStopped when stop is closed.
func each(r pebble.Reader, o *pebble.IterOptions, stop <-chan struct{}, f func(*pebble.Iterator)) (err error) {
	iter, err := r.NewIter(o)
	if err != nil {
		return err
	}
	defer func() {
		if closed := iter.Close(); err == nil { // it is that of the reads, too
			err = closed
		}
	}()
	n := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		f(iter)
		if n++; n%1024 == 0 {
			select {
			case <-stop:
				return errStopped
			default:
			}
		}
	}
	return nil
}
