package queue

import (
	"math"
	"sync"
	"sync/atomic"
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

// admission bounds what is being accepted at the same time.
type admission struct {
	accepts atomic.Int64
	bytes   atomic.Int64
}

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
