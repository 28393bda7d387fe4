package queue

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// gate counts the calls in progress and keeps new ones out once it is closed. Entering never waits,
// so a call may be made from within a call while another goroutine closes the gate.
type gate struct {
	n     atomic.Int64 // calls in progress, plus shut once closed
	empty chan struct{}
	once  sync.Once
}

const shut = math.MinInt64 / 2

func (g *gate) init() { g.empty = make(chan struct{}) }

func (g *gate) enter() bool {
	if g.n.Add(1) < 0 {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.n.Add(-1) == shut {
		g.once.Do(func() { close(g.empty) })
	}
}

// close returns when the last call has left.
func (g *gate) close() {
	if g.n.Add(shut) == shut {
		g.once.Do(func() { close(g.empty) })
	}
	<-g.empty
}

// admission bounds what is being accepted at the same time, and how long that may be held up.
type admission struct {
	accepts atomic.Int64
	bytes   atomic.Int64

	opened  time.Time
	writing atomic.Int64 // groups of accepts that are on their way to the disk
	moved   atomic.Int64 // nanoseconds from opened to when the last of them got there, or the first of those set out
}

// stall is for how long no group of accepts may get to the disk before others are refused. Else a disk that takes nothing would
// have as many wait as the bounds of bytes and number let in, for as long as it likes.
const stall = 5 * time.Second

func (a *admission) init() { a.opened = time.Now() }

func (a *admission) enter(bytes int, o *Options) bool {
	n, b := a.accepts.Add(1), a.bytes.Add(int64(bytes))
	if n > int64(o.MaxAccepts) || b > int64(o.MaxAcceptBytes) {
		a.leave(bytes)
		return false
	}
	return true
}

func (a *admission) leave(bytes int) {
	a.accepts.Add(-1)
	a.bytes.Add(-int64(bytes))
}

// writes notes that a group sets out.
func (a *admission) writes() {
	if a.writing.Load() == 0 {
		a.moved.Store(int64(time.Since(a.opened)))
	}
	a.writing.Add(1)
}

// wrote notes that a group got there, or failed.
func (a *admission) wrote() {
	a.moved.Store(int64(time.Since(a.opened)))
	a.writing.Add(-1)
}

// stalled reports whether the disk takes nothing.
func (a *admission) stalled() bool {
	return a.writing.Load() > 0 && time.Since(a.opened)-time.Duration(a.moved.Load()) > stall
}
