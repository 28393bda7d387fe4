package bench

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// Fault is a way in which a receiver can be bad.
type Fault string

// The faults.
const (
	BlackHole  Fault = "blackhole" // accepts connections, reads requests, and answers none
	Tarpit     Fault = "tarpit"    // answers one byte a second
	Resets     Fault = "reset"     // resets the connection when a request comes
	Fails      Fault = "500"       // answers 500
	Throttles  Fault = "429"       // answers 429 with a Retry-After of 2 seconds
	BadTLS     Fault = "tls"       // has a certificate that nobody signed, and so no connection comes about
	HangingDNS Fault = "dns"       // has a name whose look-up does not end
	Refuses    Fault = "refused"   // has nobody who listens
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{BlackHole, Tarpit, Resets, Fails, Throttles, BadTLS, HangingDNS, Refuses}
}

// faulty is a receiver that is bad.
type faulty interface {
	URL(path string) string
	Requests() int64    // that came in, or connections where no request can
	MaxInFlight() int64 // the most of them at one moment
	Close() error
}

// newFaulty makes the n-th receiver with a fault. names is needed for HangingDNS alone.
func newFaulty(fault Fault, n int, names *hangingNames) (faulty, error) {
	switch fault {
	case BlackHole:
		return newRawReceiver("http", (*rawReceiver).swallow)
	case Tarpit:
		return newRawReceiver("http", (*rawReceiver).drip)
	case Resets:
		return newRawReceiver("http", (*rawReceiver).reset)
	case BadTLS:
		return newBadTLS()
	case Fails:
		return NewReceiver(ReceiverOptions{Status: fasthttp.StatusInternalServerError})
	case Throttles:
		return NewReceiver(ReceiverOptions{Status: fasthttp.StatusTooManyRequests, RetryAfter: 2 * time.Second})
	case HangingDNS:
		return names.add(n), nil
	case Refuses:
		return vacant(n), nil
	}
	return nil, &ConfigError{fmt.Sprintf("%q is no fault; use some of %v", fault, Faults())}
}

// vacant is an address of the loopback network where nobody listens. The count stays 0: nobody is there to count.
type vacant int

func (v vacant) URL(path string) string {
	return fmt.Sprintf("http://127.66.%d.%d:1%s", v>>8, v&0xff, path)
}

func (vacant) Requests() int64    { return 0 }
func (vacant) MaxInFlight() int64 { return 0 }
func (vacant) Close() error       { return nil }
