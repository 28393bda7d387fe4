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
// between the last one still starts within the window. The time limits of 5 seconds to connect and 20 in
// all are those observed of Jira Cloud.
func Seed() *webhook.Policy {
	return &webhook.Policy{
		ConnectTimeout: 5 * time.Second,
		Timeout:        20 * time.Second,
		Accepts:        func(status int) bool { return status >= 200 && status < 300 },
		Retries:        retries,
		Backoff: []time.Duration{
			10 * time.Second, 30 * time.Second, 100 * time.Second, 240 * time.Second, 600 * time.Second,
		},
		Jitter: 0.5,
	}
}

func retries(status int) bool {
	switch status {
	case 408, 409, 425, 429:
		return true
	}
	return status >= 500 && status < 600
}
