package queue

// Backlog is how many deliveries of an endpoint wait: those that are neither in hand nor settled, due or due later.
type Backlog struct {
	Endpoint EndpointID
	Waiting  int
}

// Backlogs calls yield for the endpoints for which deliveries wait, in no order, until it returns false. What was there
// at Open is left out until Stats.Counted, and so is what is not expanded of large fan-outs.
//
// It takes a moment per endpoint that has something waiting or had lately, and 16 bytes, and reads no disk. The
// queue may be called from yield.
func (q *Queue) Backlogs(yield func(Backlog) bool) {
	var all []Backlog
	q.endpoints.each(func(e *endpoint) {
		if n := e.owed - int64(len(e.held)); n > 0 {
			all = append(all, Backlog{e.id, int(n)})
		}
	})
	for _, b := range all {
		if !yield(b) {
			return
		}
	}
}

// counted counts a delivery of an accept into its endpoint, which is locked, unless a purge has removed it already. Then
// the endpoint's counts are right without it, and those of the queue are put right here if the purge has not seen it.
//
// A purge counts what it removes by a snapshot from just before. A write in progress may be committed after that snapshot
// and before the deletion, so it is looked for on disk; that is rare, as it takes a purge of the endpoint during the accept.
func (q *Queue) counted(e *endpoint, l Lane, it *item) {
	if !it.diskOnly {
		e.owed++
		return
	}
	key := appendDeliveryKey(nil, e.id, l, it.pos)
	there, err := has(q.db, key)
	if there || err != nil {
		e.owed++
		return
	}
	for _, p := range e.purges {
		if seen, err := has(p.before, key); seen || err != nil {
			return
		}
	}
	q.ended(l, it.accepted, it.pos.due, 1)
	q.counts.purged.Add(1)
}

// owe counts deliveries into the queue; ended counts them out.
func (q *Queue) owe(l Lane, accepted, now micros, n int64) {
	q.counts.stored.Add(n)
	q.ages.add(now, l, accepted, n)
}

func (q *Queue) ended(l Lane, accepted, now micros, n int64) { q.owe(l, accepted, now, -n) }
