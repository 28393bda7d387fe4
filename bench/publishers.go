package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"hookline/engine/webhook"
	"hookline/queue"
)

// publishers call Publish as fast as it returns, as long as the window has room.
type publishers struct {
	rig    *rig
	ledger *Ledger
	window chan struct{} // holds one token for each event that is accepted and not answered yet
	done   chan struct{}
	group  sync.WaitGroup
	once   sync.Once
	failed error
}

func newPublishers(r *rig) *publishers {
	p := &publishers{rig: r, window: make(chan struct{}, r.config.Window), done: make(chan struct{})}
	p.ledger = r.open(func(int64) { <-p.window })
	return p
}

func (p *publishers) start(ctx context.Context) {
	for range p.rig.config.Publishers {
		p.group.Go(func() { p.loop(ctx) })
	}
}

// stop ends the publishers and returns the first error that ended one of them before.
func (p *publishers) stop() error {
	p.end(nil)
	p.group.Wait()
	return p.failed
}

func (p *publishers) end(err error) {
	p.once.Do(func() {
		p.failed = err
		close(p.done)
	})
}

func (p *publishers) loop(ctx context.Context) {
	var body []byte
	for {
		select {
		case p.window <- struct{}{}:
		case <-p.done:
			return
		}
		sequence := p.rig.next.Add(1) - 1
		body = p.rig.workload.Body(body[:0], sequence)
		if err := p.rig.publish(ctx, p.ledger, sequence, body, time.Now()); err != nil {
			p.end(err)
			return
		}
	}
}

// publish publishes one event, which the ledger takes as sent at the given time. Where the engine asks
// for patience it waits and tries again, within the time that the ledger counts.
func (r *rig) publish(ctx context.Context, ledger *Ledger, sequence int64, body []byte, at time.Time) error {
	ledger.Sent(sequence, at)
	for {
		_, err := r.engine.Publish(ctx, webhook.Event{Tenant: rigTenant, Body: body})
		var busy *queue.OverloadedError
		if errors.As(err, &busy) && ctx.Err() == nil {
			wait(ctx, busy.RetryAfter)
			continue
		}
		if err != nil {
			ledger.Withdrawn(sequence)
		}
		return err
	}
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
