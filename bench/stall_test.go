package bench

import (
	"sync"
	"time"
)

// stallWatch measures how long the machine keeps a goroutine waiting that wants to run: what happens in
// the server happens that much later than a receiver thinks.
type stallWatch struct {
	mu     sync.Mutex
	stalls []stall
	done   chan struct{}
	ended  chan struct{}
}

type stall struct {
	end    time.Time
	length time.Duration
}

const (
	stallTick   = 2 * time.Millisecond
	stallMemory = 300 * time.Millisecond
)

func watchStalls() *stallWatch {
	w := &stallWatch{done: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

func (w *stallWatch) run() {
	defer close(w.ended)
	tick := time.NewTimer(stallTick)
	for {
		start := time.Now()
		tick.Reset(stallTick)
		select {
		case <-w.done:
			return
		case <-tick.C:
		}
		end := time.Now()
		w.mu.Lock()
		w.stalls = append(w.stalls, stall{end, end.Sub(start) - stallTick})
		for len(w.stalls) > 0 && end.Sub(w.stalls[0].end) > stallMemory {
			w.stalls = w.stalls[1:]
		}
		w.mu.Unlock()
	}
}

// worst is the longest stall that ended shortly before a moment, or after it.
func (w *stallWatch) worst(at time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest := time.Duration(0)
	for _, s := range w.stalls {
		if at.Sub(s.end) <= stallMemory {
			longest = max(longest, s.length)
		}
	}
	return longest
}

func (w *stallWatch) stop() {
	close(w.done)
	<-w.ended
}
