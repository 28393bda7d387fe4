package migration_test

import (
	"testing"
	"time"

	"hookline/engine/flavor/migration"
	"hookline/engine/webhook"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	p := migration.Seed()
	for status := range 1000 {
		if p.Accepts(status) != (status == 200) || !p.Accepts(status) && !p.Retries(status) {
			t.Errorf("status %d: accepts %v, retries %v", status, p.Accepts(status), p.Retries(status))
		}
	}
	if p.Timeout != 5*time.Second || p.ConnectTimeout > p.Timeout {
		t.Errorf("timeouts %v and %v", p.ConnectTimeout, p.Timeout)
	}
	for _, random := range []float64{0, 0.3, 1 - 1e-16} {
		var age, last time.Duration
		attempts := 1
		for ; ; attempts++ {
			wait, ok := p.Wait(webhook.Failure{Attempt: attempts, Age: age, Since: age}, random)
			if !ok {
				break
			}
			if attempts == 1 && wait < 10*time.Second || wait < last || wait > 15*time.Minute {
				t.Fatalf("the wait after attempt %d is %v, after %v", attempts, wait, last)
			}
			age, last = age+wait, wait
		}
		if age > 72*time.Hour || age < 71*time.Hour {
			t.Errorf("given up after %d attempts in %v", attempts, age)
		}
	}
	p.GiveUp = 0
	if _, ok := p.Wait(webhook.Failure{Attempt: 1_000_000, Age: 10 * 365 * 24 * time.Hour}, 0); !ok {
		t.Error("there is an end without GiveUp")
	}
}
