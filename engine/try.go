package engine

import (
	"slices"
	"time"

	"hookline/engine/webhook"
)

// Trial is what Publish would make of an event.
type Trial struct {
	Type       string  // the event's webhookEvent
	Matched    int     // webhooks that it matches
	Webhooks   []int64 // these, and those that post-functions would fire, ascending
	Deliveries int     // requests that would be owed for them
}

// Try says what Publish would make of an event, and writes, sends and counts nothing. Its errors are those of Publish
// about the tenant and the event. Whether the key was used before, and whether there is room, shows when it is
// published.
func (e *Engine) Try(ev webhook.Event) (Trial, error) {
	p := e.publications.Get().(*publication)
	defer e.publications.Put(p)
	p.reset()
	p.trial = true
	receipt, err := e.check(p, &ev, time.Now())
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Type: receipt.Type, Matched: receipt.Matched, Deliveries: len(p.targets)}
	for _, target := range p.targets {
		if t.Webhooks, err = appendIDs(t.Webhooks, target.Note); err != nil {
			return Trial{}, err
		}
	}
	slices.Sort(t.Webhooks)
	t.Webhooks = slices.Compact(t.Webhooks) // one may match and be fired
	return t, nil
}
