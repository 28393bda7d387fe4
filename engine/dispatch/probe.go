package dispatch

import (
	"math/rand/v2"
	"time"
)

// report tells the host's breaker, rate limit and budget what came of a worker's turn.
func (h *host) report(t turn, what health, w *worker) {
	h.mu.Lock()
	switch {
	case what == untried && h.pace.every > 0:
		h.pace.giveBack()
	case what != untried && w.record.Number == 1:
		h.budget.first(w.late, w.record.Start)
	}
	before := h.breaker.state
	if h.breaker.end(t.probe, what, h.d.opts.Breaker.Failures) {
		h.trip()
	}
	after, failures, until := h.breaker.state, h.breaker.failures, h.breaker.until
	h.mu.Unlock()
	if before == after {
		return
	}
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
func (h *host) trip() {
	wait := h.breaker.trip(&h.d.opts.Breaker, time.Now(), rand.Float64())
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

// Reset closes the breaker of a host, so that it is sent to at once. It reports whether the breaker was not closed already.
func (d *Dispatcher) Reset(key Host) bool {
	h := d.hosts.find(key)
	if h == nil {
		return false
	}
	h.mu.Lock()
	reset := h.breaker.state != BreakerClosed
	if reset {
		h.breaker.close()
	}
	hired := reset && h.hire()
	h.mu.Unlock()
	if reset {
		d.transitions[BreakerClosed].Add(1)
	}
	if hired {
		d.crew.start(h)
	}
	return reset
}
