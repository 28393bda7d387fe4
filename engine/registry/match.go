package registry

import (
	"cmp"
	"slices"
	"time"

	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Scratch is what Match needs from call to call. It belongs to one goroutine at a time; the zero value
// is ready.
type Scratch struct {
	scanner event.Scanner
	event   matcher.Event
	ids     []matcher.ID
	matched []*webhook.Webhook
	index   *index // that of the last Match, until it is noted
}

// Match reads the body of an event of a tenant and returns what the body says of itself, and the
// webhooks that the event matches, ordered by endpoint and number. The webhooks are shared and must
// not be changed; the slice is the scratch's and good until its next use.
//
// Errors: webhook.ErrUnknownTenant; *event.Error where the body is not an event; or why the tenant's webhooks cannot be read.
func (r *Registry) Match(tenantID string, body []byte, now time.Time, s *Scratch) (event.Header, []*webhook.Webhook, error) {
	s.index = nil
	t := r.tenant(tenantID)
	if t == nil {
		return event.Header{}, nil, webhook.ErrUnknownTenant
	}
	for {
		has, err := r.stock(t)
		if err != nil {
			return event.Header{}, nil, err
		}
		x := r.index(has)
		view, plan := x.view()
		s.event.Reset(view)
		s.event.SetTime(now)
		header, err := s.scanner.Scan(body, plan, &s.event)
		if err != nil {
			return event.Header{}, nil, err
		}
		s.ids = view.Match(s.ids[:0], &s.event)
		var all bool
		s.matched, all = has.resolve(s.matched[:0], s.ids, r.Believed(now))
		// Webhooks that others have taken the place of since the view was taken are missing, and so are the others.
		if all || r.index(has).set.View() == view {
			slices.SortFunc(s.matched, ByEndpoint)
			s.index = x
			return header, s.matched, nil
		}
	}
}

// ByEndpoint orders webhooks by endpoint and number.
func ByEndpoint(a, b *webhook.Webhook) int {
	return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.ID, b.ID))
}

// resolve turns numbers into webhooks, without those that expired or went since the view was taken, and says whether
// none went.
func (s *stock) resolve(dst []*webhook.Webhook, ids []matcher.ID, now time.Time) (list []*webhook.Webhook, all bool) {
	if len(ids) == 0 {
		return dst, true
	}
	all = true
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	for _, id := range ids {
		switch w := s.webhooks[int64(id)]; {
		case w == nil:
			all = false
		case !w.Expired(now) && !w.Disabled():
			dst = append(dst, w)
		}
	}
	return dst, all
}
