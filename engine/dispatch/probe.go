package dispatch

import (
	"math/rand/v2"
	"time"
)

// announce counts and logs that the breaker has changed.
func (h *host) announce(before, after BreakerState, failures int, until time.Time) {
	h.d.transitions[after].Add(1)
	log := h.d.opts.Logger.With("tenant", h.key.Tenant, "host", h.key.String())
	switch {
	case after == BreakerClosed:
		log.Info("a host answers again")
	case before == BreakerClosed:
		log.Warn("a host is down: what is queued for it waits", "failures", failures, "until", until)
	}
}

// trip opens the breaker for a while. mu is held.
func (h *host) trip(now time.Time) {
	wait := h.breaker.trip(&h.d.opts.Breaker, now, rand.Float64())
	h.limit.restart(now)
	h.turns.restart(h.limit.round)
	h.breaker.timer = time.AfterFunc(wait, h.probe)
}

// probe lets one request through, now that the time is over for which the breaker was to be open.
func (h *host) probe() {
	h.mu.Lock()
	hired := false
	// A timer that was stopped too late finds the breaker closed, or open until later.
	due := h.breaker.state == BreakerOpen && !time.Now().Before(h.breaker.until) && !h.d.closed.Load()
	if due {
		h.breaker.state = BreakerHalfOpen
		hired = h.hire()
	}
	h.mu.Unlock()
	if due {
		h.d.transitions[BreakerHalfOpen].Add(1)
	}
	if hired {
		h.d.crew.start(h)
	}
}

// Reset closes the breaker of a host and ends the time for which the host or endpoints of it asked to be left alone, so that
// it is sent to at once; one that was down begins with a single request. It reports whether there was anything to end.
func (d *Dispatcher) Reset(key Host) bool {
	h := d.hosts.find(key)
	if h == nil {
		return false
	}
	h.mu.Lock()
	open, held := h.breaker.state != BreakerClosed, h.holding(time.Now())
	if open {
		h.breaker.close()
	}
	asleep := h.release()
	hired := (open || held) && h.hire()
	h.mu.Unlock()
	if open {
		d.transitions[BreakerClosed].Add(1)
	}
	if hired {
		d.crew.start(h)
	}
	for _, id := range asleep {
		d.wake(id)
	}
	return open || held
}
