package queue

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// micros is a point in queue time, in microseconds since 1970.
//
// Queue time is the wall clock as it was at Open, carried on by the monotonic clock: setting the
// machine's clock does not move it. If the machine's clock went back while the queue was closed, queue
// time starts where it had been, and stays ahead of the wall clock by that much. Times are shifted on
// their way in and out, so a wait of 30 seconds is 30 seconds in either clock, and what was due stays
// due.
//
// A clock that is far ahead of where queue time was, by more than [leap], is not believed at once either: queue time goes on
// where it had been, so that nothing is removed as too old, given up or forgotten because of a clock that was never set. If
// the clock still says so after an hour, the machine was down for that long: queue time leaps forward then, and what was due
// meanwhile is due. If it is set right within the hour, nothing has happened.
type micros int64

// clockStep is how far due times may be ahead of the mark on disk, which tells where queue time was. Close
// leaves an exact mark; if a crash and a clock that goes back come together, deliveries of the last
// second before the crash may be late by that second.
const clockStep = micros(time.Second / time.Microsecond)

// leap is how far the machine's clock may be ahead of the queue time on disk and be believed: longer than most stops of a
// server, and shorter than what is kept is kept.
const leap = 72 * time.Hour

// belief is for how long a clock must be ahead by a leap to be believed, and clockLook how often it is looked at.
const (
	belief    = time.Hour
	clockLook = time.Minute
)

// clock tells queue time and gives out due times. All due times of new deliveries come from issue, and
// each is larger than the one before.
type clock struct {
	db    *pebble.DB
	now   func() time.Time // with the reading of a monotonic clock, if there is one
	wall  func() time.Time // as the machine's clock is set at present
	frame atomic.Pointer[frame]

	// floor is later than all due times given out before Open. That can be a second ahead of the present
	// after a crash; ordered deliveries have no place before it.
	floor micros

	last atomic.Int64 // largest due time given out, or shown as the present

	mu    sync.Mutex // held by issue; the present is told without it
	bound micros     // keyClock plus clockStep: due times below it may be given out
}

// frame puts queue time and the machine's clock next to each other.
type frame struct {
	base  time.Time // a wall clock time ...
	start micros    // ... and the queue time at that moment
	doubt micros    // by how much queue time would be ahead of that if the wall clock were believed
}

// newClock returns a clock that goes on where the mark says that queue time was.
func newClock(db *pebble.DB, mark uint64, o *Options) *clock {
	mark = min(mark, math.MaxInt64/2)
	c := &clock{db: db, now: o.now, wall: o.wall}
	if c.floor = micros(mark); mark%2 == 0 {
		c.floor += clockStep
	}
	f := frame{base: c.now()}
	f.base = f.base.Add(-time.Duration(f.base.Nanosecond() % 1000))
	wall := micros(f.base.UnixMicro())
	f.start = max(wall, micros(mark), 1)
	if ahead := wall - c.floor; mark > 0 && ahead > micros(leap/time.Microsecond) && !o.TrustClock {
		f.start, f.doubt = c.floor, ahead
	}
	c.frame.Store(&f)
	c.last.Store(int64(f.start) - 1)
	return c
}

// elapsed is the time since the base.
func (c *clock) elapsed(f *frame) time.Duration { return c.now().Sub(f.base) }

// judge decides whether a clock that was not believed is to be, and whether that still has to wait. leapt says that queue time
// has moved forward.
func (c *clock) judge() (leapt, wait bool) {
	f := c.frame.Load()
	elapsed := c.elapsed(f)
	expected := f.base.Round(0).Add(elapsed)
	switch wall := c.wall(); {
	case f.doubt == 0:
		return false, false
	case expected.Sub(wall) > leap/2: // it was set back
		c.frame.Store(&frame{base: c.now().Add(-elapsed), start: f.start})
		return false, false
	case elapsed < belief:
		return false, true
	}
	c.frame.Store(&frame{base: f.base, start: f.start + f.doubt})
	return true, false
}

