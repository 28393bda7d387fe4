package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// Errors about replays.
var (
	ErrUnknownReplay = errors.New("unknown replay")
	// ErrReplayEnded is about a replay that cannot be cancelled any more.
	ErrReplayEnded = errors.New("the replay has ended")
	// ErrTooManyReplays is about a tenant that has as many replays running as it may have.
	ErrTooManyReplays = errors.New("too many replays are running; wait for one to end, or cancel one")
)

const (
	// maxReplays bounds the replays that run in one tenant at a time.
	maxReplays = 10

	// keepReplays is how long a replay that has ended is listed.
	keepReplays = 30 * 24 * time.Hour
)

// replays are the replays of all tenants, running and ended.
type replays struct {
	ctx context.Context // ends when the engine closes
	end context.CancelFunc

	running sync.WaitGroup
	mu      sync.Mutex
	byID    map[string]*replay // nil once the engine closes
}

// replay is one of them with its goroutine. The mutex guards row; the goroutine alone changes it.
type replay struct {
	mu     sync.Mutex
	row    webhook.Replay
	ctx    context.Context
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when the goroutine has ended
}

// errCancelled is why the context of a replay ends that was cancelled.
var errCancelled = errors.New("cancelled")

func (r *replay) now() webhook.Replay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.row
}

// readReplays reads the replays that are kept. Those of tenants that are gone are forgotten.
func (e *Engine) readReplays() error {
	rows, err := e.store.Replays()
	if err != nil {
		return err
	}
	e.replays.ctx, e.replays.end = context.WithCancel(context.Background())
	e.replays.byID = map[string]*replay{}
	var gone []*webhook.Replay
	for _, row := range rows {
		if t, ok := e.registry.Tenant(row.Tenant); ok && t.Generation == row.Generation {
			e.replays.byID[row.ID] = &replay{row: *row, ended: make(chan struct{})}
		} else {
			gone = append(gone, row)
		}
	}
	return e.store.DeleteReplays(gone)
}

// resumeReplays goes on with the replays that were running when the engine was closed, or ended without being asked.
func (e *Engine) resumeReplays() {
	for _, r := range e.replays.byID {
		e.launch(r)
	}
}

// launch runs a replay if it has not ended.
func (e *Engine) launch(r *replay) {
	if r.row.State != webhook.ReplayRunning {
		close(r.ended)
		return
	}
	r.ctx, r.cancel = context.WithCancelCause(e.replays.ctx)
	e.replays.running.Go(func() {
		defer close(r.ended)
		e.run(r)
	})
}

// close ends the goroutines of all replays. Those that were running go on when the directory is opened again.
func (r *replays) close() {
	r.mu.Lock()
	r.byID = nil
	r.mu.Unlock()
	r.end()
	r.running.Wait()
}

// CountReplay returns how many deliveries a replay would select at present. Nothing is changed.
//
// Errors: webhook.ErrUnknownTenant; *webhook.InvalidError about the selection, *jql.SyntaxError and *jql.CheckError
// about its filter; [ErrStopped] where the selection names a webhook whose endpoint is disabled; registry.ErrClosed;
// ctx.Err(). Deliveries to other endpoints that are disabled are not selected.
func (e *Engine) CountReplay(ctx context.Context, tenant string, s webhook.Selection) (int, error) {
	selector, err := e.selector(tenant, s, time.Now())
	if err != nil {
		return 0, err
	}
	if err := e.flush(ctx); err != nil {
		return 0, err
	}
	return e.count(ctx, selector)
}

