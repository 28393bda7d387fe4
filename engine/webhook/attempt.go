package webhook

import "time"

// Outcome is the class of one attempt's end: metric label, log value and input of the retry decision.
type Outcome string

// The outcomes of an attempt.
const (
	Delivered     Outcome = "delivered"      // the policy accepts the status
	Rejected      Outcome = "rejected"       // a status that is neither accepted nor retried
	Throttled     Outcome = "throttled"      // 429
	ServerError   Outcome = "server_error"   // 5xx
	Retriable     Outcome = "retriable"      // another status that the policy retries
	Timeout       Outcome = "timeout"        // no complete answer in time
	ConnectFailed Outcome = "connect_failed" // no connection: refused, unreachable, unknown name, TLS
	Broken        Outcome = "broken"         // the connection broke, or the answer was no HTTP
	Unsendable    Outcome = "unsendable"     // the request could not be built; no attempt was made
	Blocked       Outcome = "blocked"        // the host's address is one that nothing is sent to; nothing was
)

// Outcomes lists every Outcome, for metrics that want their series from the start.
var Outcomes = []Outcome{Delivered, Rejected, Throttled, ServerError, Retriable, Timeout, ConnectFailed, Broken, Unsendable, Blocked}

// Attempt is the record of one HTTP request made for a delivery.
type Attempt struct {
	Event    uint64
	Endpoint uint64
	Number   int // counted from 1
	Start    time.Time
	Duration time.Duration
	Status   int // 0 when there was no answer
	Outcome  Outcome
	Err      error // what went wrong when there was no answer; nil otherwise

	// Accepted is when the event was accepted. Settled is false when another attempt follows.
	Accepted time.Time
	Settled  bool
	Next     time.Time // when the next attempt is due; zero when there is none

	// RetryAfter is the wait that the answer asked for, as it stood there; 0 if it did not, or if the policy does not care.
	RetryAfter time.Duration

	Sent, Received int // bytes of the bodies

	// Answer is the beginning of the answer's body, at most 256 bytes, as they came. It is reused: whoever is shown an
	// attempt copies what is to be kept.
	Answer []byte
}
