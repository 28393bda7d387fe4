package dispatch

import (
	"math"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// retryAfter returns the wait that an answer asks for with Retry-After (RFC 9110, 10.2.3), 0 if with none: seconds, or a
// date. Both count from when the answer was given. For a date that is the answer's own Date where there is one, so that
// nothing depends on two clocks being in step, and otherwise the time now.
func retryAfter(h *fasthttp.ResponseHeader, now time.Time) time.Duration {
	value := h.Peek(fasthttp.HeaderRetryAfter)
	if len(value) == 0 {
		return 0
	}
	if seconds, ok := digits(value); ok {
		return seconds
	}
	until, ok := httpDate(string(value))
	if !ok {
		return 0
	}
	if answered, ok := httpDate(string(h.Peek(fasthttp.HeaderDate))); ok {
		now = answered
	}
	return max(0, until.Sub(now))
}

// digits reads delay-seconds. More than a Duration can hold is as much as it can.
func digits(b []byte) (time.Duration, bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	const most = math.MaxInt64 / uint64(time.Second)
	seconds, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil || seconds > most { // all digits, so an error means too many
		seconds = most
	}
	return time.Duration(seconds) * time.Second, true
}

// dateForms are the three forms of a date that a recipient has to understand (RFC 9110, 5.6.7).
var dateForms = [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}

func httpDate(s string) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
