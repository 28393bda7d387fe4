package migration

import (
	"time"

	"hookline/engine/webhook"
)

// GiveUp is the age at which [Seed] gives a message up.
const GiveUp = 72 * time.Hour

// Seed is the platform's delivery policy: 200 within 5 seconds is an acknowledgement, and whatever else comes, or does
// not, the message is sent again; receivers are told to answer 4xx when they want that.
//
// When it is sent again is not published. The waits double from 10 to 320 seconds and then are 10 minutes, each
// lengthened at random by up to half, which makes 15 minutes the longest, and also the longest that a receiver can ask for
// with Retry-After. The platform knows no end; [GiveUp]
// sets one, and 0 in its place none.
func Seed() *webhook.Policy {
	return &webhook.Policy{
		ConnectTimeout: 5 * time.Second,
		Timeout:        5 * time.Second,
		Accept:         webhook.Statuses{webhook.OneStatus(200)},
		Retry:          webhook.Statuses{webhook.AnyStatus},
		Backoff: []time.Duration{
			10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second,
			320 * time.Second, 600 * time.Second,
		},
		Jitter: 0.5,
		Repeat: true,
		GiveUp: GiveUp,

		RetryAfter: webhook.RetryAfter{Max: 15 * time.Minute},
	}
}
