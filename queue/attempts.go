package queue

import "time"

// LoggedAttempt is an entry of the attempt log: one settlement that came with an Outcome.Record.
type LoggedAttempt struct {
	Event    EventID
	Endpoint EndpointID
	Lane     Lane
	At       time.Time // when it was settled
	Number   int       // Delivery.Attempts after it: 1 for the first attempt
	Record   []byte    // the caller's own
	Mark     Mark
}

var attemptShelf = shelf{
	prefix: prefixAttempt,
	width:  4,
	bucket: hourOf,
	parse: func(k []byte) (Mark, stream, bool) {
		m, ok := parseAttemptKey(k)
		return m, stream{endpoint: m.endpoint}, ok
	},
}

// Attempts calls yield for the selected entries of the attempt log until it returns false: by time over all
// selected endpoints, the newest first, or with s.Oldest the oldest first. Two of the same time come in an order
// that stays the same.
//
// What is written later has a later time, so a reader that goes on from the last Mark with s.Oldest misses
// nothing, unless a crash and a clock that goes back come together. Entries written during the walk may or may not be seen. The queue may be called from yield.
//
// Error: ErrClosed, or one of the database.
func (q *Queue) Attempts(s Select, yield func(LoggedAttempt) bool) error {
	return q.list(&attemptShelf, s, func(e entry) bool {
		m := e.mark
		return yield(LoggedAttempt{
			Event: m.event, Endpoint: m.endpoint, Lane: m.lane,
			At: q.clock.stamp(m.at), Number: int(m.number), Record: e.value, Mark: m,
		})
	})
}
