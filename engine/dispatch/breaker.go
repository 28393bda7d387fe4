package dispatch

import (
	"cmp"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

// Breaker says when a host counts as down, and for how long it is left alone then.
type Breaker struct {
	// Failures is the number of attempts that fail one after the other, over all endpoints of the host, after which
	// nothing more is sent to it. Negative means that nothing ever keeps the host from being sent to.
	//
	// Defaults to 20, the default of HostLimit: more than a single delivery can add by Jira's six attempts.
	Failures int

	// Open is how long nothing is sent before one request is, the probe. Every probe that fails doubles the time, up to
	// MaxOpen. Each time is lengthened at random by up to a fifth, so that hosts that went down together are not probed
	// together.
	//
	// Default to 1 second and 1 minute.
	Open, MaxOpen time.Duration
}

// WithDefaults returns the breaker with the defaults in place of zeros, and with a MaxOpen that is not less than Open.
func (b Breaker) WithDefaults() Breaker {
	b.Failures = cmp.Or(b.Failures, 20)
	b.Open = cmp.Or(b.Open, time.Second)
	b.MaxOpen = max(cmp.Or(b.MaxOpen, time.Minute), b.Open)
	return b
}

// BreakerState is what a host's breaker lets through.
type BreakerState uint8

// The states of a breaker.
const (
	BreakerClosed   BreakerState = iota // everything
	BreakerOpen                         // nothing
	BreakerHalfOpen                     // one request at a time

	breakerStates = 3
)

// String returns "closed", "open" or "half_open".
func (s BreakerState) String() string {
	return [breakerStates]string{"closed", "open", "half_open"}[s]
}

// health is what an attempt says about the host.
type health uint8

const (
	untried health = iota // nothing: there was no attempt
	unknown               // nothing: the host asked for fewer requests, or could not be sent any
	alive
	failing
)

// healthOf judges the host by an attempt. A request that is refused was read and understood. 429 is an answer of a host that
// works and does not want more, so it neither opens nor closes a breaker.
func healthOf(a *webhook.Attempt) health {
	switch {
	case a.Outcome == webhook.Delivered:
		return alive
	case a.Outcome == webhook.Unsendable || a.Status == fasthttp.StatusTooManyRequests:
		return unknown
	case a.Err != nil || a.Status >= 500:
		return failing
	}
	return alive
}

// breaker is the state of a host's breaker, guarded by the host's mutex. It is moved by what happens: the ends of
// attempts, the end of the time it is open, and an operator. Nothing looks at it at intervals, and nothing is done to
// what waits for the host, which stays in the queue as it is.
type breaker struct {
	state    BreakerState
	failures int           // since the last success
	open     time.Duration // how long it was open the last time, without the random part; 0 since it closed
	until    time.Time     // end of the time it is open
	timer    *time.Timer   // for until
	probe    uint64        // number of the probe in progress, 0 for none
	probes   uint64        // number of the last probe
}

// admits says whether another turn may begin.
func (b *breaker) admits() bool {
	return b.state == BreakerClosed || b.state == BreakerHalfOpen && b.probe == 0
}

// begin is called when a turn begins. It returns the number of the probe that the turn is, 0 if it is none.
func (b *breaker) begin() uint64 {
	if b.state != BreakerHalfOpen {
		return 0
	}
	b.probes++
	b.probe = b.probes
	return b.probe
}

// end is called when a turn has ended, with the number that begin returned for it. It reports whether the breaker has to be
// tripped.
//
// A success closes the breaker whenever the attempt began. A failure of an attempt that began before the breaker
// opened is no news, and is not held against the host once more.
func (b *breaker) end(probe uint64, h health, failures int) (trip bool) {
	probed := probe != 0 && probe == b.probe
	if probed {
		b.probe = 0
	}
	switch h {
	case alive:
		b.close()
	case failing:
		b.failures++
		return probed || b.state == BreakerClosed && failures > 0 && b.failures >= failures
	}
	return false
}

// trip opens the breaker. random is a number in [0, 1).
func (b *breaker) trip(o *Breaker, now time.Time, random float64) time.Duration {
	b.open = min(max(o.Open, 2*b.open), o.MaxOpen)
	wait := b.open + time.Duration(random*float64(b.open)/5)
	b.state, b.until = BreakerOpen, now.Add(wait)
	return wait
}

func (b *breaker) close() {
	b.stop()
	*b = breaker{probes: b.probes}
}

func (b *breaker) stop() {
	if b.timer != nil {
		b.timer.Stop()
	}
}

// remembered says whether a host without work is to be kept for what its breaker knows. A host that nothing is sent to for as
// long as MaxOpen after it could have been probed is forgotten like any other.
func (b *breaker) remembered(o *Breaker, now time.Time) bool {
	return b.state != BreakerClosed && now.Before(b.until.Add(o.MaxOpen))
}
