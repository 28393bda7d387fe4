package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// replayPage is how many deliveries are read for a replay before the first of them is sent.
const replayPage = 256

// run carries out a replay from where it stands until it ends, or the engine closes.
func (e *Engine) run(r *replay) {
	e.metrics.replaysRunning.Inc()
	defer e.metrics.replaysRunning.Dec()
	err := e.replay(r)
	ended := r.now()
	switch {
	case err == nil:
		ended.State = webhook.ReplayDone
	case errors.Is(context.Cause(r.ctx), errCancelled):
		ended.State = webhook.ReplayCancelled
	case r.ctx.Err() != nil, errors.Is(err, registry.ErrClosed):
		return // it goes on when the directory is opened again
	default:
		ended.State, ended.Problem = webhook.ReplayFailed, err.Error()
		e.options.Logger.Error("a replay failed", "replay", ended.ID, "tenant", ended.Tenant, "err", err)
	}
	ended.Ended = time.Now().Round(0)
	if err := e.save(r, ended); err != nil {
		e.options.Logger.Error("the end of a replay was not written; it goes on after the next start", "replay", ended.ID, "tenant", ended.Tenant, "err", err)
	}
	e.metrics.replays[ended.State].Inc()
}

// save makes a replay durable as it is now, and shows it.
func (e *Engine) save(r *replay, row webhook.Replay) error {
	err := e.store.PutReplay(&row)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.row = row
	return err
}

