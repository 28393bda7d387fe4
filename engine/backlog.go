package engine

import (
	"context"
	"time"

	"hookline/queue"
)

// Backlog is how many deliveries of a tenant wait, or were given up.
type Backlog struct {
	Waiting, Dead Tally
}

// Tally is a count of deliveries, up to a bound.
type Tally struct {
	Count int
	More  bool // there are more than Count

	// Oldest is when the first of the waiting is or was due, or the first of the dead was given up; zero where there
	// are none.
	Oldest time.Time
}

// maxTally bounds what one Backlog reads.
const maxTally = 10_000

// Backlog counts the deliveries of a tenant, up to 10,000 of each kind. Errors: webhook.ErrUnknownTenant,
// registry.ErrClosed, or ctx.Err().
func (e *Engine) Backlog(ctx context.Context, tenant string) (b Backlog, err error) {
	s, err := e.scope(tenant, 0)
	if err != nil {
		return b, err
	}
	if err := e.flush(ctx); err != nil {
		return b, err
	}
	err = e.queue.Waiting(queue.Select{Endpoints: s.ids}, func(w queue.WaitingDelivery) bool { return b.Waiting.add(ctx, w.Due) })
	if err != nil {
		return b, closed(err)
	}
	err = e.queue.DeadLetters(queue.Select{Endpoints: s.ids, Oldest: true}, func(l queue.DeadLetter) bool { return b.Dead.add(ctx, l.Died) })
	if err == nil {
		err = ctx.Err()
	}
	return b, closed(err)
}

// add counts one more, the oldest first, and says whether to go on.
func (t *Tally) add(ctx context.Context, at time.Time) bool {
	if t.Count == maxTally {
		t.More = true
		return false
	}
	if t.Count == 0 || at.Before(t.Oldest) { // those in line may be due later than at their place
		t.Oldest = at
	}
	t.Count++
	return ctx.Err() == nil
}
