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
// that decides is done under mu: a wake-up makes the endpoint ready and hires a worker
// if there is room; a worker lets an endpoint rest only if no wake-up came since before its Take,
// and leaves only when no endpoint can have a turn or the host waits in line for a slot. So after a wake-up the
// endpoint stays ready until a Take that began later has found nothing. And while an endpoint is ready, one of these holds,
// and ends in a turn for it:
//
//   - A worker is at work. Whatever comes of its turn, it asks for the next one, or leaves for one of the other reasons, or
//     because there are more workers than the limit, which is at least 1. The limit rises only at the end of a turn.
//   - It has as many requests in flight as its own limit lets it have, at least 1. The worker that ends one of them asks for the
//     next turn, and by then the endpoint can have it.
//   - The host is in line for a slot.
//   - Nothing may be sent for a while, and a timer ends that: the breaker is open, the rate used up, or the host asked for it.
//   - Workers are at work on replays or on the probe of a half-open breaker, and only when one of them has ended is
//     there room for another. The worker that ended it asks for the next turn.
//
// An endpoint that is held back is not ready, whoever wakes it, and has an alarm for the end of that.
type host struct {
	d      *Dispatcher
	key    Host
	client *fasthttp.HostClient
	tls    *tls.Config  // nil for plain HTTP
	inUse  atomic.Int64 // connections
	behind *host        // the next of its tenant in line for a slot; of slots

	mu      sync.Mutex
	turns   turns
	workers int
	limit   limit
	peak    int  // most workers at once since the last sweep
	waiting bool // in line for a slot
	gone    bool // no longer in the table; whoever holds it looks it up again
	breaker breaker
	budget  budget
	pace    pacer                          // for Rate.Host
	until   time.Time                      // the host asked for no requests before
	delayed bool                           // until a timer ends it: nothing may be sent for pace or until
	paces   map[queue.EndpointID]*pacer    // of endpoints that have a limit
	held    map[queue.EndpointID]time.Time // endpoints that nothing is sent to before: they asked for that, or the way out failed

	unusedSince time.Time // when a sweep first found it without work
}

// turn is an endpoint's turn: one delivery of it may be taken.
type turn struct {
	endpoint queue.EndpointID
	member   *member
	wake     uint64
	began    time.Time
	room     bool   // the host had room for another worker
	replay   bool   // it has a place among the replays: Take may return one
	round    uint64 // of the limit
	probe    uint64 // number of the probe that the turn is, 0 if it is none
}

// wake tells the host that the endpoint may have a delivery to take, one that arrived and was due at once if the time is not zero.
// It reports false if the host is gone from the table.
func (h *host) wake(id queue.EndpointID, due time.Time) bool {
	h.mu.Lock()
	if h.gone {
		h.mu.Unlock()
		return false
	}
	hired := false
	if !h.holds(id) {
		h.turns.wake(id).arrive(due)
		hired = h.hire()
	}
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

// wants says whether the host has room and work for another worker. mu is held.
func (h *host) wants() bool { return h.limit.room(h.workers) && h.offers() }

// offers says whether another turn may begin. mu is held.
func (h *host) offers() bool {
	return h.turns.any(h.replaysFit()) && h.breaker.admits() && !h.limited()
}

// replaysFit says whether another worker may take a delivery of lane queue.Replay. mu is held.
func (h *host) replaysFit() bool { return h.limit.replayRoom(h.d.opts.ReplayLimit) }

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
	for t, ok := h.first(); ok; {
		what := w.turn(&t)
		t, ok = h.next(&t, what, w)
	}
	w.d, w.host = nil, nil
	workers.Put(w)
	if h.d.closed.Load() {
		h.client.CloseIdleConnections()
	}
	h.d.slots.give()
}

// first begins a worker's first turn, as next does the others.
func (h *host) first() (turn, bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.begin(now, true)
}

// next ends a worker's turn and begins another, or returns false when the worker has to leave.
func (h *host) next(t *turn, what health, w *worker) (turn, bool) {
	now := time.Now()
	h.mu.Lock()
	before := h.breaker.state
	h.end(t, what, w, now)
	after, failures, until := h.breaker.state, h.breaker.failures, h.breaker.until
	next, ok := h.begin(now, false)
	h.mu.Unlock()
	if after != before {
		h.announce(before, after, failures, until)
	}
	return next, ok
}

// begin begins a turn, unless the worker has to leave: there is no work, nothing may be sent, the limit has fallen, or other
// hosts wait for a slot and the worker has had a turn of its own. mu is held.
func (h *host) begin(now time.Time, first bool) (turn, bool) {
	leave := h.d.closed.Load() || h.limit.exceeded(h.workers) || !h.offers()
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
	t := turn{began: now, room: h.limit.room(h.workers), round: h.limit.begin(), probe: h.breaker.begin()}
	if h.pace.every > 0 {
		h.pace.use(now)
	}
	if t.member, t.replay = h.turns.next(h.replaysFit()); t.replay {
		h.limit.beginReplay(t.round)
	}
	t.endpoint, t.wake = t.member.id, t.member.wake
	return t, true
}

// end tells all that shares the host out what came of a worker's turn. mu is held.
func (h *host) end(t *turn, what health, w *worker, now time.Time) {
	switch {
	case what == untried && h.pace.every > 0:
		h.pace.giveBack()
	case what != untried && w.record.Number == 1:
		h.budget.first(w.late, w.record.Start)
	}
	if what != untried {
		h.learn(t, what, w, now)
	}
	if t.replay {
		h.limit.endReplay(t.round)
	}
	h.turns.end(t.member, t.round, now.Sub(t.began)) // which may forget the member
	h.limit.end(t.round)
	if h.breaker.end(t.probe, what, h.d.opts.Breaker.Failures) {
		h.trip(now)
	}
}

// learn adapts what the host is sent to what an attempt said of it. mu is held.
func (h *host) learn(t *turn, what health, w *worker, now time.Time) {
	switch {
	case w.record.Status == fasthttp.StatusTooManyRequests:
		h.refused(t, w.asked, now)
	case overloaded(&w.record):
		h.limit.overload(t.began, now)
	case what == alive:
		h.limit.success(t.began, !h.limit.room(h.workers) || t.replay && !h.replaysFit())
		h.turns.success(t.member, t.began)
	}
	if w.asked > 0 {
		h.obey(t.member, w.record.Status, now.Add(w.asked))
	}
}

// rest is called when a turn found nothing to take. It reports whether the endpoint rests now;
// otherwise it was woken meanwhile, or another worker saw to it.
func (h *host) rest(t *turn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.turns.rest(t.member, t.wake)
}

// replay is called when a turn found nothing fresh to take. It reports whether there was room to go on with
// lane queue.Replay; otherwise the endpoint has another turn when there is.
func (h *host) replay(t *turn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turns.stale(t.member, t.wake)
	if !h.replaysFit() {
		return false
	}
	h.limit.beginReplay(t.round)
	t.replay = true
	return true
}
