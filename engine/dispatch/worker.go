package dispatch

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
	"hookline/queue"
)

// recheck is the wait before an endpoint is looked at again when the queue has something due for it
// and yet hands nothing out.
const recheck = 10 * time.Millisecond

// maxAnswer is how many bytes of an answer's body are shown to OnAttempt.
const maxAnswer = 256

// worker is the memory of one worker goroutine, reused from turn to turn and from worker to worker.
type worker struct {
	d    *Dispatcher
	host *host

	delivery queue.Delivery
	req      fasthttp.Request
	resp     fasthttp.Response
	record   webhook.Attempt
	late     time.Duration // how late the attempt began
	asked    time.Duration // for how long the answer asks for no further requests
	answer   [maxAnswer]byte
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// turn takes one delivery of an endpoint and attempts it. It returns what that says about the host.
func (w *worker) turn(t *turn) health {
	target, known := w.d.opts.Target(t.endpoint)
	switch {
	case known && target.leftAlone():
		w.host.rest(t) // until it is resumed; no timer would have anything to do before
		return untried
	case known && target.Host != w.host.key:
		w.move(t)
		return untried
	}
	if known && !target.Stopped {
		if wait := w.d.proxy.closedFor(); wait > 0 {
			w.restFor(t, wait)
			return untried
		}
	}
	limited := known && !target.Stopped && w.d.rateOf(target) > 0
	if limited {
		if wait := w.host.admit(t.endpoint, w.d.rateOf(target)); wait > 0 {
			w.d.throttled[throttleEndpoint].Add(1)
			w.restFor(t, wait)
			return untried
		}
	}
	what := w.take(t)
	if limited && what == untried {
		w.host.giveBack(t.endpoint)
	}
	return what
}

// take takes a delivery and attempts it, unless there is none or it cannot be attempted.
//
// The target is asked for once more, as the delivery may be of an event that was accepted after the endpoint was changed, and
// the change after the turn began.
func (w *worker) take(t *turn) health {
	if !w.find(t) {
		return untried
	}
	defer func() { w.delivery = queue.Delivery{} }() // lets go of the payload
	if t.room {
		w.host.expand()
	}
	target, known := w.d.opts.Target(t.endpoint)
	switch {
	case w.d.closed.Load(), known && (target.leftAlone() || target.Host != w.host.key), w.d.proxy.failed.Load() > 0 && w.host.waits(t):
		w.d.queue.Release(&w.delivery)
	case !known:
		w.d.opts.Logger.Debug("gave up a delivery: its endpoint is gone", "event", w.delivery.Event, "endpoint", w.delivery.Endpoint)
		w.settle(queue.Outcome{Verdict: queue.Dead, Reason: queue.Gone})
	case target.Stopped:
		w.settle(queue.Outcome{Verdict: queue.Dead, Reason: queue.Disabled})
	case target.Policy.TTL > 0 && target.Policy.Expired(time.Since(w.delivery.Accepted)):
		w.settle(queue.Outcome{Verdict: queue.Dead, Reason: queue.Exhausted})
	case w.affordable(t, target):
		return w.attempt(t, target)
	}
	return untried
}

// find takes a delivery of the endpoint, or lets it rest. Only what is fresh needs no room among the replays, so where there is none,
// or will be none after this one, an alarm stands for what is fresh and due later.
func (w *worker) find(t *turn) (ok bool) {
	if !t.replay {
		if w.delivery, ok = w.d.queue.TakeFresh(t.endpoint); ok {
			return true
		}
		if !w.host.replay(t) {
			w.alarm(t.endpoint, w.d.queue.NextDueFresh)
			return false
		}
	}
	switch w.delivery, ok = w.d.queue.Take(t.endpoint); {
	case !ok:
		w.rest(t)
	default:
		w.alarm(t.endpoint, w.d.queue.NextDueFresh)
	}
	return ok
}

// move sends an endpoint that belongs to another host now to that one.
func (w *worker) move(t *turn) {
	if w.host.rest(t) {
		w.d.wake(t.endpoint)
	}
}

// rest ends the activity of an endpoint that has nothing to take: until it is woken, or until its
// next delivery is due.
func (w *worker) rest(t *turn) {
	if !w.host.rest(t) {
		return
	}
	w.alarm(t.endpoint, w.d.queue.NextDue)
}

// alarm wakes the endpoint when something is due for it next, if anything is.
func (w *worker) alarm(id queue.EndpointID, next func(queue.EndpointID) (time.Time, bool)) {
	at, ok := next(id)
	if !ok {
		return
	}
	if now := time.Now(); !at.After(now) {
		at = now.Add(recheck)
	}
	w.d.timers.set(id, at)
}

// attempt makes one attempt at the delivery in hand and settles it. It returns what that says about the host.
func (w *worker) attempt(t *turn, target *Target) health {
	start := time.Now()
	w.record = webhook.Attempt{
		Event:    uint64(w.delivery.Event),
		Endpoint: uint64(w.delivery.Endpoint),
		Epoch:    target.Epoch,
		Number:   w.delivery.Attempts + 1,
		Start:    start,
		Accepted: w.delivery.Accepted,
	}
	w.late = w.lateness(target, start)
	err := w.send(target, start)
	if errors.Is(err, errNoProxy) {
		w.host.wayOutFailed(t)
	}
	if errors.Is(err, fasthttp.ErrNoFreeConns) || errors.Is(err, errNoProxy) {
		w.d.queue.Release(&w.delivery)
		return untried
	}
	end := time.Now()
	r := &w.record
	r.Duration, r.Err = end.Sub(start), err
	w.asked = asked(r, target.Policy)
	outcome := settlement(r, target.Policy, w.delivery.FirstFailure, end, rand.Float64())
	r.Settled, r.Next = outcome.Verdict != queue.Again, outcome.At
	if w.d.opts.OnAttempt != nil {
		outcome.Record = w.d.opts.OnAttempt(r, &w.delivery)
	}
	w.settle(outcome)
	if r.Outcome != webhook.Delivered && target.Policy.Stops(r.Status) && target.Gone != nil {
		target.Gone()
	}
	return healthOf(r)
}

// send renders the request, sends it and notes what came back.
func (w *worker) send(target *Target, start time.Time) error {
	defer func() { // lets go of the payload, and of the answer's buffer
		w.req.Reset()
		w.resp.Reset()
	}()
	if err := target.Render(&w.req, &w.delivery, w.record.Number); err != nil {
		w.record.Outcome = webhook.Unsendable
		w.d.opts.Logger.Error("gave up a delivery: its request cannot be built", "event", w.delivery.Event, "endpoint", w.delivery.Endpoint, "err", err)
		return err
	}
	w.record.Sent = len(w.req.Body())

	p := target.Policy
	err := w.host.exchange(&w.req, &w.resp, p, start.Add(p.Timeout))
	if _, unreached := errors.AsType[*egress.ProxyError](err); unreached {
		return errNoProxy
	}
	if err == nil || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		err = nil
		w.record.Status = w.resp.StatusCode()
		w.record.Received = len(w.resp.Body())
		w.record.Answer = w.answer[:copy(w.answer[:], w.resp.Body())]
	}
	w.record.Outcome, w.record.Class = classify(w.record.Status, err, p), classOf(w.record.Status, err)
	if err == nil && w.record.Outcome != webhook.Delivered && p.RetryAfter.Max > 0 {
		w.record.RetryAfter = retryAfter(&w.resp.Header, time.Now())
	}
	return withoutAddresses(err)
}

// settle tells the queue what became of the delivery in hand.
func (w *worker) settle(outcome queue.Outcome) {
	d := &w.delivery
	err := w.d.queue.Settle(d, outcome)
	// A queue that was closed before the last attempts had ended hands them out again after the next
	// start; there is nothing to see to.
	if err != nil && !w.d.closed.Load() {
		w.d.opts.Logger.Error("delivery not settled", slog.Uint64("event", uint64(d.Event)),
			slog.Uint64("endpoint", uint64(d.Endpoint)), slog.Any("error", err))
	}
}
