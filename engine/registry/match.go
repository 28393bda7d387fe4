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
	matched []Matched
	index   *index // that of the last Match, until it is noted
}

// Matched is a webhook that an event is for, and where that leads to.
type Matched struct {
	Webhook  int64  // its number
	Endpoint uint64 // the number of its endpoint
}

// Match reads the body of an event of a tenant and returns what the body says of itself, and the
// webhooks that the event matches, ordered by endpoint and number. The slice is the scratch's and good until its next use.
//
// Errors: webhook.ErrUnknownTenant; *event.Error where the body is not an event; or why the tenant's webhooks cannot be read.
func (r *Registry) Match(tenantID string, body []byte, now time.Time, s *Scratch) (event.Header, []Matched, error) {
	s.index = nil
	t := r.tenant(tenantID)
	if t == nil {
		return event.Header{}, nil, webhook.ErrUnknownTenant
	}
	for {
		has, err := r.stock(t, forMatching)
		if err != nil {
			return event.Header{}, nil, err
		}
		x := has.index.Load()
		if x == nil {
			continue // it was dropped meanwhile
		}
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
		if all || has.index.Load() == x && x.set.View() == view {
			slices.SortFunc(s.matched, Matched.Compare)
			s.index = x
			return header, s.matched, nil
		}
	}
}

// Compare orders webhooks by endpoint and number.
func (m Matched) Compare(other Matched) int {
	return cmp.Or(cmp.Compare(m.Endpoint, other.Endpoint), cmp.Compare(m.Webhook, other.Webhook))
}

// resolve appends those of the webhooks with certain numbers that have not expired or gone since the view was taken, and says whether
// none went.
func (s *stock) resolve(dst []Matched, ids []matcher.ID, now time.Time) (list []Matched, all bool) {
	if len(ids) == 0 {
		return dst, true
	}
	all = true
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	for _, id := range ids {
		switch sub, ok := s.subscribers[int64(id)]; {
		case !ok:
			all = false
		case !sub.disabled && !sub.expired(now):
			dst = append(dst, Matched{int64(id), sub.endpoint})
		}
	}
	return dst, all
}
