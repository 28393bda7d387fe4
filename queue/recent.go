package queue

import (
	"bytes"
	"sync"
)

// recent keeps the newest messages in memory: the payload, so that a delivery made soon needs no read,
// and the number of open deliveries, so that a payload can be deleted together with its last delivery.
//
// It is a help and never the truth. A message that is not here has its payload read from disk and
// deleted by the sweep. It leaves when its deliveries are done, or when newer ones need the room.
type recent struct {
	mu     sync.Mutex
	limit  int
	bytes  int
	total  uint64 // bytes that ever came in
	events map[EventID]*recentEvent
	oldest recentEvent // of the ring, oldest first
	left   int64       // deliveries that have ended since the last sweep, and may have left it a payload
}

type recentEvent struct {
	id         EventID
	payload    []byte
	open       int
	kept       bool   // a dead letter refers to the payload, or what was sent again
	stamp      uint64 // recent.total when it came in
	prev, next *recentEvent
}

// recentOverhead is about what an event takes in memory besides its payload.
const recentOverhead = 256

func (r *recent) init(limit int) {
	r.limit = limit
	r.events = make(map[EventID]*recentEvent)
	r.oldest.prev, r.oldest.next = &r.oldest, &r.oldest
}

// add takes in a message with its open deliveries, before the first of them can be taken. The payload
// is copied.
func (r *recent) add(id EventID, payload []byte, open int) {
	size := len(payload) + recentOverhead
	if size > r.limit {
		r.mu.Lock()
		r.total += uint64(size)
		r.mu.Unlock()
		return
	}
	e := &recentEvent{id: id, payload: bytes.Clone(payload), open: open}
	if e.payload == nil {
		e.payload = []byte{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total += uint64(size)
	r.bytes += size
	e.stamp = r.total
	e.prev, e.next = r.oldest.prev, &r.oldest
	e.prev.next, r.oldest.prev = e, e
	r.events[id] = e
	for r.bytes > r.limit {
		r.remove(r.oldest.next)
	}
}

func (r *recent) remove(e *recentEvent) {
	e.prev.next, e.next.prev = e.next, e.prev
	r.bytes -= len(e.payload) + recentOverhead
	delete(r.events, e.id)
}

// payload returns the payload of a recent message, shared.
func (r *recent) payload(id EventID) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.events[id]; ok {
		return e.payload, true
	}
	return nil, false
}

// close takes one delivery off a message. It returns true if that was the last one and the payload is
// young enough to be deleted on the spot. kept says that something goes on referring to the payload.
func (r *recent) close(id EventID, kept bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.events[id]
	if !ok {
		if !kept {
			r.left++
		}
		return false
	}
	e.kept = e.kept || kept
	if e.open--; e.open > 0 {
		return false
	}
	r.remove(e)
	if e.kept {
		return false
	}
	young := r.total-e.stamp < youngBytes
	if !young {
		r.left++
	}
	return young
}

// leave notes that n deliveries have ended otherwise.
func (r *recent) leave(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
}

// leftBehind is how many deliveries have ended since the last sweep and may have left it a payload.
func (r *recent) leftBehind() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

func (r *recent) countAnew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = 0
}

// keep says that something will go on referring to the payload of a message.
func (r *recent) keep(id EventID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.events[id]; ok {
		e.kept = true
	}
}

func (r *recent) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}
