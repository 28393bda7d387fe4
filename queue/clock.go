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
type micros int64

// clockStep is how far due times may be ahead of the mark on disk, which tells where queue time was. Close
// leaves an exact mark; if a crash and a clock that goes back come together, deliveries of the last
// second before the crash may be late by that second.
const clockStep = micros(time.Second / time.Microsecond)

// clock tells queue time and gives out due times. All due times of new deliveries come from issue, and
// each is larger than the one before.
type clock struct {
	db    *pebble.DB
	now   func() time.Time
	base  time.Time // a wall clock time ...
	start micros    // ... and the queue time at that moment

	// floor is later than all due times given out before Open. That can be a second ahead of the present
	// after a crash; ordered deliveries have no place before it.
	floor micros

	last atomic.Int64 // largest due time given out, or shown as the present

	mu    sync.Mutex // held by issue; the present is told without it
	bound micros     // keyClock plus clockStep: due times below it may be given out
}

func newClock(db *pebble.DB, now func() time.Time) (*clock, error) {
	mark, err := readMeta(db, keyClock)
	if err != nil {
		return nil, err
	}
	mark = min(mark, math.MaxInt64/2)
	c := &clock{db: db, now: now, base: now()}
	c.base = c.base.Add(-time.Duration(c.base.Nanosecond() % 1000))
	c.start = max(micros(c.base.UnixMicro()), micros(mark), 1)
	c.last.Store(int64(c.start) - 1)
	if c.floor = micros(mark); mark%2 == 0 {
		c.floor += clockStep
	}
	return c, nil
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
		now := max(micros(last)+step, c.start+micros(c.now().Sub(c.base).Microseconds()))
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
	if due >= c.bound {
		mark := due &^ 1
		if err := writeMeta(c.db, keyClock, uint64(mark), pebble.NoSync); err != nil {
			return 0, err
		}
		c.bound = mark + clockStep
	}
	return due, nil
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
	return max(c.start+micros(t.Sub(c.base).Microseconds()), 0)
}

// ceil converts a bound for times that were shown: one is at or after t if and only if its micros are at or after
// the result.
func (c *clock) ceil(t time.Time) micros {
	d := t.Sub(c.base)
	m := c.start + micros(d/time.Microsecond)
	if d%time.Microsecond > 0 {
		m++
	}
	return m
}

// time converts to a time that compares exactly with the caller's clock, even when that is being set.
func (c *clock) time(m micros) time.Time {
	return c.base.Add(time.Duration(m-c.start) * time.Microsecond)
}

// stamp converts to a plain wall clock time.
func (c *clock) stamp(m micros) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return c.time(m).Round(0)
}

func readMeta(db *pebble.DB, key []byte) (uint64, error) {
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
