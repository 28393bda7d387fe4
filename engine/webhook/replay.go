package webhook

import (
	"time"
)

// Status is where a delivery stands.
type Status string

// The statuses of a delivery.
const (
	StatusWaiting   Status = "waiting"   // to be attempted, now or later
	StatusDead      Status = "dead"      // given up
	StatusDelivered Status = "delivered" // its receiver accepted it
)

// Selection is what a replay sends again: deliveries of one tenant that ended in one way. What is left empty selects
// all.
type Selection struct {
	// Status is [StatusDead] or [StatusDelivered].
	Status Status `json:"status"`
	// Webhook is one that the delivery was owed to.
	Webhook int64 `json:"webhook,omitempty"`
	// Reason is why the delivery was given up, as the metrics name it: "exhausted", "rejected" and so on.
	Reason string `json:"reason,omitempty"`
	// From and Until bound the time at which the delivery ended: [From, Until).
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Events and JQL select by the event's stored body, as those of a webhook would: types of events, and a filter
	// of the extended dialect. Either leaves out the events of other systems than Jira.
	Events []string `json:"events,omitempty"`
	JQL    string   `json:"jql,omitempty"`
}

// maxSelectedEvents bounds the types of events that a selection names.
const maxSelectedEvents = 200

// Validate reports what is wrong with the selection, its reason and filter aside, as an [*InvalidError].
func (s *Selection) Validate() error {
	switch {
	case s.Status != StatusDead && s.Status != StatusDelivered:
		return invalid("status is %q; use dead or delivered", s.Status)
	case s.Webhook < 0:
		return invalid("webhook is %d; use the number of one", s.Webhook)
	case s.Reason != "" && s.Status != StatusDead:
		return invalid("a reason is what a dead delivery has; leave it out, or use the status dead")
	case !s.From.IsZero() && !s.Until.IsZero() && !s.From.Before(s.Until):
		return invalid("since is not before until")
	case len(s.Events) > maxSelectedEvents:
		return invalid("%d types of events; at most %d are allowed", len(s.Events), maxSelectedEvents)
	}
	for i, name := range s.Events {
		if name == "" || len(name) > 255 {
			return invalid("events[%d] has %d bytes; use the name of a type of events", i, len(name))
		}
	}
	return nil
}

// ReplayState is what has become of a replay.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning   ReplayState = "running"
	ReplayDone      ReplayState = "done"      // all that was selected has been dealt with
	ReplayCancelled ReplayState = "cancelled" // ended by hand before that
	ReplayFailed    ReplayState = "failed"    // ended by an error before that
)

// Rates of a replay, in deliveries per second.
const (
	DefaultReplayRate = 100
	MaxReplayRate     = 10_000
)

// Replay is a range of deliveries that is sent again by hand, at a steady rate and behind all fresh ones.
type Replay struct {
	ID         string    `json:"id"`
	Tenant     string    `json:"tenant"`
	Generation uint64    `json:"generation"` // of the tenant
	Selection  Selection `json:"selection"`
	Rate       int       `json:"rate"` // deliveries per second, 1 to MaxReplayRate

	State   ReplayState `json:"state"`
	Problem string      `json:"problem,omitempty"` // why it failed

	// Selected is how many deliveries were found before the first was sent, -1 as long as they are being counted.
	Selected int `json:"selected"`
	// Sent counts those that were queued again; Skipped those that could not be, as their body is not kept any
	// more or they were on their way already. What was done just before a crash may be missing in both.
	Sent    int `json:"sent"`
	Skipped int `json:"skipped"`

	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`

	// Mark is how far it has come in the queue's list, in the queue's own spelling.
	Mark string `json:"mark,omitempty"`
}

// CheckRate returns the rate to use for one that was asked for, where 0 asks for the default.
func CheckRate(rate int) (int, error) {
	if rate == 0 {
		return DefaultReplayRate, nil
	}
	if rate < 0 || rate > MaxReplayRate {
		return 0, invalid("rate is %d; use 1 to %d deliveries per second", rate, MaxReplayRate)
	}
	return rate, nil
}
