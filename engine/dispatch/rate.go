package dispatch

import (
	"time"

	"hookline/queue"
)

// Rate bounds requests per second. 0 is no bound. What was not used in the last tenth of a second may be used at once.
type Rate struct {
	Host     float64 // to each host
	Endpoint float64 // to each endpoint whose Target.Rate is 0
}

const (
	// burst is the time whose requests may be made at once.
	burst = 100 * time.Millisecond

	// leastWait spares endpoints with a high rate a timer for every request. It is well within burst, so nothing is lost.
	leastWait = 10 * time.Millisecond
)

// The limits that make deliveries wait which are due; the third is Options.MaxInFlight.
const (
	throttleEndpoint = iota // Rate.Endpoint or Target.Rate
	throttleHost            // Rate.Host, or as the host asked for with Retry-After
)

// pacer is a rate limit: the generic cell rate algorithm in its virtual scheduling form (ITU-T I.371). It is guarded by the
// host's mutex.
type pacer struct {
	next  time.Time     // when the next request would be made if all came at equal distances
	every time.Duration // the distance
}

// set changes the rate.
func (p *pacer) set(perSecond float64) {
	p.every = time.Duration(float64(time.Second) / perSecond)
}

// wait returns how long to wait before a request may be made, 0 if it may be now.
func (p *pacer) wait(now time.Time) time.Duration {
	if soonest := p.next.Add(-burst); soonest.After(now) {
		return max(soonest.Sub(now), leastWait)
	}
	return 0
}

// use counts a request.
func (p *pacer) use(now time.Time) {
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(p.every)
}

// giveBack takes back a request that was not made.
func (p *pacer) giveBack() { p.next = p.next.Add(-p.every) }

// rateOf returns the limit of an endpoint, 0 if it has none.
func (d *Dispatcher) rateOf(t *Target) float64 {
	if t.Rate > 0 {
		return t.Rate
	}
	return d.opts.Rate.Endpoint
}

// limited says whether the host has to wait for its own rate, or as it asked for. If so, a timer ends the wait. mu is held.
func (h *host) limited() bool {
	if h.pace.every == 0 && h.until.IsZero() {
		return false
	}
	now := time.Now()
	wait := max(h.pace.wait(now), h.until.Sub(now))
	if wait > 0 && !h.delayed {
		h.delayed = true
		h.d.throttled[throttleHost].Add(1)
		time.AfterFunc(wait, h.resume)
	}
	return wait > 0
}

// resume goes on after a wait.
func (h *host) resume() {
	h.mu.Lock()
	h.delayed = false
	hired := !h.d.closed.Load() && h.hire()
	h.mu.Unlock()
	if hired {
		h.d.crew.start(h)
	}
}

// admit counts a request to the endpoint, or returns how long it has to wait for its own limit.
func (h *host) admit(id queue.EndpointID, perSecond float64) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.paces[id]
	if p == nil {
		if h.paces == nil {
			h.paces = make(map[queue.EndpointID]*pacer)
		}
		p = new(pacer)
		h.paces[id] = p
	}
	p.set(perSecond)
	now := time.Now()
	wait := p.wait(now)
	if wait == 0 {
		p.use(now)
	}
	return wait
}

// giveBack takes back what a turn that made no request has counted for its endpoint.
func (h *host) giveBack(id queue.EndpointID) {
	h.mu.Lock()
	if p := h.paces[id]; p != nil {
		p.giveBack()
	}
	h.mu.Unlock()
}

// pacing forgets the limits that make nobody wait any more, and says whether any is left. mu is held.
func (h *host) pacing(now time.Time) bool {
	for id, p := range h.paces {
		if !p.next.After(now) {
			delete(h.paces, id)
		}
	}
	return len(h.paces) > 0 || h.pace.next.After(now)
}

// restFor lets an endpoint rest for a while: its own limit has no room for another request, or the way out is closed.
func (w *worker) restFor(t *turn, wait time.Duration) {
	if w.host.rest(t) {
		w.d.timers.set(t.endpoint, time.Now().Add(wait))
	}
}
