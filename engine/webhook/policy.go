package webhook

import (
	"errors"
	"fmt"
	"time"
)

// Policy says how deliveries of a webhook are attempted, as data: which answers end a delivery, which
// are worth another attempt, and when. A Policy is not changed once it is in use.
type Policy struct {
	// Timeout bounds the whole attempt, from dial to the last byte of the answer that is read. The others bound
	// parts of it, and end with it; 0 is for no bound but that. ConnectTimeout is for looking up the name,
	// connecting and the TLS handshake together, HandshakeTimeout for the last of these, and FirstByteTimeout from
	// when the request is written to the first byte of the answer.
	Timeout          time.Duration `yaml:"timeout"`
	ConnectTimeout   time.Duration `yaml:"connect_timeout"`
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`
	FirstByteTimeout time.Duration `yaml:"first_byte_timeout"`

	// Accept are the statuses that end a delivery well. Retry are those of the others that are
	// worth a further attempt; what is in neither ends the delivery as dead. Failures without a
	// status (connection refused, timeout) are always worth a further attempt.
	Accept Statuses `yaml:"accept"`
	Retry  Statuses `yaml:"retry"`

	// StopOnGone takes 410 for the receiver's wish to be sent nothing any more: the delivery is dead, whatever Retry says,
	// and the engine disables the webhooks that lead there.
	StopOnGone bool `yaml:"stop_on_gone"`

	// Backoff holds the waits between attempts, so there are at most len(Backoff)+1 attempts unless Repeat is set. Each
	// wait is drawn uniformly from [d, d*(1+Jitter)].
	Backoff []time.Duration `yaml:"backoff"`
	Jitter  float64         `yaml:"jitter"`

	// Repeat goes on with the last wait of Backoff, without an end of its own.
	Repeat bool `yaml:"repeat"`

	// GiveUp is the age, counted from when the event was accepted, beyond which there is no further attempt. A delivery that
	// could not be attempted until then has its first one all the same. 0 is no such age.
	GiveUp time.Duration `yaml:"give_up"`

	// TTL is the time to live: the age beyond which a delivery is worth nothing any more, so that not even a first attempt is
	// made. 0 is for ever.
	TTL time.Duration `yaml:"ttl"`

	// LastBy is how long after the first failure of a delivery the last attempt that Backoff allows may begin. Waits are cut
	// short to leave room until then for the attempts that are to follow, but never below the first of Backoff. 0 cuts none;
	// with Repeat there is no last attempt, and so no such time.
	LastBy time.Duration `yaml:"last_by"`

	// RetryAfter bounds the waits that receivers ask for.
	RetryAfter RetryAfter `yaml:"retry_after"`
}

// RetryAfter says how far the header Retry-After of an answer (RFC 9110, 10.2.3) is followed. The zero value does
// not follow it.
type RetryAfter struct {
	// Min is the shortest wait that a receiver can ask for. 0 is the policy's own wait, so that a receiver can only make
	// it longer.
	Min time.Duration `yaml:"min"`

	// Max is the longest. Whoever asks for more is sent to after Max. 0 makes the header count for nothing.
	Max time.Duration `yaml:"max"`
}

// Accepts says whether a status ends a delivery well.
func (p *Policy) Accepts(status int) bool { return p.Accept.Has(status) }

// Retries says whether a status that is not accepted is worth a further attempt.
func (p *Policy) Retries(status int) bool { return !p.Stops(status) && p.Retry.Has(status) }

// Stops says whether a status means that the receiver wants nothing any more.
func (p *Policy) Stops(status int) bool { return p.StopOnGone && status == 410 }

// Expired says whether a delivery of some age is worth nothing any more.
func (p *Policy) Expired(age time.Duration) bool { return p.TTL > 0 && age > p.TTL }

// Failure is what a policy has to know of an attempt that failed.
type Failure struct {
	Attempt int           // its number; the first is 1
	Age     time.Duration // of the delivery, since its event was accepted
	Since   time.Duration // since the first attempt of the delivery failed; 0 if that is this one
	Asked   time.Duration // by Retry-After; 0 if there was none
}

// Wait returns the time to wait after an attempt that failed, and false when there is no further attempt. random is a
// number in [0, 1).
func (p *Policy) Wait(f Failure, random float64) (time.Duration, bool) {
	if f.Attempt < 1 || len(p.Backoff) == 0 || f.Attempt > len(p.Backoff) && !p.Repeat {
		return 0, false
	}
	wait := p.lengthen(p.Backoff[min(f.Attempt, len(p.Backoff))-1], random)
	if p.RetryAfter.Max > 0 && f.Asked > 0 {
		least := p.RetryAfter.Min
		if least == 0 {
			least = wait
		}
		asked := p.lengthen(min(f.Asked, p.RetryAfter.Max), random)
		wait = max(least, min(asked, p.RetryAfter.Max))
	}
	wait = p.fit(wait, f)
	for _, end := range [...]time.Duration{p.GiveUp, p.TTL} {
		if end > 0 && f.Age+wait > end {
			return 0, false
		}
	}
	return wait, true
}

// lengthen adds the random part to a wait.
func (p *Policy) lengthen(wait time.Duration, random float64) time.Duration {
	return wait + time.Duration(float64(wait)*p.Jitter*random)
}

// fit cuts a wait short so that the last attempt can begin by p.LastBy.
func (p *Policy) fit(wait time.Duration, f Failure) time.Duration {
	if p.LastBy == 0 || p.Repeat {
		return wait
	}
	room := p.LastBy - f.Since
	for _, later := range p.Backoff[f.Attempt:] {
		room -= p.Timeout + later
	}
	return max(min(wait, room), p.Backoff[0])
}

// Validate names everything that is wrong with a policy.
func (p *Policy) Validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if p.Timeout <= 0 {
		add("timeout is %v; use a positive duration", p.Timeout)
	}
	for _, d := range []struct {
		name string
		time.Duration
	}{
		{"connect_timeout", p.ConnectTimeout}, {"handshake_timeout", p.HandshakeTimeout},
		{"first_byte_timeout", p.FirstByteTimeout}, {"give_up", p.GiveUp}, {"ttl", p.TTL}, {"last_by", p.LastBy},
		{"retry_after.min", p.RetryAfter.Min}, {"retry_after.max", p.RetryAfter.Max},
	} {
		if d.Duration < 0 {
			add("%s is %v; use a positive duration", d.name, d.Duration)
		}
	}
	if len(p.Accept) == 0 {
		add("accept is empty; name the statuses that end a delivery well")
	}
	for _, wait := range p.Backoff {
		if wait <= 0 {
			add("backoff has %v; use positive durations", wait)
		}
	}
	if !(p.Jitter >= 0 && p.Jitter <= 10) { // which NaN is not either
		add("jitter is %v; use a number from 0 to 10", p.Jitter)
	}
	if p.Repeat && len(p.Backoff) == 0 {
		add("repeat is set and backoff is empty; name the wait to be repeated")
	}
	if p.Repeat && p.LastBy > 0 {
		add("with repeat there is no last attempt; leave out one of repeat and last_by")
	}
	if p.RetryAfter.Min > p.RetryAfter.Max {
		add("retry_after.min is %v, more than retry_after.max (%v)", p.RetryAfter.Min, p.RetryAfter.Max)
	}
	return errors.Join(problems...)
}
