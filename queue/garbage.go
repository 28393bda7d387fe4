package queue

import "time"

const (
	// sweepWorth is how many deliveries have to be gone whose payloads may be left before a sweep comes ahead of its time.
	sweepWorth = 10_000

	// sweepGathers is how long such a sweep waits for more, and so about the least time between two.
	sweepGathers = 10 * time.Second
)

// sweepIfWorth calls for a sweep if more deliveries have gone since the last, and left it their payloads, than there are. So
// what sweeps read is in proportion to what is settled, and a backlog that has drained gives its space back
// soon after. Where payloads are kept after their delivery, a sweep that comes early finds nothing.
func (q *Queue) sweepIfWorth() {
	c := &q.counts
	if q.opts.KeepDelivered > 0 || !c.complete.Load() || q.recent.leftBehind() < max(sweepWorth, c.stored.Load()) {
		return
	}
	select {
	case q.garbage <- struct{}{}:
	default:
	}
}

// gather waits for what else a sweep may free. It returns false when the queue is closed.
func (q *Queue) gather() bool {
	select {
	case <-time.After(sweepGathers):
		return true
	case <-q.stop:
		return false
	}
}

// sweepBegun has the garbage counted anew, from before what the sweep looks at.
func (q *Queue) sweepBegun() {
	q.recent.countAnew()
	select {
	case <-q.garbage:
	default:
	}
}
