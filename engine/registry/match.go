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
}

// Match reads the body of an event of a tenant and returns what the body says of itself, and the
// webhooks that the event matches, ordered by endpoint and number. The webhooks are shared and must
// not be changed; the slice is the scratch's and good until its next use.
//
// Errors: webhook.ErrUnknownTenant, or *event.Error where the body is not an event.
func (r *Registry) Match(tenantID string, body []byte, now time.Time, s *Scratch) (event.Header, []*webhook.Webhook, error) {
	t := r.tenant(tenantID)
	if t == nil {
		return event.Header{}, nil, webhook.ErrUnknownTenant
	}
	x := t.index.get(t)
	view, plan := x.view()
	s.event.Reset(view)
	s.event.SetTime(now)
	header, err := s.scanner.Scan(body, plan, &s.event)
	if err != nil {
		return event.Header{}, nil, err
	}
	s.ids = view.Match(s.ids[:0], &s.event)
	s.matched = t.resolve(s.matched[:0], s.ids, now)
	slices.SortFunc(s.matched, ByEndpoint)
	return header, s.matched, nil
}

// ByEndpoint orders webhooks by endpoint and number.
func ByEndpoint(a, b *webhook.Webhook) int {
	return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.ID, b.ID))
}

// resolve turns numbers into webhooks, without those that expired or went since the view was taken.
func (t *tenant) resolve(dst []*webhook.Webhook, ids []matcher.ID, now time.Time) []*webhook.Webhook {
	if len(ids) == 0 {
		return dst
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, id := range ids {
		if w := t.webhooks[int64(id)]; w != nil && !w.Expired(now) && !w.Disabled() {
			dst = append(dst, w)
		}
	}
	return dst
}
