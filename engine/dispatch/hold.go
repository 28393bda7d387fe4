package dispatch

import (
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// maxHold bounds how long more than the delivery itself waits because of a Retry-After.
const maxHold = time.Minute

// asked returns for how long an answer asks for no further requests, as far as the policy follows that.
//
// A 503 speaks for the service (RFC 9110, 15.6.4) and holds back its host. A 429 may count by resource or over the whole
// server, which RFC 6585, section 4, leaves open; services that many share count by the path or by the account in
// it. So it holds back its endpoint alone, as holding back the host would let one that is over its rate hold up its neighbours.
// Where the count is over the whole server each endpoint is told so once, and host.refused sees to it that all of them are sent less.
func asked(a *webhook.Attempt, p *webhook.Policy) time.Duration {
	if a.Status != fasthttp.StatusTooManyRequests && a.Status != fasthttp.StatusServiceUnavailable {
		return 0
	}
	return min(a.RetryAfter, p.RetryAfter.Max, maxHold)
}

// obey holds back the host or the endpoint as an answer asked. What waits stays in the queue as it is. mu is held.
func (h *host) obey(m *member, status int, until time.Time) {
	if status == fasthttp.StatusServiceUnavailable {
		if until.After(h.until) {
			h.until = until
		}
		return
	}
	h.holdBack(m, until)
}

// holdBack keeps an endpoint from having turns for a while, whoever wakes it. mu is held.
func (h *host) holdBack(m *member, until time.Time) {
	if h.held == nil {
		h.held = make(map[queue.EndpointID]time.Time)
	}
	if until.After(h.held[m.id]) {
		h.held[m.id] = until
	}
	h.turns.move(m, nil)
	h.d.timers.set(m.id, until)
}

// holds says whether an endpoint that is to be woken is held back. If so, it is woken when that ends: an
// alarm that was to come earlier may have been the one that rang now. mu is held.
func (h *host) holds(id queue.EndpointID) bool {
	until, ok := h.held[id]
	if !ok {
		return false
	}
	if !until.After(time.Now()) {
		delete(h.held, id)
		return false
	}
	h.d.timers.set(id, until)
	return true
}

// holding forgets holds that are over, and says whether any is left. mu is held.
func (h *host) holding(now time.Time) bool {
	for id, until := range h.held {
		if !until.After(now) {
			delete(h.held, id)
		}
	}
	if !h.until.After(now) {
		h.until = time.Time{}
	}
	return len(h.held) > 0 || !h.until.IsZero()
}

// release ends all that was asked for, and returns the endpoints that are to be woken. mu is held.
func (h *host) release() (ids []queue.EndpointID) {
	for id := range h.held {
		ids = append(ids, id)
	}
	h.held, h.until = nil, time.Time{}
	h.delayed = false // its timer is that of the hold; where the rate makes the host wait it needs an earlier one
	return ids
}