// StartReplay begins to send deliveries of a tenant again that ended before now: with their identifiers, attempts
// counted from 1, at most rate a second (0 means 100, at most 10,000), and in a lane that gives way to fresh deliveries
// of each endpoint. When it returns nil the replay is durable: it goes on after a restart or a crash, which may
// repeat the deliveries of up to a tenth of a second where these were delivered ones. Dead letters are none any
// more once they are queued again, so that none is sent twice.
//
// What is selected and leads to an endpoint that is disabled meanwhile stays as it is, and is skipped; a replay of that
// webhook alone fails when it is to select more. A receiver is sent what is queued as fast as it takes it, and the rate is
// that of queueing. Ended replays are listed for 30 days.
//
// Errors: those of CountReplay; *webhook.InvalidError about the rate; [ErrTooManyReplays]; registry.ErrReadOnly where the
// disk is short of room (store.Scarce), which replays that are running wait for.
func (e *Engine) StartReplay(ctx context.Context, tenant string, s webhook.Selection, rate int) (webhook.Replay, error) {
	now := time.Now().Round(0) // as it reads from the store
	rate, err := webhook.CheckRate(rate)
	if err != nil {
		return webhook.Replay{}, err
	}
	if _, err := e.selector(tenant, s, now); err != nil {
		return webhook.Replay{}, err
	}
	if e.store.Space().Level == store.Scarce {
		return webhook.Replay{}, registry.ErrReadOnly
	}
	if err := e.flush(ctx); err != nil {
		return webhook.Replay{}, err
	}
	if end := e.queue.Now(); s.Until.IsZero() || s.Until.After(end) {
		s.Until = end // so that it does not come to what it sent itself
	}
	e.replays.mu.Lock()
	defer e.replays.mu.Unlock()
	if e.replays.byID == nil {
		return webhook.Replay{}, registry.ErrClosed
	}
	// Under the mutex, as DeleteTenant forgets the tenant's replays after the tenant is gone from here.
	t, ok := e.registry.Tenant(tenant)
	if !ok {
		return webhook.Replay{}, webhook.ErrUnknownTenant
	}
	row := webhook.Replay{
		ID: rand.Text(), Tenant: tenant, Generation: t.Generation, Selection: s, Rate: rate,
		State: webhook.ReplayRunning, Selected: -1, Created: now,
	}
	if e.replays.runningIn(tenant) >= maxReplays {
		return webhook.Replay{}, ErrTooManyReplays
	}
	if err := e.store.PutReplay(&row); err != nil {
		return webhook.Replay{}, err
	}
	r := &replay{row: row, ended: make(chan struct{})}
	e.replays.byID[row.ID] = r
	e.launch(r)
	return row, nil
}

// runningIn counts the replays that run in a tenant. The caller holds the mutex.
func (r *replays) runningIn(tenant string) (n int) {
	for _, one := range r.byID {
		if row := one.now(); row.Tenant == tenant && row.State == webhook.ReplayRunning {
			n++
		}
	}
	return n
}

// Replays returns the replays of a tenant, the one that was started last first.
func (e *Engine) Replays(tenant string) []webhook.Replay {
	e.replays.mu.Lock()
	defer e.replays.mu.Unlock()
	var list []webhook.Replay
	for _, r := range e.replays.byID {
		if row := r.now(); row.Tenant == tenant {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b webhook.Replay) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Replay returns one replay of a tenant. Errors: [ErrUnknownReplay].
func (e *Engine) Replay(tenant, id string) (webhook.Replay, error) {
	r, err := e.replays.find(tenant, id)
	if err != nil {
		return webhook.Replay{}, err
	}
	return r.now(), nil
}

func (r *replays) find(tenant, id string) (*replay, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.byID[id]
	if one == nil || one.now().Tenant != tenant {
		return nil, ErrUnknownReplay
	}
	return one, nil
}

// CancelReplay ends a replay of a tenant and returns what has become of it; that is durable. What it queued stays
// queued. Errors: [ErrUnknownReplay]; [ErrReplayEnded]; ctx.Err(), after which it ends all the same.
func (e *Engine) CancelReplay(ctx context.Context, tenant, id string) (webhook.Replay, error) {
	r, err := e.replays.find(tenant, id)
	if err != nil {
		return webhook.Replay{}, err
	}
	if r.now().State != webhook.ReplayRunning {
		return webhook.Replay{}, ErrReplayEnded
	}
	r.cancel(errCancelled)
	select {
	case <-r.ended:
	case <-ctx.Done():
		return webhook.Replay{}, ctx.Err()
	}
	switch row := r.now(); row.State {
	case webhook.ReplayCancelled:
		return row, nil
	case webhook.ReplayRunning: // the engine closed before it
		return webhook.Replay{}, registry.ErrClosed
	default:
		return webhook.Replay{}, ErrReplayEnded
	}
}

// forgetReplays ends and removes the replays that a condition holds for. What cannot be removed from the disk is gone
// from the lists all the same, and removed when it is read again.
func (e *Engine) forgetReplays(condition func(*webhook.Replay) bool) {
	gone := e.replays.take(condition)
	rows := make([]*webhook.Replay, len(gone))
	for i, r := range gone {
		if r.cancel != nil {
			r.cancel(errCancelled)
		}
		<-r.ended
		row := r.now()
		rows[i] = &row
	}
	if err := e.store.DeleteReplays(rows); err != nil {
		e.options.Logger.Error("replays were not removed", "err", err)
	}
}

// take removes the replays that a condition holds for.
func (r *replays) take(condition func(*webhook.Replay) bool) (taken []*replay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, one := range r.byID {
		if row := one.now(); condition(&row) {
			taken = append(taken, one)
			delete(r.byID, id)
		}
	}
	return taken
}
