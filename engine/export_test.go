package engine

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/engine/webhook"
)

// Idle says whether the sweep may remove an endpoint that no webhook leads to.
func (e *Engine) Idle(endpoint uint64) bool { return e.idle(endpoint) }

// Sweep does what the sweep does at a time, after one at another.
func (e *Engine) Sweep(last, now time.Time) { e.sweepOnce(context.Background(), last, now) }

// Misuse is how often the store found a key deleted in a way its contract excludes; 0 after Close.
func (e *Engine) Misuse() int64 { return e.store.Stats().Misuse }

// FlushTables writes what is in memory alone into tables.
func (e *Engine) FlushTables() error { return e.store.DB().Flush() }

// LosePayloads takes the stored payloads of all that is queued away.
func (e *Engine) LosePayloads() error {
	return e.store.DB().DeleteRange([]byte{'p'}, []byte{'p' + 1}, pebble.Sync)
}

// Count returns how many deliveries a selection selects, by the walk that a replay makes.
func (e *Engine) Count(ctx context.Context, tenant string, s webhook.Selection) (int, error) {
	selector, err := e.selector(tenant, s, time.Now())
	if err != nil {
		return 0, err
	}
	return e.count(ctx, selector)
}

// Rest has what is queued for a disabled endpoint rest, and Park parks it, as when it is disabled.
func (e *Engine) Rest(ep *webhook.Endpoint) {
	e.stops.any.Store(true)
	e.stops.parking.Store(ep.ID, ep.Epoch)
}

func (e *Engine) Park(ep *webhook.Endpoint) { e.park(ep) }

// Top returns the first n of hosts by an order.
func Top(all []HostState, order HostOrder, n int) []HostState {
	top := topHosts{order: order}
	for _, h := range all {
		top.offer(h, n)
	}
	return top.sorted()
}
