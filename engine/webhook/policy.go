package webhook

import "time"

// Policy says how deliveries of a webhook are attempted, as data: which answers end a delivery, which
// are worth another attempt, and when. A Policy is not changed once it is in use.
type Policy struct {
	// Timeout bounds the whole attempt, from dial to the last byte of the answer that is read. The others bound
	// parts of it, and end with it; 0 is for no bound but that. ConnectTimeout is for looking up the name,
	// connecting and the TLS handshake together, HandshakeTimeout for the last of these, and FirstByteTimeout from
	// when the request is written to the first byte of the answer.
	Timeout          time.Duration
	ConnectTimeout   time.Duration
	HandshakeTimeout time.Duration
	FirstByteTimeout time.Duration

	// Accepts says whether a status ends the delivery well. Retries says whether another status is
	// worth a further attempt; what neither accepts ends the delivery as dead. Failures without a
	// status (connection refused, timeout) are always worth a further attempt.
	Accepts func(status int) bool
	Retries func(status int) bool

	// Backoff holds the waits between attempts, so there are at most len(Backoff)+1 attempts unless Repeat is set. Each
	// wait is drawn uniformly from [d, d*(1+Jitter)].
	Backoff []time.Duration
	Jitter  float64

	// Repeat goes on with the last wait of Backoff until the delivery is GiveUp old, counted from when its event was
	// accepted. 0 is for ever.
	Repeat bool
	GiveUp time.Duration
}

// Wait returns the time to wait after the given failed attempt (the first is 1) of a delivery of some age, and false
// when there is no further attempt. random is a number in [0, 1).
func (p *Policy) Wait(attempt int, age time.Duration, random float64) (time.Duration, bool) {
	if attempt < 1 || len(p.Backoff) == 0 || attempt > len(p.Backoff) && !p.Repeat {
		return 0, false
	}
	base := p.Backoff[min(attempt, len(p.Backoff))-1]
	wait := base + time.Duration(float64(base)*p.Jitter*random)
	if p.Repeat && p.GiveUp > 0 && age+wait > p.GiveUp {
		return 0, false
	}
	return wait, true
}
