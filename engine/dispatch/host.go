package dispatch

import (
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/queue"
)

// host is what the dispatcher knows of one Host: which endpoints have work, how many workers serve
// them, and the connections.
//
// A worker takes one delivery after the other and leaves when the host has none. It has at most one request
// in flight, so counting workers is counting requests.
//
// No wake-up is lost. A delivery becomes visible to Take before its endpoint is woken, and everything
// that decides is done under mu: a wake-up makes the endpoint a member of the ring and hires a worker
// if there is room; a worker lets an endpoint rest only if no wake-up came since before its Take,
// and leaves only when the ring is empty or the host waits in line for a slot. So after a wake-up the
// endpoint stays in the ring until a Take that began later has found nothing, and while the ring has
// a member, a worker is at work, or the host is in line, or its breaker is open or its rate used up and has a timer that ends that. A
// worker that makes the probe of a half-open breaker asks for the next turn afterwards, whatever came of it, so those that
// left because of the probe are not missed.
type host struct {
	d      *Dispatcher
	key    Host
	client *fasthttp.HostClient
	tls    *tls.Config  // nil for plain HTTP
	inUse  atomic.Int64 // connections

	mu      sync.Mutex
	ready   ring
	workers int
	peak    int  // most workers at once since the last sweep
	waiting bool // in line for a slot
	gone    bool // no longer in the table; whoever holds it looks it up again
	breaker breaker
	budget  budget
	pace    pacer                       // for Rate.Host
	resting bool                        // until a timer ends it: pace lets nothing through
	paces   map[queue.EndpointID]*pacer // of endpoints that have a limit

	unusedSince time.Time // when a sweep first found it without work
}

// turn is an endpoint's turn: one delivery of it may be taken.
type turn struct {
	endpoint queue.EndpointID
	wake     uint64
	room     bool   // the host had room for another worker
	probe    uint64 // number of the probe that the turn is, 0 if it is none
}

// wake tells the host that the endpoint may have a delivery to take. It reports false if the host is
// gone from the table.
func (h *host) wake(id queue.EndpointID) bool {
	h.mu.Lock()
	if h.gone {
		h.mu.Unlock()
		return false
	}
	h.ready.wake(id)
	hired := h.hire()
	h.mu.Unlock()
	if hired {
		h.d.crew.start(h)
	}
	return true
}

// expand hires another worker if there is room and work. A worker calls it when it has a delivery in
// hand and will be busy with it: there may be more where that came from.
func (h *host) expand() {
	h.mu.Lock()
	hired := h.hire()
	h.mu.Unlock()
	if hired {
		h.d.crew.start(h)
	}
}

// hire makes room for a worker, which the caller has to start. mu is held.
func (h *host) hire() bool {
	if h.waiting || !h.wants() || !h.d.slots.take(h) {
		return false
	}
	h.count()
	return true
}

func (h *host) wants() bool {
	return h.ready.len() > 0 && h.workers < h.d.opts.HostLimit && h.breaker.admits() && !h.limited()
}

func (h *host) count() {
	h.workers++
	h.peak = max(h.peak, h.workers)
}

// granted is called when the host, waiting in line, is offered a slot. It reports whether it took it.
func (h *host) granted() bool {
	h.mu.Lock()
	h.waiting = false
	wants := h.wants()
	if wants {
		h.count()
	}
	h.mu.Unlock()
	if wants {
		h.d.crew.start(h)
	}
	return wants
}

// work is the life of a worker.
func (h *host) work() {
	w := workers.Get().(*worker)
	w.d, w.host = h.d, h
	for t, ok := h.next(true); ok; t, ok = h.next(false) {
		h.report(t, w.turn(t), w)
	}
	w.d, w.host = nil, nil
	workers.Put(w)
	if h.d.closed.Load() {
		h.client.CloseIdleConnections()
	}
	h.d.slots.give()
}

// next returns the next turn of the host, or false when the worker has to leave: there is no work, the breaker lets
// nothing through, or other hosts wait for a slot and the worker has had a turn of its own.
func (h *host) next(first bool) (turn, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	leave := h.ready.len() == 0 || !h.breaker.admits() || h.d.closed.Load() || h.limited()
	if !leave && !first && h.d.slots.scarce.Load() {
		leave = true
		if !h.waiting {
			h.d.slots.wait(h)
		}
	}
	if leave {
		h.workers--
		return turn{}, false
	}
	t := turn{room: h.workers < h.d.opts.HostLimit, probe: h.breaker.begin()}
	if h.pace.every > 0 {
		h.pace.use(time.Now())
	}
	t.endpoint, t.wake = h.ready.turn()
	return t, true
}

// rest is called when a turn found nothing to take. It reports whether the endpoint has left the ring;
// otherwise it was woken meanwhile, or another worker saw to it.
func (h *host) rest(t turn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready.rest(t.endpoint, t.wake)
}
