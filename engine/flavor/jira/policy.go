package jira

import (
	"time"

	"hookline/engine/webhook"
)

// Seed is the delivery policy that the 2019 guide states: every 2xx is success; 408, 409, 425, 429, every
// 5xx, and connections that fail or time out are attempted again, up to five times, with a randomised
// exponential backoff whose first wait is at least 10 seconds and whose last attempt starts
// between 15 and 30 minutes after the first failure.
//
// The waits are 10, 30, 100, 240 and 600 seconds, each lengthened at random by up to half. They add up
// to between 16.3 and 24.5 minutes, so that with four attempts that take the whole 20 seconds in
// between the last one still starts within the window. Where deliveries had to wait for other reasons, waits are cut short
// to keep it, with half a minute to spare. The guide does not mention Retry-After; a receiver may ask for longer
// waits as far as the window has room. The time limits of 5 seconds to connect and 20 in
// all are those observed of Jira Cloud.
func Seed() *webhook.Policy {
	p := Current()
	p.Backoff = []time.Duration{
		10 * time.Second, 30 * time.Second, 100 * time.Second, 240 * time.Second, 600 * time.Second,
	}
	p.Jitter = 0.5
	p.LastBy = 29*time.Minute + 30*time.Second
	return p
}

// Current is the policy that Jira's documentation states now: answers are told apart as in [Seed], and each of up to five retries
// comes 5 to 15 minutes, at random, after the attempt before. A receiver may ask for up to 15 minutes.
func Current() *webhook.Policy {
	return &webhook.Policy{
		ConnectTimeout: 5 * time.Second,
		Timeout:        20 * time.Second,
		Accept:         webhook.Statuses{webhook.Any2xx},
		Retry: webhook.Statuses{
			webhook.OneStatus(408), webhook.OneStatus(409), webhook.OneStatus(425), webhook.OneStatus(429), webhook.Any5xx,
		},
		Backoff:    []time.Duration{5 * time.Minute, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		Jitter:     2,
		RetryAfter: webhook.RetryAfter{Max: 15 * time.Minute},
	}
}
