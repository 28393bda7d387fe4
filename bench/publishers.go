package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"hookline/engine"
	"hookline/engine/webhook"
	"hookline/queue"
)

// publishers call Publish as fast as it returns, as long as the window has room.
type publishers struct {
	rig    *rig
	engine *engine.Engine
	ledger *Ledger
	group  sync.WaitGroup
	done   chan struct{}
	once   sync.Once
	failed error

	// window holds one token for each delivery that is accepted and not answered yet. Where an event takes several, they are
	// taken together: two publishers that each hold a part could wait for each other for ever.
	window chan struct{}
	taking sync.Mutex
}

// newPublishers begins an account and prepares publishers. The window is a number of deliveries.
func newPublishers(r *rig, e *engine.Engine, window int) *publishers {
	p := &publishers{rig: r, engine: e, window: make(chan struct{}, window), done: make(chan struct{})}
	p.ledger = r.newLedger(r.options.fanout, func() { <-p.window })
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
	var buffer []byte
	for p.room() {
		sequence := p.rig.next.Add(1) - 1
		ev := p.rig.event(buffer[:0], sequence)
		buffer = ev.Body
		if err := publish(ctx, p.engine, p.ledger, sequence, ev, time.Now()); err != nil {
			p.end(err)
			return
		}
	}
}

// room waits for room for an event, and reports false at the end.
func (p *publishers) room() bool {
	if p.rig.options.fanout > 1 {
		p.taking.Lock()
		defer p.taking.Unlock()
	}
	for range p.rig.options.fanout {
		select {
		case p.window <- struct{}{}:
		case <-p.done:
			return false
		}
	}
	return true
}

// publish publishes one event, which was due at the given time. Where the engine asks
// for patience it waits and tries again, within the time that the ledger counts.
func publish(ctx context.Context, e *engine.Engine, ledger *Ledger, sequence int64, ev webhook.Event, due time.Time) error {
	ledger.Sent(sequence, due)
	for {
		_, err := e.Publish(ctx, ev)
		var busy *queue.OverloadedError
		switch {
		case err == nil:
			ledger.Accepted(sequence, time.Now())
			return nil
		case errors.As(err, &busy) && ctx.Err() == nil:
			wait(ctx, busy.RetryAfter)
		default:
			ledger.Withdrawn(sequence)
			return err
		}
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
