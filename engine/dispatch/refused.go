package dispatch

import (
	"time"

	"hookline/queue"
)

// limitKept is how long an endpoint keeps a limit of its own after its last 429, if nothing else ends it. It is longer than maxHold,
// so that one that was to wait for that long does not begin anew with all of the host's limit.
const limitKept = 2 * time.Minute

// refusedLately is how long it is no news that an endpoint is refused again, without the time for which it asked to be left alone.
const refusedLately = 10 * time.Second

// ownLimit is the limit of an endpoint.
type ownLimit struct {
	limit
	lately time.Time // until when it counts as refused lately
	served bool      // had a success since the last 429
}

// refused counts a 429 that a turn ended with. mu is held.
//
// It may count by resource or over the whole server, which RFC 6585, section 4, leaves open, and services that many share
// count by the path or by the account in it. So it lowers a limit of its endpoint alone, which costs the others of the host
// nothing. As long as no other endpoint is refused that is all that there is to know: one that is alone at its host keeps the host
// from being sent too much by its own limit.
//
// The host's limit falls as well when the endpoints' own do not explain what is refused: where one is refused that was
// served lately, beside another that has a limit, or where everyone who is sent to has one, or ten for one who has not, which may
// have been lucky. So a count over the whole server lowers it with every endpoint that comes upon it, few or many, and a path that is
// refused for long, or again after each time that it asked for, lowers it at most once, when that begins, while others are served.
func (h *host) refused(t *turn, asked time.Duration, now time.Time) {
	if h.limit.fixed || t.round != h.limit.round { // from before the host was down
		return
	}
	m := t.member
	news := m.limit == nil || m.limit.served && t.began.After(m.limit.lately)
	h.turns.refused(m, t.began, now, h.limit.most)
	m.limit.lately, m.limit.served = now.Add(asked+refusedLately), false
	served := len(h.turns.members) - h.turns.limited
	if len(h.turns.limits) > 1 && (news || served <= h.turns.limited/10) {
		h.limit.overload(t.began, now)
	}
}

// restart begins a round: turns of earlier ones do not count against the limits of endpoints either.
func (r *turns) restart(round uint64) {
	r.round = round
	for id := range r.limits {
		if m := r.members[id]; m != nil {
			r.place(m)
		}
	}
}

// refused lowers the limit of an endpoint, beginning with what it has in flight: that was too much, and may be far less than the most.
func (r *turns) refused(m *member, began, now time.Time, most int) {
	if m.limit == nil {
		if r.limits == nil {
			r.limits = make(map[queue.EndpointID]*ownLimit)
		}
		l := &ownLimit{limit: limit{now: r.present(m), most: most}}
		r.limits[m.id] = l
		r.limit(m, l)
	}
	m.limit.overload(began, now)
	r.place(m)
}

// success counts a success of an endpoint that may have a limit, which is forgotten when it is the host's again.
func (r *turns) success(m *member, began time.Time) {
	if m.limit == nil {
		return
	}
	m.limit.served = m.limit.served || began.After(m.limit.since)
	if m.limit.success(began, r.full(m)); m.limit.now == m.limit.most {
		delete(r.limits, m.id)
		r.unlimit(m)
	}
	r.place(m)
}

// forgetLimits forgets those of endpoints that were not refused for long, unless they are what holds the endpoint back: a receiver
// that is slow to answer takes long to show what it can do.
func (r *turns) forgetLimits(now time.Time) {
	for id, l := range r.limits {
		m := r.members[id]
		if now.Sub(l.since) < limitKept || m != nil && r.full(m) {
			continue
		}
		delete(r.limits, id)
		if m != nil {
			r.unlimit(m)
		}
	}
}

func (r *turns) limit(m *member, l *ownLimit) {
	m.limit = l
	r.limited++
}

func (r *turns) unlimit(m *member) {
	if m.limit != nil {
		m.limit = nil
		r.limited--
	}
}
