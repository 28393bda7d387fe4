package dispatch

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/egress"
	"hookline/engine/webhook"
	"hookline/queue"
)

// classify tells what an attempt came to, by the status of the answer or, without an answer, by the
// error.
func classify(status int, err error, p *webhook.Policy) webhook.Outcome {
	switch {
	case err != nil:
		return classifyError(err)
	case p.Accepts(status):
		return webhook.Delivered
	case !p.Retries(status):
		return webhook.Rejected
	case status == fasthttp.StatusTooManyRequests:
		return webhook.Throttled
	case status >= 500:
		return webhook.ServerError
	default:
		return webhook.Retriable
	}
}

func classifyError(err error) webhook.Outcome {
	var dial dialError
	var blocked *egress.BlockedError
	switch {
	case errors.As(err, &blocked):
		return webhook.Blocked
	case errors.As(err, &dial):
		return webhook.ConnectFailed
	case isTimeout(err):
		return webhook.Timeout
	default:
		return webhook.Broken
	}
}

// withoutAddresses is an error of a connection without the addresses of machines: that of the receiver, which may be
// inside the operator's network, that of this machine, and those of its name servers. The error is shown to the
// owner of the webhook.
func withoutAddresses(err error) error {
	if err == nil {
		return nil
	}
	var name *net.DNSError
	var op *net.OpError
	var dial *fasthttp.ErrDialWithUpstream
	switch {
	case errors.As(err, &name):
		why := "no answer of the name server"
		if name.IsNotFound {
			why = "no such host"
		}
		return &net.DNSError{Err: why, Name: name.Name, IsNotFound: name.IsNotFound, IsTimeout: name.IsTimeout, IsTemporary: name.IsTemporary}
	case errors.As(err, &op):
		return fmt.Errorf("%s: %w", op.Op, withoutAddresses(op.Err))
	case errors.As(err, &dial):
		return dial.Unwrap()
	}
	return err
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, fasthttp.ErrDialTimeout) || errors.As(err, &timeout) && timeout.Timeout() // the former has no method
}

// settlement turns the record of an attempt into what the queue is told. firstFailure is when the delivery failed first
// before, zero if it did not; random is a number in [0, 1).
func settlement(r *webhook.Attempt, p *webhook.Policy, firstFailure, now time.Time, random float64) queue.Outcome {
	s := queue.Outcome{Status: r.Status, Attempted: true}
	switch r.Outcome {
	case webhook.Delivered:
		s.Verdict = queue.Done
	case webhook.Rejected:
		s.Verdict, s.Reason = queue.Dead, queue.Rejected
	case webhook.Unsendable:
		s.Verdict, s.Reason, s.Attempted = queue.Dead, queue.Unsendable, false
	default:
		f := webhook.Failure{Attempt: r.Number, Age: now.Sub(r.Accepted), Asked: r.RetryAfter}
		if !firstFailure.IsZero() {
			f.Since = now.Sub(firstFailure)
		}
		if wait, more := p.Wait(f, random); more {
			s.Verdict, s.At = queue.Again, now.Add(wait)
		} else {
			s.Verdict, s.Reason = queue.Dead, queue.Exhausted
		}
	}
	return s
}
