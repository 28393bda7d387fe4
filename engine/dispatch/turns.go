package dispatch

import (
	"time"

	"hookline/queue"
)

// turns says which endpoint of a host comes next. It is guarded by the host's mutex.
//
// What endpoints share is the time for which they hold the host's slots, since that is what a slow path takes away from the
// others. A turn is of the endpoint that has the fewest requests in flight; among those that have equally many, of the one
// that has held slots for the shortest time; and among those, of the one whose last turn is the longest ago. So
// slots are shared equally by those that have work for them at any moment, without an estimate of how long a
// request will take, and where there are fewer slots than endpoints the one that has had a long request waits until the
// others have had as much. Nobody's share is kept for it while it has nothing to send.
//
// The time is counted as in start-time fair queueing (Goyal, Vin, Cheng 1996): an endpoint that was idle begins with as much
// as the busy one that had the least, so that it has saved nothing up. One that becomes idle having had more than
// that is in debt, and kept until the others have caught up.
//
// Every wake-up of an endpoint gets a number of its own. A worker notes the number before it looks
// into the queue and hands it to rest when it found nothing there, so a wake-up between the two is
// never mistaken for one that was seen.
type turns struct {
	members map[queue.EndpointID]*member
	all     heap   // of members, byUse
	fresh   heap   // that may have a delivery to take, byTurn
	replays heap   // that may have one in lane queue.Replay and have none in queue.Fresh, byTurn
	begun   uint64 // counts turns, and endpoints that became ready
	wakes   uint64
	spare   *member // the one forgotten last, kept for the endpoint that comes and goes with each delivery
}

// member is an endpoint that is ready, in flight or in debt.
type member struct {
	id       queue.EndpointID
	ready    *heap // fresh or replays, nil if neither
	wake     uint64
	arrived  time.Time     // due time of the last that was due as soon as it was queued, if one came since the endpoint has work
	inFlight int           // turns that have not ended
	used     time.Duration // for which it held slots, without the turns in flight; comparable among members
	last     uint64        // number of its last turn

	at [orders]int // position in the heaps
}

func (m *member) arrive(due time.Time) {
	if due.After(m.arrived) {
		m.arrived = due
	}
}

func (m *member) idle() bool { return m.ready == nil && m.inFlight == 0 }

func newTurns() turns { return turns{all: heap{order: byUse}} }

// len returns how many endpoints are ready.
func (r *turns) len() int { return r.fresh.len() + r.replays.len() }

// any says whether an endpoint can have a turn, those that have only replays among them or not.
func (r *turns) any(replays bool) bool { return r.fresh.len() > 0 || replays && r.replays.len() > 0 }

// wake makes the endpoint ready, for what may be fresh.
func (r *turns) wake(id queue.EndpointID) *member {
	m := r.members[id]
	if m == nil {
		m = r.add(id)
	}
	if m.ready == nil {
		r.begun++
		m.last = r.begun
	}
	r.move(m, &r.fresh)
	r.wakes++
	m.wake = r.wakes
	return m
}

// move makes the endpoint one of others that are ready, or of none.
func (r *turns) move(m *member, to *heap) {
	if m.ready == to {
		return
	}
	if m.ready != nil {
		m.ready.remove(m)
	}
	if m.ready = to; to != nil {
		to.add(m)
	}
}

// next begins the turn of the endpoint that comes next; there has to be one. It reports whether it is one that has only
// replays. The endpoint stays ready, so the next worker need not wait until this one knows whether there is more.
func (r *turns) next(replays bool) (m *member, replay bool) {
	from := &r.fresh
	if replays && r.replays.len() > 0 && (from.len() == 0 || byTurn.before(r.replays.first(), from.first())) {
		from = &r.replays
	}
	m = from.first()
	r.begun++
	m.last = r.begun
	m.inFlight++
	from.fix(m)
	return m, from == &r.replays
}

// stale says that nothing fresh is due for an endpoint whose turn it is, unless it was woken again since.
func (r *turns) stale(m *member, wake uint64) {
	if m.ready != nil && m.wake == wake {
		r.move(m, &r.replays)
	}
}

// rest ends the readiness of an endpoint whose turn it is, unless it was woken again since, or is not ready. It
// reports whether it did.
func (r *turns) rest(m *member, wake uint64) bool {
	if m.ready == nil || m.wake != wake {
		return false
	}
	r.move(m, nil)
	return true
}

// end ends a turn that held a slot for so long.
func (r *turns) end(m *member, held time.Duration) {
	m.inFlight--
	m.used += held
	r.all.fix(m)
	if m.ready != nil {
		m.ready.fix(m)
	}
	r.forgive()
}

// forgive forgets idle endpoints that have had no more than any busy one. Two at a time keep up, since a turn leaves no more
// than one behind, and nobody has to wait until many are forgotten.
func (r *turns) forgive() {
	for range 2 {
		if r.all.len() == 0 || !r.all.first().idle() {
			return
		}
		m := r.all.first()
		r.all.remove(m)
		delete(r.members, m.id)
		*m = member{}
		r.spare = m
	}
}

func (r *turns) add(id queue.EndpointID) *member {
	m := r.spare
	r.spare = nil
	if m == nil {
		m = new(member)
	}
	m.id = id
	r.forgive()
	if r.all.len() > 0 {
		m.used = r.all.first().used
	}
	r.all.add(m)
	if r.members == nil {
		r.members = make(map[queue.EndpointID]*member)
	}
	r.members[id] = m
	return m
}
