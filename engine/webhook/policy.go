package webhook

import "time"

// Policy says how deliveries of a webhook are attempted, as data: which answers end a delivery, which
// are worth another attempt, and when. A Policy is not changed once it is in use.
type Policy struct {
	// ConnectTimeout bounds dialling, TLS included. Timeout bounds the whole attempt, from dial to the last byte
	// of the answer that is read.
	ConnectTimeout time.Duration
	Timeout        time.Duration

	// Accepts says whether a status ends the delivery well. Retries says whether another status is
	// worth a further attempt; what neither accepts ends the delivery as dead. Failures without a
	// status (connection refused, timeout) are always worth a further attempt.
	Accepts func(status int) bool
	Retries func(status int) bool

	// Backoff holds the waits between attempts, so there are at most len(Backoff)+1 attempts. Each wait is
	// drawn uniformly from [d, d*(1+Jitter)].
	Backoff []time.Duration
	Jitter  float64
}

// Wait returns the time to wait after the given failed attempt (the first is 1), and false when there
// is no further attempt. random is a number in [0, 1).
func (p *Policy) Wait(attempt int, random float64) (time.Duration, bool) {
	if attempt < 1 || attempt > len(p.Backoff) {
		return 0, false
	}
	base := p.Backoff[attempt-1]
	return base + time.Duration(float64(base)*p.Jitter*random), true
}
