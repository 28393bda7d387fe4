package registry

import (
	"time"

	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/matcher"
)

// Selector decides on stored events as a webhook that is registered for certain types under a filter would. It belongs
// to one goroutine at a time.
type Selector struct {
	view    *matcher.View
	plan    *event.Plan
	scanner event.Scanner
	event   matcher.Event
	ids     []matcher.ID
}

// Selector returns what selects the events of a tenant by type and by a filter of the extended dialect; either may be
// empty, which selects all. Errors: webhook.ErrUnknownTenant; *jql.SyntaxError or *jql.CheckError about the filter.
func (r *Registry) Selector(tenantID, filter string, events []string) (*Selector, error) {
	env, ok := r.Env(tenantID)
	if !ok {
		return nil, webhook.ErrUnknownTenant
	}
	_, compiled, err := Compile(filter, jql.Extended(env))
	if err != nil {
		return nil, err
	}
	x := matcher.New()
	x.Update([]matcher.Entry{{ID: 1, Filter: Condition(events, compiled)}}, nil)
	s := &Selector{view: x.View()}
	s.plan = event.NewPlan(s.view.Fields(), env)
	return s, nil
}

// Selects says whether an event is selected at a time. One whose body is not in the form of Jira's is not.
func (s *Selector) Selects(body []byte, now time.Time) bool {
	s.event.Reset(s.view)
	s.event.SetTime(now)
	if _, err := s.scanner.Scan(body, s.plan, &s.event); err != nil {
		return false
	}
	s.ids = s.view.Match(s.ids[:0], &s.event)
	return len(s.ids) > 0
}

// TypeOf returns the type of an event whose body is in the form of Jira's, "" for another body.
func TypeOf(body []byte) string {
	var s event.Scanner
	var ev matcher.Event
	header, err := s.Scan(body, event.NewPlan(nil, jql.Env{}), &ev)
	if err != nil {
		return ""
	}
	return header.Type
}
