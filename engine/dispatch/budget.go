package dispatch

import (
	"cmp"
	"math/rand/v2"
	"time"

	"hookline/queue"
)

// RetryBudget keeps retries from crowding out first attempts at a host: while first attempts wait there, a retry that is over
// the budget is put off, which uses up no attempt. While none waits retries are made as they come due.
type RetryBudget struct {
	// Share is how much of a host's recent attempts may be retries. Negative means all.
	//
	// Defaults to 0.2.
	Share float64

	// Floor is how many retries may be made in ten seconds whatever else is sent.
	//
	// Defaults to 10.
	Floor int
}

// WithDefaults returns the budget with the defaults in place of zeros.
func (b RetryBudget) WithDefaults() RetryBudget {
	b.Share = cmp.Or(b.Share, 0.2)
	b.Floor = cmp.Or(b.Floor, 10)
	return b
}

const (
	// budgetSpan is the time that "recent" means, counted in two halves: the last whole one and the one in progress.
	budgetSpan = 10 * time.Second

	// lateFirst is how long a first attempt has waited at least for others to be taken to wait too.
	lateFirst = 100 * time.Millisecond

	// maxPutOff bounds how long a retry is put off at once.
	maxPutOff = 5 * time.Minute
)

// tally counts the attempts of half a span.
type tally struct{ first, retries int }

// budget is what a host has spent, guarded by its mutex. Attempts alone move it.
type budget struct {
	began   time.Time // of the count in progress
	present tally
	past    tally
	waiting time.Time // until when first attempts are taken to wait
	slot    time.Time // to when a retry was put off last
}

// first counts a first attempt that began at a time, late by so much.
//
// Who waits is learned from whom was waited for: deliveries of an endpoint come in the order in which they are due, so when
// a first attempt is made late, those of all that was accepted since then are still to be made, and the last of them as late.
func (b *budget) first(late time.Duration, at time.Time) {
	b.roll(at)
	b.present.first++
	b.noteLate(late, at)
}

// noteLate takes first attempts to wait for as long again as one is late.
func (b *budget) noteLate(late time.Duration, at time.Time) {
	if until := at.Add(min(late, budgetSpan)); late > lateFirst && until.After(b.waiting) {
		b.waiting = until
	}
}

// retry counts a retry. If there is no room for it, retry returns when it is to be due again instead, and false. What is put off
// comes back at intervals at which the budget has room for it, so that it is seldom put off twice.
func (b *budget) retry(o *RetryBudget, now time.Time) (at time.Time, ok bool) {
	b.roll(now)
	retries := b.present.retries + b.past.retries
	all := b.present.first + b.past.first + retries
	room := o.Share*float64(all+1) + float64(o.Floor)
	if float64(retries+1) <= room || !now.Before(b.waiting) {
		b.present.retries++
		return at, true
	}
	return b.putOff(room, now), false
}

// roll begins another count when the one in progress has its time behind it.
func (b *budget) roll(now time.Time) {
	switch passed := now.Sub(b.began); {
	case passed >= budgetSpan:
		b.past, b.present, b.began = tally{}, tally{}, now
	case passed >= budgetSpan/2:
		b.past, b.present, b.began = b.present, tally{}, b.began.Add(budgetSpan/2)
	}
}

// putOff returns when a retry is to be due again, if there is room for so many in a span.
func (b *budget) putOff(room float64, now time.Time) time.Time {
	earliest, latest := now.Add(budgetSpan/2), now.Add(maxPutOff)
	if b.slot.Before(earliest) {
		b.slot = earliest
	}
	b.slot = b.slot.Add(time.Duration(float64(budgetSpan) / max(room, 1)))
	if b.slot.After(latest) {
		b.slot = latest
		return latest.Add(-time.Duration(rand.Float64() * float64(maxPutOff/2)))
	}
	return b.slot
}

// affordable says whether the delivery in hand may be attempted now. If not, it is put off.
//
// That what arrived after a retry was due waits behind it is seen here and not by first alone, since a long run of retries would
// let no first attempt come up to tell.
func (w *worker) affordable(t *turn, target *Target) bool {
	o := &w.d.opts.RetryBudget
	if w.delivery.Attempts == 0 || o.Share < 0 {
		return true
	}
	h, now := w.host, time.Now()
	late := w.lateness(target, now)
	h.mu.Lock()
	if t.member.arrived.After(w.delivery.Due) {
		h.budget.noteLate(late, now)
	}
	at, ok := h.budget.retry(o, now)
	h.mu.Unlock()
	if !ok {
		w.d.putOff.Add(1)
		w.settle(queue.Outcome{Verdict: queue.Again, At: at, Status: w.delivery.LastStatus})
	}
	return ok
}

// lateness is how late the attempt at the delivery in hand begins, as far as that means anything to the
// host's other endpoints: not where its endpoint has a limit of its own to wait for, or where it is a replay.
func (w *worker) lateness(target *Target, start time.Time) time.Duration {
	if w.delivery.Lane != queue.Fresh || w.d.rateOf(target) > 0 {
		return 0
	}
	return start.Sub(w.delivery.Due)
}
