package queue

import (
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// writers keeps the writes of delivery keys that are in progress: from the moment their due times are
// chosen until their deliveries have been handed over to the endpoints' cursors.
//
// A commit becomes visible to readers before it is durable, and commits become visible in another
// order than their due times were chosen in. Two things would go wrong without a watermark: a delivery
// could be handed out that a crash then takes back from its producer, and a delivery read from disk
// could be handed over by its writer a second time. So no scan reads at or beyond the due time of the
// oldest write in progress; see Queue.refill for the whole argument.
//
// Event ids are given out here too, under the same lock, so that the oldest write has the smallest id
// of all in progress: the horizon of the sweep.
type writers struct {
	db    *pebble.DB
	clock *clock

	mu    sync.Mutex
	head  ticket  // of the ring of tickets, oldest first
	next  EventID // next id to give out
	limit EventID // ids below it are reserved on disk
	hours hours
	waits []wait
}

// wait is for the end of the writes that were in progress at a time.
type wait struct {
	newest micros // low of the last of them
	over   chan struct{}
}

// ticket is one write in progress. All due times of the write are at least low, and all its event ids
// at least event. Tickets are created with both increasing.
type ticket struct {
	low        micros
	event      EventID
	n          int     // how many ids it has
	since      EventID // the first event of the hour that low is in
	prev, next *ticket
}

// eventBlock is the number of event ids reserved with one synced write. A restart skips what was left
// of it: no id is ever given out twice, which is what makes every key unique.
const eventBlock = 1 << 20

// init begins with the first event id that is not reserved.
func (w *writers) init(db *pebble.DB, c *clock, reserved uint64) error {
	w.db, w.clock = db, c
	w.head.prev, w.head.next = &w.head, &w.head
	w.next = max(EventID(reserved), 1)
	w.limit = w.next
	return w.hours.init(db)
}

// begin registers a write and gives it a due time and n consecutive event ids, the first of which is
// in the ticket.
func (w *writers) begin(n int) (*ticket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next+EventID(n) > w.limit {
		limit := w.next + EventID(n) + eventBlock
		if err := writeMeta(w.db, keyEvents, uint64(limit), pebble.Sync); err != nil {
			return nil, err
		}
		w.limit = limit
	}
	due, err := w.clock.issue()
	if err != nil {
		return nil, err
	}
	if n > 0 {
		if err := w.hours.begin(w.db, w.next, due); err != nil {
			return nil, err
		}
	}
	t := &ticket{low: due, event: w.next, n: n, since: w.hours.since(w.next, due)}
	t.prev, t.next = w.head.prev, &w.head
	t.prev.next, w.head.prev = t, t
	w.next += EventID(n)
	return t, nil
}

// end takes a ticket out. Ending it again does nothing.
func (w *writers) end(t *ticket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.prev, t.next = nil, nil
	w.waits = slices.DeleteFunc(w.waits, func(o wait) bool {
		over := w.head.next == &w.head || w.head.next.low > o.newest
		if over {
			close(o.over)
		}
		return over
	})
}

// over returns a channel that is closed when the writes that are in progress have ended.
func (w *writers) over() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := wait{over: make(chan struct{})}
	if w.head.prev == &w.head {
		close(o.over)
		return o.over
	}
	o.newest = w.head.prev.low
	w.waits = append(w.waits, o)
	return o.over
}

// watermark returns a due time below which no write is in progress and none will begin.
func (w *writers) watermark() micros {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head.next != &w.head {
		return w.head.next.low
	}
	// What is issued from now on is later than the present that was shown.
	return w.clock.present() + 1
}

// ahead reports whether an event has not come about yet: its accept is in progress, or it has none.
func (w *writers) ahead(id EventID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := w.head.next; t != &w.head && t.event <= id; t = t.next {
		if id-t.event < EventID(t.n) {
			return true
		}
	}
	return id >= w.next
}

// given returns an event id that all that were given out are below.
func (w *writers) given() EventID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// horizon returns an event id below which every message is committed or will never exist.
func (w *writers) horizon() EventID {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.head.next != &w.head {
		return w.head.next.event
	}
	return w.next
}
