package dispatch

import "hookline/queue"

// ring holds the endpoints of one host that may have a delivery to take, in the order of their
// turns. It is guarded by its host's mutex.
//
// Every wake-up of an endpoint gets a number of its own. A worker notes the number before it looks
// into the queue and hands it to rest when it found nothing there, so a wake-up between the two is
// never mistaken for one that was seen.
type ring struct {
	head    *member
	members map[queue.EndpointID]*member
	wakes   uint64
	spare   *member // the one removed last, kept for the endpoint that comes and goes with each delivery
}

type member struct {
	id         queue.EndpointID
	wake       uint64
	prev, next *member
}

func (r *ring) len() int { return len(r.members) }

// wake makes the endpoint a member, with the last turn if it is new.
func (r *ring) wake(id queue.EndpointID) {
	m := r.members[id]
	if m == nil {
		m = r.add(id)
	}
	r.wakes++
	m.wake = r.wakes
}

func (r *ring) add(id queue.EndpointID) *member {
	m := r.spare
	r.spare = nil
	if m == nil {
		m = new(member)
	}
	m.id = id
	if r.head == nil {
		m.prev, m.next = m, m
		r.head = m
	} else {
		m.prev, m.next = r.head.prev, r.head
		m.prev.next, m.next.prev = m, m
	}
	if r.members == nil {
		r.members = make(map[queue.EndpointID]*member)
	}
	r.members[id] = m
	return m
}

// turn returns the endpoint whose turn it is and the number of its last wake-up. The endpoint stays
// a member, so the next worker need not wait until this one knows whether there is more.
func (r *ring) turn() (queue.EndpointID, uint64) {
	m := r.head
	r.head = m.next
	return m.id, m.wake
}

// rest removes the endpoint, unless it was woken again since, or is no member. It reports whether it
// removed it.
func (r *ring) rest(id queue.EndpointID, wake uint64) bool {
	m := r.members[id]
	if m == nil || m.wake != wake {
		return false
	}
	delete(r.members, id)
	if m.next == m {
		r.head = nil
	} else {
		m.prev.next, m.next.prev = m.next, m.prev
		if r.head == m {
			r.head = m.next
		}
	}
	*m = member{}
	r.spare = m
	return true
}
