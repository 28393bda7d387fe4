package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hookline/engine/webhook"
	"hookline/queue"
)

// Attempt is what is kept of one request that was made for a delivery.
type Attempt struct {
	Delivery string // the identifier
	Endpoint *webhook.Endpoint
	Webhooks []int64 // of the delivery
	Lane     queue.Lane
	Number   int // counted from 1, and from 1 again where the delivery was sent again by hand

	Start    time.Time
	Duration time.Duration
	Outcome  webhook.Outcome
	Code     int       // the answer's status, 0 where there was none
	Problem  string    // what went wrong where there was none
	Answer   []byte    // the beginning of the answer's body, at most 256 bytes
	Settled  bool      // no further attempt followed
	Next     time.Time // when the next one was due; zero where there was none

	Sent, Received int // bytes of the bodies
}

// AttemptQuery selects attempts of a tenant. What is left empty selects all.
type AttemptQuery struct {
	Webhook     int64
	Outcome     webhook.Outcome
	Code        int
	From, Until time.Time // when the attempt ended: [From, Until)

	Limit  int    // of a page: at most 1000; 0 means 100
	Cursor string // from the page before
}

// Attempts lists the attempts at a tenant's deliveries, beginning with the one that ended last, as long as they are
// kept (Options.KeepAttempts). next and errors are those of [Engine.Deliveries].
func (e *Engine) Attempts(ctx context.Context, tenant string, q AttemptQuery) (list []Attempt, next string, err error) {
	if q.Outcome != "" && !slices.Contains(webhook.Outcomes, q.Outcome) {
		return nil, "", &webhook.InvalidError{Problem: fmt.Sprintf("there is no outcome %q; use one of %v", q.Outcome, webhook.Outcomes)}
	}
	after, err := queue.ParseMark(q.Cursor)
	if err != nil {
		return nil, "", errCursor
	}
	s, err := e.scope(tenant, q.Webhook)
	if err != nil || len(s.ids) == 0 {
		return nil, "", err
	}
	if err := e.flush(ctx); err != nil {
		return nil, "", err
	}
	p := newPage(q.Limit)
	walk := queue.Select{Endpoints: s.ids, From: q.From, Until: q.Until, After: after}
	err = e.queue.Attempts(walk, func(l queue.LoggedAttempt) bool {
		if ctx.Err() != nil || !p.visit(l.Mark) {
			return false
		}
		if a, ok := e.attempt(&l, &s); ok && (q.Outcome == "" || q.Outcome == a.Outcome) && (q.Code == 0 || q.Code == a.Code) {
			list = append(list, a)
			p.items++
		}
		return true
	})
	if err = cmp.Or(closed(err), ctx.Err()); err != nil || !p.more {
		return list, "", err
	}
	return list, p.last.String(), nil
}

// attempt reads an entry of the attempt log. It returns false for one that is not in scope, or cannot be read.
func (e *Engine) attempt(l *queue.LoggedAttempt, s *scope) (Attempt, bool) {
	r, ok := e.record(l)
	if !ok {
		return Attempt{}, false
	}
	number := l.Number
	if r.outcome == webhook.Unsendable {
		number++ // the queue counts the attempts that were made
	}
	ids, ok := e.owedTo(r.note, s.webhook)
	return Attempt{
		Delivery: e.names.delivery(l.Event, l.Endpoint), Endpoint: s.endpoints[l.Endpoint], Webhooks: ids, Lane: l.Lane,
		Number: number, Start: r.start, Duration: r.duration, Outcome: r.outcome, Code: r.status, Problem: r.problem,
		Answer: r.answer, Settled: r.settled, Next: r.next, Sent: r.sent, Received: r.received,
	}, ok
}
