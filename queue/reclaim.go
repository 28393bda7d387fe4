package queue

import "github.com/cockroachdb/pebble/v2"

// Reclaim has what can be spared freed soon, for a disk that runs out of room: the oldest hour of the attempt log, however
// short a time that was kept, and what a sweep frees. The present hour stays. It does not wait for that, and a call while
// another's work is still to be done does nothing. The room comes back with compactions, some ten seconds later.
func (q *Queue) Reclaim() {
	select {
	case q.reclaims <- struct{}{}:
	default:
	}
}

func (q *Queue) spareHour() {
	hour, err := q.dropOldestHour()
	switch {
	case err != nil:
		q.log.Error("queue: removing attempts to make room failed", "err", err)
	case hour != 0:
		q.log.Warn("queue: attempts were removed early to make room", "hour", q.clock.stamp(startOfHour(hour)))
	}
}

// dropOldestHour removes the oldest hour of the attempt log and returns it, 0 if there is none before the present.
func (q *Queue) dropOldestHour() (hour uint32, err error) {
	present := appendAttemptHour(nil, hourOf(q.clock.present()))
	hour, ok, err := q.attemptHour([]byte{prefixAttempt}, present)
	if err != nil || !ok {
		return 0, err
	}
	return hour, q.db.DeleteRange([]byte{prefixAttempt}, appendAttemptHour(nil, hour+1), pebble.NoSync)
}
