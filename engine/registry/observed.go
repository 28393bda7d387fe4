package registry

import (
	"sync"
	"sync/atomic"
	"time"

	"hookline/matcher"
)

// observed is what the events tell of an index, from when it is built until it is dropped.
type observed struct {
	since time.Time

	events, candidates, tests, matched atomic.Int64

	mu      sync.RWMutex
	matches map[int64]int64 // by webhook: the minute since 1970 of its last match; without those that had none
}

func (o *observed) begin(now time.Time) { o.since, o.matches = now, map[int64]int64{} }

// Note records that the event that was matched last came in from outside, at a time: it counts for [Registry.Health]. Without
// Note the event is a trial.
func (s *Scratch) Note(now time.Time) {
	if s.index != nil {
		s.event.Note(now)
		s.index.observed.note(&s.event, s.matched, now)
		s.index = nil // which need not be kept alive until the next event
	}
}

// Candidates returns how many filters were looked at for the event that was matched last; see [matcher.Event.Candidates].
func (s *Scratch) Candidates() int { return s.event.Candidates() }

func (o *observed) note(ev *matcher.Event, matched []Matched, now time.Time) {
	o.events.Add(1)
	o.candidates.Add(int64(ev.Candidates()))
	o.tests.Add(int64(ev.Tests()))
	o.matched.Add(int64(len(matched)))
	if minute := now.Unix() / 60; !o.have(matched, minute) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, m := range matched {
			o.matches[m.Webhook] = max(o.matches[m.Webhook], minute)
		}
	}
}

// have says whether the webhooks are known to have matched in this minute or later. Most of those that match often do, so
// that events wait for each other once a minute.
func (o *observed) have(matched []Matched, minute int64) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, m := range matched {
		if o.matches[m.Webhook] < minute {
			return false
		}
	}
	return true
}

// lastMatch returns the time of the last match of a webhook, to the minute, and whether there was one.
func (o *observed) lastMatch(id int64) (at time.Time, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	minute, ok := o.matches[id]
	return time.Unix(minute*60, 0), ok
}

// forget drops what is known of webhooks that left the index.
func (o *observed) forget(ids []matcher.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		delete(o.matches, int64(id))
	}
}

// bytes is about what it takes beside the index.
func (o *observed) bytes() int {
	const entry = 36 // two numbers, and what maps leave free
	o.mu.RLock()
	defer o.mu.RUnlock()
	return entry * len(o.matches)
}
