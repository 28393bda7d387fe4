package engine

import (
	"context"
	"errors"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// Sizes of pages.
const (
	usualPage = 100
	maxPage   = 1000

	// maxVisited bounds how many entries are looked at for one page. Where few of them are asked for, the page is
	// short, or empty, and leads on all the same.
	maxVisited = 100_000
)

// page is one page of a list while it is made.
type page struct {
	limit   int
	items   int // so far
	visited int
	last    queue.Mark // of the entry that was visited last
	more    bool       // the list goes on
}

func newPage(limit int) page {
	if limit <= 0 {
		limit = usualPage
	}
	return page{limit: min(limit, maxPage)}
}

// visit is asked before an entry is looked at. It returns false where the page is over.
func (p *page) visit(m queue.Mark) bool {
	if p.items == p.limit || p.visited == maxVisited {
		p.more = true
		return false
	}
	p.visited++
	p.last = m
	return true
}

var errCursor = &webhook.InvalidError{Problem: "the cursor is none of this list's; use that of an answer as it is, or leave it out to begin anew"}

// scope is the endpoints of a tenant among which a list looks, and the webhook that it is about, 0 for all.
type scope struct {
	endpoints map[queue.EndpointID]*webhook.Endpoint
	ids       []queue.EndpointID // never nil
	webhook   int64
}

// scope returns the endpoints that deliveries for a webhook may have been queued for, or for any where it is 0. A
// webhook that is gone may have had any of them.
func (e *Engine) scope(tenant string, id int64) (scope, error) {
	if _, ok := e.registry.Tenant(tenant); !ok {
		return scope{}, webhook.ErrUnknownTenant
	}
	s := scope{endpoints: map[queue.EndpointID]*webhook.Endpoint{}, ids: []queue.EndpointID{}, webhook: id}
	list := e.registry.Endpoints(tenant)
	w, err := e.registry.Webhook(tenant, id)
	switch {
	case err == nil:
		list = nil
		if ep, ok := e.registry.Endpoint(w.Endpoint); ok {
			list = append(list, ep)
		}
	case !errors.Is(err, registry.ErrUnknownWebhook):
		return scope{}, err
	}
	for _, ep := range list {
		s.endpoints[queue.EndpointID(ep.ID)] = ep
		s.ids = append(s.ids, queue.EndpointID(ep.ID))
	}
	return s, nil
}

// flush waits until what was settled up to now is in sight.
func (e *Engine) flush(ctx context.Context) error { return closed(e.queue.Flush(ctx)) }

// closed makes one error of the two that parts of a closed engine have.
func closed(err error) error {
	if errors.Is(err, queue.ErrClosed) {
		return registry.ErrClosed
	}
	return err
}
