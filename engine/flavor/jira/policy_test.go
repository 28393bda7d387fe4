package jira_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
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

// timeline returns when the attempts of one delivery begin, counted from its first failure, if every one fails after a time
// of its own up to the time limit, and what the receiver asks for. The first is left out.
func timeline(p *webhook.Policy, random, took, asked func() float64) (starts, waits []time.Duration) {
	var now time.Duration
	for attempt := 1; ; attempt++ {
		if attempt > 1 {
			now += time.Duration(took() * float64(p.Timeout))
		}
		wait, more := p.Wait(webhook.Failure{
			Attempt: attempt, Age: now, Since: now, Asked: time.Duration(asked() * float64(time.Hour)),
		}, random())
		if !more {
			return starts, waits
		}
		now += wait
		starts, waits = append(starts, now), append(waits, wait)
	}
}

const deliveries = 100_000

// extremes draws from [0, 1), often its ends.
func extremes(r *rand.Rand) func() float64 {
	draws := []func() float64{r.Float64, r.Float64, func() float64 { return 0 }, func() float64 { return 1 - 1e-16 }}
	return func() float64 { return draws[r.IntN(len(draws))]() }
}

func never() float64 { return 0 }

// The guide's rule: up to five retries, the first at least 10 seconds after the failure, the last between 15 and 30
// minutes after the first failure. It holds whatever is drawn, however long the attempts take, and whatever a
// receiver asks for.
func TestSeedSchedule(t *testing.T) {
	t.Parallel()
	p := jira.Seed()
	random := extremes(rand.New(rand.NewPCG(7, 11)))
	for _, asked := range []func() float64{never, random} {
		for range deliveries {
			starts, waits := timeline(p, random, random, asked)
			if len(starts) != 5 || slices.Min(waits) < 10*time.Second {
				t.Fatalf("%d retries, after %v", len(starts), waits)
			}
			if last := starts[4]; last < 15*time.Minute || last > 30*time.Minute {
				t.Fatalf("the last attempt is %v after the first failure: %v", last, waits)
			}
		}
	}
	// With nothing that a receiver asks for the waits grow.
	for range deliveries / 100 {
		if _, waits := timeline(p, random, random, never); !slices.IsSorted(waits) {
			t.Fatalf("waits %v", waits)
		}
	}
}

// A delivery that was held up, by an open breaker for example, has its attempts closer together, so as to be through in time;
// one that is past that has those that are left.
func TestSeedScheduleOfLateDeliveries(t *testing.T) {
	t.Parallel()
	p := jira.Seed()
	for since, want := range map[time.Duration]time.Duration{
		12 * time.Minute:                600 * time.Second,
		25 * time.Minute:                270 * time.Second,
		29*time.Minute + time.Second:    29 * time.Second,
		29*time.Minute + 25*time.Second: 10 * time.Second,
		5 * time.Hour:                   10 * time.Second,
	} {
		if wait, more := p.Wait(webhook.Failure{Attempt: 5, Age: since, Since: since}, 0); !more || wait != want {
			t.Errorf("the last wait %v after the first failure is %v, want %v", since, wait, want)
		}
	}
}

// Each retry of the present policy comes 5 to 15 minutes after the attempt before.
func TestCurrentSchedule(t *testing.T) {
	t.Parallel()
	p := jira.Current()
	random := extremes(rand.New(rand.NewPCG(13, 17)))
	for _, asked := range []func() float64{never, random} {
		for range deliveries {
			starts, waits := timeline(p, random, random, asked)
			if len(starts) != 5 || slices.Min(waits) < 5*time.Minute || slices.Max(waits) > 15*time.Minute {
				t.Fatalf("%d retries, after %v", len(starts), waits)
			}
		}
	}
}

func TestPoliciesAreValid(t *testing.T) {
	t.Parallel()
	for _, p := range []*webhook.Policy{jira.Seed(), jira.Current()} {
		if err := p.Validate(); err != nil || p.StopOnGone {
			t.Errorf("%+v: %v", p, err)
		}
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
