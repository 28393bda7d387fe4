package arcxp_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hookline/engine/flavor/arcxp"
	"hookline/engine/webhook"
)

func TestPolicyStatuses(t *testing.T) {
	t.Parallel()
	p := arcxp.Default()
	retried := []int{408, 425, 429}
	for status := range 1000 {
		accepts := status >= 200 && status < 300
		retries := slices.Contains(retried, status) || status >= 500 && status < 600
		if p.Accepts(status) != accepts || p.Retries(status) != retries {
			t.Errorf("status %d: accepts %v, retries %v", status, p.Accepts(status), p.Retries(status))
		}
	}
	if err := p.Validate(); err != nil || p.StopOnGone || p.Timeout != 10*time.Second || p.ConnectTimeout != p.Timeout {
		t.Errorf("%+v: %v", p, err)
	}
	p.Backoff[0] = 0
	if arcxp.Default().Backoff[0] != 10*time.Second {
		t.Error("policies share their waits")
	}
}

// Eight attempts: the waits double from 10 to 640 seconds, each lengthened by up to a quarter, whatever is drawn; a receiver can make
// them longer, up to 15 minutes, and not shorter.
func TestSchedule(t *testing.T) {
	t.Parallel()
	p := arcxp.Default()
	r := rand.New(rand.NewPCG(19, 23))
	draws := []func() float64{r.Float64, func() float64 { return 0 }, func() float64 { return 1 - 1e-16 }}
	for range 100_000 {
		var age time.Duration
		wait, least := time.Duration(0), 10*time.Second
		for attempt := 1; attempt <= 7; attempt++ {
			random := draws[r.IntN(len(draws))]()
			f := webhook.Failure{Attempt: attempt, Age: age, Since: age}
			own, more := p.Wait(f, random)
			if !more || own < least || own > least+least/4 || own < wait {
				t.Fatalf("the wait after attempt %d is %v (%v), after %v", attempt, own, more, wait)
			}
			f.Asked = time.Duration(r.Int64N(int64(time.Hour)) + 1)
			if asked, more := p.Wait(f, random); !more || asked < own || asked < min(f.Asked, 15*time.Minute) || asked > 15*time.Minute {
				t.Fatalf("asked for %v after attempt %d, it waits %v and not %v", f.Asked, attempt, asked, own)
			}
			wait, age, least = own, age+own+time.Duration(r.Float64()*float64(p.Timeout)), 2*least
		}
		if wait, more := p.Wait(webhook.Failure{Attempt: 8, Age: age, Since: age}, 0); more {
			t.Fatalf("there is a ninth attempt after %v", wait)
		}
	}
}
