package webhook

import "time"

// StandardPolicy is what Standard Webhooks asks of senders (spec/standard-webhooks.md, "Deliverability and reliability"): every
// 2xx is success, everything else a failure, 410 ends the webhook, and its example of a schedule, ten attempts within
// three days. Retry-After is followed up to the longest of those waits. Each wait is lengthened at random by up to a fifth, and
// an attempt takes at most 20 of the recommended 15 to 30 seconds.
func StandardPolicy() *Policy {
	return &Policy{
		ConnectTimeout: 10 * time.Second,
		Timeout:        20 * time.Second,
		Accept:         Statuses{Any2xx},
		Retry:          Statuses{AnyStatus},
		StopOnGone:     true,
		Backoff: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
		Jitter:     0.2,
		RetryAfter: RetryAfter{Max: 24 * time.Hour},
	}
}