// replay counts what is selected, where that was not done before, and sends it.
func (e *Engine) replay(r *replay) error {
	row := r.now()
	selector, err := e.selector(row.Tenant, row.Selection, row.Created)
	if err != nil {
		return err
	}
	if row.Selected < 0 {
		if row.Selected, err = e.count(r.ctx, selector); err != nil {
			return err
		}
		if err := e.save(r, row); err != nil {
			return err
		}
	}
	selector.after, err = queue.ParseMark(row.Mark)
	if err != nil {
		return err
	}
	pace := pace{rate: row.Rate}
	for {
		found, more, err := e.selected(r.ctx, selector, replayPage)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(found, pace.size()) {
			if err := e.send(r, part, &pace); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		row := r.now()
		row.Mark = selector.after.String()
		if err := e.save(r, row); err != nil {
			return err
		}
	}
}

// send queues deliveries again as soon as the pace allows, and then notes how far it has come. Queued and noted are two
// writes: a dead letter cannot be queued twice, as it is not there any more, and delivered ones are sent twice
// at worst.
func (e *Engine) send(r *replay, part []selected, pace *pace) error {
	if err := pace.wait(r.ctx); err != nil {
		return err
	}
	if err := e.awaitRoom(r.ctx); err != nil {
		return err
	}
	again := make([]queue.Resend, 0, len(part))
	for i := range part {
		if !e.disabled(uint64(part[i].again.Endpoint)) { // which it may have become since the page was read
			again = append(again, part[i].again)
		}
	}
	made, err := e.queue.Resend(r.ctx, again)
	if err != nil {
		return closed(err)
	}
	row, sent := r.now(), 0
	for _, ok := range made {
		if ok {
			sent++
		}
	}
	pace.sent(sent)
	e.metrics.resent(byReplay, sent)
	e.metrics.skipped.Add(float64(len(part) - sent))
	row.Sent += sent
	row.Skipped += len(part) - sent
	row.Mark = part[len(part)-1].mark.String()
	return e.save(r, row)
}

// awaitRoom returns when the disk has room for what is done in bulk, or ctx ends.
func (e *Engine) awaitRoom(ctx context.Context) error {
	for e.store.Space().Level == store.Scarce {
		again := pace{next: time.Now().Add(time.Second)}
		if err := again.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pace spreads deliveries evenly.
type pace struct {
	rate int       // a second
	next time.Time // not before then
}

// size is how many deliveries are sent at once: a tenth of a second's, and some hundreds at most.
func (p *pace) size() int { return min(max(p.rate/10, 1), replayPage) }

func (p *pace) sent(n int) {
	now := time.Now()
	if p.next.Before(now) {
		p.next = now // time that was not used is not caught up with
	}
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
}

func (p *pace) wait(ctx context.Context) error {
	if d := time.Until(p.next); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// selector finds the deliveries of a selection, from one that it found before on.
type selector struct {
	tenant string
	webhook.Selection
	events *registry.Selector // nil where bodies have no say
	now    time.Time          // of the filter
	after  queue.Mark
}

// selector checks a selection. The errors are those of CountReplay about it.
func (e *Engine) selector(tenant string, s webhook.Selection, now time.Time) (*selector, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := checkReason(s.Reason, s.Status); err != nil {
		return nil, err
	}
	selector := &selector{tenant: tenant, Selection: s, now: now}
	if _, ok := e.registry.Tenant(tenant); !ok {
		return nil, webhook.ErrUnknownTenant
	}
	if _, err := e.sendable(selector); err != nil {
		return nil, err
	}
	if s.JQL == "" && len(s.Events) == 0 {
		return selector, nil
	}
	var err error
	selector.events, err = e.registry.Selector(tenant, s.JQL, s.Events)
	return selector, err
}

// selected is a delivery that a selector found.
type selected struct {
	again queue.Resend
	mark  queue.Mark
}

// selected returns the next deliveries, oldest first, and whether there may be more. The selector is behind them then.
func (e *Engine) selected(ctx context.Context, s *selector, size int) (found []selected, more bool, err error) {
	endpoints, err := e.sendable(s)
	if err != nil || len(endpoints) == 0 {
		return nil, false, err
	}
	walk := queue.Select{Endpoints: endpoints, From: s.From, Until: s.Until, After: s.after, Oldest: true}
	p := page{limit: size}
	consider := func(again queue.Resend, mark queue.Mark) {
		if _, ok := e.owedTo(again.Note, s.Webhook); ok {
			found = append(found, selected{again, mark})
			p.items++
		}
	}
	visit := func(m queue.Mark) bool { return ctx.Err() == nil && p.visit(m) }
	if s.Status == webhook.StatusDead {
		err = e.queue.DeadLetters(walk, func(l queue.DeadLetter) bool {
			if !visit(l.Mark) {
				return false
			}
			if s.Reason == "" || s.Reason == reasonLabel(l.Reason) {
				consider(queue.Resend{Event: l.Event, Endpoint: l.Endpoint, Note: l.Note, Letter: &l}, l.Mark)
			}
			return true
		})
	} else {
		err = e.queue.Attempts(walk, func(l queue.LoggedAttempt) bool {
			if !visit(l.Mark) {
				return false
			}
			if r, ok := e.record(&l); ok && r.delivered() {
				consider(queue.Resend{Event: l.Event, Endpoint: l.Endpoint, Note: r.note}, l.Mark)
			}
			return true
		})
	}
	if err = cmp.Or(err, ctx.Err()); err == nil { // a walk that was cut short must not pass for one that came to its end
		found, err = e.byBody(ctx, s, found)
	}
	if p.visited > 0 {
		s.after = p.last
	}
	return found, p.more, closed(err)
}

// sendable returns the endpoints of a selection that are not disabled. The error is ErrStopped where it names a webhook whose
// endpoint is.
func (e *Engine) sendable(s *selector) ([]queue.EndpointID, error) {
	in, err := e.scope(s.tenant, s.Webhook)
	if err != nil {
		return nil, err
	}
	if w, err := e.registry.Webhook(s.tenant, s.Webhook); err == nil && e.disabled(w.Endpoint) {
		return nil, ErrStopped
	}
	return slices.DeleteFunc(in.ids, func(id queue.EndpointID) bool { return e.disabled(uint64(id)) }), nil
}

// byBody leaves of deliveries those whose events are selected by type and filter. Where these have no say the body may
// be gone; otherwise nobody can tell, and it is left out.
func (e *Engine) byBody(ctx context.Context, s *selector, found []selected) ([]selected, error) {
	if s.events == nil {
		return found, nil
	}
	kept := found[:0]
	for _, one := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		body, err := e.body(one.again.Event)
		if errors.Is(err, ErrNotKept) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.events.Selects(body, s.now) {
			kept = append(kept, one)
		}
	}
	return kept, nil
}

// count returns how many deliveries are selected behind where the selector is.
func (e *Engine) count(ctx context.Context, s *selector) (n int, err error) {
	from := s.after
	defer func() { s.after = from }()
	for more := true; more; {
		var found []selected
		if found, more, err = e.selected(ctx, s, replayPage); err != nil {
			return 0, err
		}
		n += len(found)
	}
	return n, nil
}
