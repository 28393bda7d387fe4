package webhook

import "time"

// Outcome is what one attempt's end means under the policy: log value and input of the retry decision. What the wire had
// to say is its [Class].
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

// Class is how one attempt ended on the wire, whatever a policy makes of it: the label of metrics.
type Class string

// The classes of attempts. Those of answers are named for the status; the others had none.
const (
	Class2xx      Class = "2xx"
	Class3xx      Class = "3xx"
	Class4xx      Class = "4xx" // other than 429
	Class429      Class = "429"
	Class5xx      Class = "5xx"
	ClassTimeout  Class = "timeout"  // a connection, and no complete answer in time
	ClassDNS      Class = "dns"      // the host's name leads nowhere, or the name server did not answer
	ClassConnect  Class = "connect"  // no connection: refused, unreachable, not in time
	ClassTLS      Class = "tls"      // no TLS on the connection, or it was ended by an alert
	ClassBlocked  Class = "blocked"  // the host's address is one that nothing is sent to; nothing was
	ClassProtocol Class = "protocol" // the connection broke, or the answer was no HTTP
)

// Classes lists every Class.
var Classes = []Class{
	Class2xx, Class3xx, Class4xx, Class429, Class5xx, ClassTimeout, ClassDNS, ClassConnect, ClassTLS, ClassBlocked, ClassProtocol,
}

// Attempt is the record of one HTTP request made for a delivery.
type Attempt struct {
	Event    uint64
	Endpoint uint64
	Epoch    uint64 // [Endpoint.Epoch] as the attempt began
	Number   int    // counted from 1
	Start    time.Time
	Duration time.Duration
	Status   int // 0 when there was no answer
	Outcome  Outcome
	Class    Class // empty where the request could not be built
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
