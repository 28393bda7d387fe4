package arcxp

import (
	"time"

	"hookline/engine/webhook"
)

// Default is the delivery policy, of which Migration Center's pages say nothing: every 2xx is success; 408, 425, 429, every
// 5xx, and connections that fail or time out after 10 seconds are attempted again, 8 attempts in all. The waits double
// from 10 seconds on, each lengthened at random by up to a quarter, so that none is longer than 15 minutes,
// which is also the longest that a receiver can ask for with Retry-After.
func Default() *webhook.Policy {
	p := &webhook.Policy{
		ConnectTimeout: 10 * time.Second,
		Timeout:        10 * time.Second,
		Accept:         webhook.Statuses{webhook.Any2xx},
		Retry:          webhook.Statuses{webhook.OneStatus(408), webhook.OneStatus(425), webhook.OneStatus(429), webhook.Any5xx},
		Jitter:         0.25,
		RetryAfter:     webhook.RetryAfter{Max: 15 * time.Minute},
	}
	for wait := 10 * time.Second; len(p.Backoff) < 7; wait *= 2 {
		p.Backoff = append(p.Backoff, wait)
	}
	return p
}