// clockLoop waits until the machine's clock is believed, or set right. What was to come later may be due then, so the owner
// is told of every endpoint.
func (q *Queue) clockLoop() {
	tick := time.NewTicker(clockLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-q.stop:
			return
		}
		leapt, wait := q.clock.judge()
		if wait {
			continue
		}
		if !leapt {
			q.log.Info("queue: the machine's clock was set back, and was rightly not believed")
			return
		}
		q.log.Warn("queue: the machine's clock has been so for an hour and is believed from now on")
		var ids []EndpointID
		q.endpoints.each(func(e *endpoint) { ids = append(ids, e.id) })
		for _, id := range ids {
			q.ready(id, q.clock.present())
		}
		return
	}
}

// Doubt returns how far the machine's clock is ahead of the time that the queue believes, 0 where it is believed. See
// Options.TrustClock.
func (q *Queue) Doubt() time.Duration {
	return time.Duration(q.clock.frame.Load().doubt) * time.Microsecond
}

// present returns the present in queue time, which never goes back and is never before a due time
// given out.
func (c *clock) present() micros { return c.advance(0) }

// Now returns a time that is later than all that the queue shows of what was written before the call: about the present,
// and also where the machine's clock was set back.
func (q *Queue) Now() time.Time { return q.clock.stamp(q.clock.present() + 1) }

// advance moves last on to the present, but by no less than step.
func (c *clock) advance(step micros) micros {
	for {
		last := c.last.Load()
		f := c.frame.Load()
		now := max(micros(last)+step, f.start+micros(c.elapsed(f).Microseconds()))
		if now == micros(last) || c.last.CompareAndSwap(last, int64(now)) {
			return now
		}
	}
}

// issue returns a due time that is the present and larger than every one before. The mark is written
// before its use and without a sync: it is earlier in the log than any delivery that relies on it, so
// it survives whenever one of those does.
func (c *clock) issue() (micros, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := c.advance(1)
	if err := c.reach(due); err != nil {
		return 0, err
	}
	return due, nil
}

// reach moves the mark on, if it is far behind a time. The caller holds mu.
func (c *clock) reach(at micros) error {
	if at < c.bound {
		return nil
	}
	mark := at &^ 1
	if err := writeMeta(c.db, keyClock, uint64(mark), pebble.NoSync); err != nil {
		return err
	}
	c.bound = mark + clockStep
	return nil
}

// note keeps the mark at the present while nothing is accepted: a queue that had nothing to do for days, and then crashed, was not
// closed for days, and the clock is not to be doubted.
func (c *clock) note() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reach(c.present())
}

// seal writes the exact mark, synced, and with it everything that was committed before. A mark is odd if
// it is exact: no due time was given out at or after it. One that issue writes is even.
func (c *clock) seal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return writeMeta(c.db, keyClock, uint64(c.last.Load()+1)|1, pebble.Sync)
}

// resumes returns a time that no due time given out from now on is before, even if a crash and a clock that goes back come
// together.
func (c *clock) resumes() micros {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.bound-clockStep, 0)
}

// at converts a time of the caller.
func (c *clock) at(t time.Time) micros {
	if t.IsZero() {
		return 0
	}
	f := c.frame.Load()
	return max(f.start+micros(t.Sub(f.base).Microseconds()), 0)
}

// ceil converts a bound for times that were shown: one is at or after t if and only if its micros are at or after
// the result.
func (c *clock) ceil(t time.Time) micros {
	f := c.frame.Load()
	d := t.Sub(f.base)
	m := f.start + micros(d/time.Microsecond)
	if d%time.Microsecond > 0 {
		m++
	}
	return m
}

// time converts to a time that compares exactly with the caller's clock, even when that is being set.
func (c *clock) time(m micros) time.Time {
	f := c.frame.Load()
	return f.base.Add(time.Duration(m-f.start) * time.Microsecond)
}

// stamp converts to a plain wall clock time.
func (c *clock) stamp(m micros) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return c.time(m).Round(0)
}

func readMeta(db pebble.Reader, key []byte) (uint64, error) {
	v, closer, err := db.Get(key)
	if err == pebble.ErrNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: %q", errCorrupt, key)
	}
	return binary.BigEndian.Uint64(v), nil
}

func writeMeta(db *pebble.DB, key []byte, n uint64, o *pebble.WriteOptions) error {
	return db.Set(key, binary.BigEndian.AppendUint64(nil, n), o)
}
