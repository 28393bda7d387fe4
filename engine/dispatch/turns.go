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
	ready   int    // members of either kind, those at their limit among them
	begun   uint64 // counts turns, and endpoints that became ready
	wakes   uint64
	spare   *member // the one forgotten last, kept for the endpoint that comes and goes with each delivery

	least time.Duration // what the member with the least use had before the last that left all

	limits  map[queue.EndpointID]*ownLimit // of endpoints that have one of their own
	limited int                            // members that have
	round   uint64                         // of the host's limit
}

// member is an endpoint that is ready, in flight or in debt.
type member struct {
	id       queue.EndpointID
	ready    *heap     // fresh or replays, nil if neither
	in       *heap     // the one of them that it is in
	limit    *ownLimit // of its own, nil if it has none
	outside  bool      // of the heaps, as it has as many in flight as it may
	wake     uint64
	arrived  time.Time     // due time of the last that was due as soon as it was queued, if one came since the endpoint has work
	inFlight int           // turns that have not ended
	round    uint64        // of the last turn
	inRound  int           // turns of that round that have not ended
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

// full says whether the endpoint has as many requests in flight as it may have by a limit of its own.
func (r *turns) full(m *member) bool { return m.limit != nil && r.present(m) >= m.limit.now }

// present returns the turns of the endpoint that are of the host's present round.
func (r *turns) present(m *member) int {
	if m.round != r.round {
		return 0
	}
	return m.inRound
}

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
	switch {
	case m.ready == to:
		return
	case m.ready == nil:
		r.ready++
	case to == nil:
		r.ready--
	}
	m.ready = to
	r.place(m)
}

// place puts the endpoint where it belongs in the heaps, after it has changed. One that is full is outside of them until a turn of
// its own ends. As it has no more than its limit lets it have it must not save up what the others have meanwhile, nor be
// the measure of what one begins with that was idle.
func (r *turns) place(m *member) {
	in, full := m.ready, r.full(m)
	switch {
	case full:
		in = nil
		if !m.outside {
			r.leave(m)
		}
	case m.outside:
		r.join(m)
	default:
		r.all.fix(m)
	}
	m.outside = full
	switch {
	case in == nil && m.in != nil:
		m.in.remove(m)
	case in != nil && in == m.in:
		in.fix(m)
	case in != nil:
		if m.in != nil {
			m.in.remove(m)
		}
		in.add(m)
	}
	m.in = in
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
	m.inRound = r.present(m) + 1
	m.round = r.round
	r.place(m)
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

// end ends a turn of a round that held a slot for so long.
func (r *turns) end(m *member, round uint64, held time.Duration) {
	m.inFlight--
	if m.round == round {
		m.inRound--
	}
	m.used += held
	r.place(m)
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
		r.leave(m)
		delete(r.members, m.id)
		r.unlimit(m)
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
	r.join(m)
	if r.members == nil {
		r.members = make(map[queue.EndpointID]*member)
	}
	r.members[id] = m
	if l := r.limits[id]; l != nil {
		r.limit(m, l)
	}
	return m
}

// join makes the endpoint one of those that share the host, with no less than the one that has the least. Where there is none, the
// one that was the last to leave stands for those that are outside of the heaps and will come back with what they had.
func (r *turns) join(m *member) {
	if r.all.len() > 0 {
		r.least = r.all.first().used
	}
	m.used = max(m.used, r.least)
	r.all.add(m)
}

func (r *turns) leave(m *member) {
	r.least = r.all.first().used
	r.all.remove(m)
}
