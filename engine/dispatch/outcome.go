package dispatch

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"

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
	switch {
	case errors.As(err, &dial):
		return webhook.ConnectFailed
	case isTimeout(err):
		return webhook.Timeout
	default:
		return webhook.Broken
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// settlement turns the record of an attempt into what the queue is told. random is a number in [0, 1).
func settlement(r *webhook.Attempt, p *webhook.Policy, now time.Time, random float64) queue.Outcome {
	s := queue.Outcome{Status: r.Status, Attempted: true}
	switch r.Outcome {
	case webhook.Delivered:
		s.Verdict = queue.Done
	case webhook.Rejected:
		s.Verdict, s.Reason = queue.Dead, queue.Rejected
	case webhook.Unsendable:
		s.Verdict, s.Reason, s.Attempted = queue.Dead, queue.Unsendable, false
	default:
		wait, more := p.Wait(r.Number, now.Sub(r.Accepted), random)
		if more {
			s.Verdict, s.At = queue.Again, now.Add(wait)
		} else {
			s.Verdict, s.Reason = queue.Dead, queue.Exhausted
		}
	}
	return s
}
