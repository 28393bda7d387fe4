package jira_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
)

func TestPolicyStatuses(t *testing.T) {
	t.Parallel()
	p := jira.Seed()
	retried := []int{408, 409, 425, 429}
	for status := 0; status < 1000; status++ {
		accepts := status >= 200 && status < 300
		retries := slices.Contains(retried, status) || status >= 500 && status < 600
		if p.Accepts(status) != accepts || p.Retries(status) != retries {
			t.Errorf("status %d: accepts %v, retries %v", status, p.Accepts(status), p.Retries(status))
		}
	}
	if p.ConnectTimeout != 5*time.Second || p.Timeout != 20*time.Second {
		t.Errorf("timeouts %v and %v", p.ConnectTimeout, p.Timeout)
	}
}

// Jira promises: up to five retries, the first at least 10 seconds after the failure, the last between 15 and 30
// minutes after the first failure. It holds whatever is drawn, and however long the attempts in between take.
func TestPolicyWindow(t *testing.T) {
	t.Parallel()
	p := jira.Seed()
	random := rand.New(rand.NewPCG(7, 11))
	draws := []func() float64{random.Float64, func() float64 { return 0 }, func() float64 { return 1 - 1e-16 }}
	for range 20_000 {
		draw := draws[random.IntN(len(draws))]
		var elapsed, last time.Duration // since the first failure; the wait before
		for attempt := 1; attempt <= 5; attempt++ {
			if attempt > 1 {
				elapsed += time.Duration(draw() * float64(p.Timeout))
			}
			wait, ok := p.Wait(attempt, elapsed, draw())
			if !ok {
				t.Fatalf("there is no attempt after %d", attempt)
			}
			if attempt == 1 && wait < 10*time.Second || wait <= last {
				t.Fatalf("the wait after attempt %d is %v, after %v", attempt, wait, last)
			}
			elapsed, last = elapsed+wait, wait
		}
		if elapsed < 15*time.Minute || elapsed > 30*time.Minute {
			t.Fatalf("the last attempt is %v after the first failure", elapsed)
		}
	}
	if _, ok := p.Wait(6, 0, 0); ok {
		t.Error("there is a sixth retry")
	}
}

// A policy is the caller's own: changing one must not change another's.
func TestSeedIsFresh(t *testing.T) {
	t.Parallel()
	jira.Seed().Backoff[0] = 0
	if jira.Seed().Backoff[0] != 10*time.Second {
		t.Error("policies share their waits")
	}
}
