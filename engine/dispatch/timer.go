package dispatch

import (
	"sync"
	"time"

	"hookline/queue"
)

// timers wakes endpoints whose next delivery is due later. It holds at most one entry per endpoint,
// the earliest asked for, in a heap; one runtime timer stands for the earliest of all. What comes after
// an endpoint's entry is not lost: the worker that finds nothing more to take asks the queue for the
// next due time.
type timers struct {
	wake func(queue.EndpointID)

	mu     sync.Mutex
	heap   []alarm
	index  map[queue.EndpointID]int // position in heap
	timer  *time.Timer
	closed bool
}

type alarm struct {
	at time.Time
	id queue.EndpointID
}

func newTimers(wake func(queue.EndpointID)) *timers {
	return &timers{wake: wake, index: make(map[queue.EndpointID]int)}
}

// set wakes the endpoint at the given time, if nothing wakes it earlier.
func (t *timers) set(id queue.EndpointID, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, known := t.index[id]
	switch {
	case t.closed || known && !at.Before(t.heap[i].at):
		return
	case known:
		t.heap[i].at = at
	default:
		i = len(t.heap)
		t.heap = append(t.heap, alarm{at, id})
		t.index[id] = i
	}
	if t.up(i) == 0 {
		t.arm()
	}
}

// arm sets the runtime timer to the earliest entry.
func (t *timers) arm() {
	if len(t.heap) == 0 {
		return
	}
	wait := time.Until(t.heap[0].at)
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, t.fire)
		return
	}
	t.timer.Reset(wait)
}

// fire wakes what is due, without the mutex, since a wake-up may lead back to set.
func (t *timers) fire() {
	var due []queue.EndpointID
	t.mu.Lock()
	if !t.closed {
		for now := time.Now(); len(t.heap) > 0 && !t.heap[0].at.After(now); {
			due = append(due, t.pop())
		}
		t.arm()
	}
	t.mu.Unlock()
	for _, id := range due {
		t.wake(id)
	}
}

func (t *timers) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.heap, t.index = nil, nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

func (t *timers) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.heap)
}

func (t *timers) pop() queue.EndpointID {
	id := t.heap[0].id
	last := len(t.heap) - 1
	t.swap(0, last)
	t.heap = t.heap[:last]
	delete(t.index, id)
	t.down(0)
	return id
}

// up moves entry i to its place towards the root and returns the place.
func (t *timers) up(i int) int {
	for i > 0 {
		parent := (i - 1) / 2
		if !t.heap[i].at.Before(t.heap[parent].at) {
			break
		}
		t.swap(i, parent)
		i = parent
	}
	return i
}

func (t *timers) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(t.heap); child++ {
			if t.heap[child].at.Before(t.heap[least].at) {
				least = child
			}
		}
		if least == i {
			return
		}
		t.swap(i, least)
		i = least
	}
}

func (t *timers) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.index[t.heap[i].id] = i
	t.index[t.heap[j].id] = j
}
