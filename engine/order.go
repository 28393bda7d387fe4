package engine

import (
	"context"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"hookline/engine/event"
	"hookline/engine/webhook"
)

// orders knows whether any endpoint may have an order, so that fan-out need not ask for each where none ever had one.
type orders struct{ any atomic.Bool }

// orderOf returns the order of what is queued for an endpoint.
func (e *Engine) orderOf(endpoint uint64) webhook.Order {
	if !e.orders.any.Load() {
		return webhook.Unordered
	}
	ep, ok := e.registry.Endpoint(endpoint)
	if !ok {
		return webhook.Unordered
	}
	return ep.Order
}

// subject is what the event of a publication is about. It is read from the body when an endpoint is first found that
// has an order.
type subject struct {
	body []byte // nil: of a system without issues and projects
	typ  string
	read bool
	event.Subject
}

// orderKey is the key under which deliveries of the event wait for each other at an endpoint, 0 where they do not.
func (s *subject) orderKey(o webhook.Order) uint64 {
	if o != webhook.Unordered && !s.read {
		s.read = true
		if s.body != nil {
			s.Subject = event.SubjectOf(s.body, s.typ)
		}
	}
	switch {
	case o == webhook.FullOrder:
		return hashOrder("all")
	case o == webhook.IssueOrder && s.Issue != "":
		return hashOrder("issue " + s.Issue)
	case o == webhook.ProjectOrder && s.Project != "":
		return hashOrder("project " + s.Project)
	}
	return 0
}

// hashOrder never returns 0. Two keys of one hash only wait for each other for no need.
func hashOrder(text string) uint64 { return max(xxhash.Sum64String(text), 1) }

// SetOrder says which deliveries of a webhook are made one after the other, in the order in which their events were
// accepted: those of one issue, of one project, or all. Each is attempted only when those before it were
// delivered or given up, so one that fails holds up those behind it, for as long as it is retried; no other
// waits. Events of other systems than Jira have neither issue nor project; for them there is webhook.FullOrder alone.
//
// It holds for the webhook's endpoint, as of SetPolicy, and for what is accepted after it returns; among that and what
// was accepted before there is no order, unless it was the same. What is sent again by hand has none. Errors as of Change.
func (e *Engine) SetOrder(ctx context.Context, tenant string, id int64, o webhook.Order) error {
	return e.Change(ctx, tenant, id, Change{Order: &o})
}
