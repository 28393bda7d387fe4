package webhook_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/webhook"
)

func TestStatusRangeText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]webhook.StatusRange{
		"408": {408, 408}, "5xx": {500, 599}, "2xx": {200, 299}, "500-503": {500, 503}, "9xx": {900, 999},
		"any": {0, math.MaxInt}, "301-302": {301, 302},
	} {
		var got webhook.StatusRange
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2", "20", "2000", "0xx", "099", "xx", "5xx-6xx", "503-500", "-500", "500-", "+50", "5XX", "all", "5xxx", "1e2", "200 "} {
		r := webhook.OneStatus(999)
		if err := r.UnmarshalText([]byte(text)); err == nil || r != webhook.OneStatus(999) {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

func FuzzStatusRange(f *testing.F) {
	for _, s := range []string{"408", "5xx", "500-599", "any", "200-200"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r, again webhook.StatusRange
		if r.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again != r || r.From > r.To {
			t.Errorf("%q is %v, read again %v, %v", text, r, again, err)
		}
	})
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	p := webhook.Policy{Accept: webhook.Statuses{webhook.Any2xx}, Retry: webhook.Statuses{webhook.OneStatus(408), webhook.OneStatus(410), webhook.Any5xx}}
	for status := range 1200 {
		accepts, retries := status >= 200 && status < 300, status == 408 || status == 410 || status >= 500 && status < 600
		if p.Accepts(status) != accepts || p.Retries(status) != retries || p.Stops(status) {
			t.Errorf("%d: accepts %v, retries %v, stops %v", status, p.Accepts(status), p.Retries(status), p.Stops(status))
		}
	}
	if p.StopOnGone = true; !p.Stops(410) || p.Retries(410) || p.Stops(408) || !p.Retries(408) {
		t.Error("410 does not stop the webhook, or something else does")
	}
}

// policies draws sensible policies.
func policies(t *rapid.T) *webhook.Policy {
	p := &webhook.Policy{
		Timeout: time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "timeout")),
		Accept:  webhook.Statuses{webhook.Any2xx},
		Jitter:  rapid.Float64Range(0, 3).Draw(t, "jitter"),
		Repeat:  rapid.Bool().Draw(t, "repeat"),
	}
	for range rapid.IntRange(1, 6).Draw(t, "waits") {
		p.Backoff = append(p.Backoff, time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "wait")))
	}
	return p
}

// What is drawn at random is proportional: within [d, d(1+Jitter)] for a wait of d, whatever d is.
func TestJitterIsProportional(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := policies(t)
		attempt := rapid.IntRange(1, 10).Draw(t, "attempt")
		wait, more := p.Wait(webhook.Failure{Attempt: attempt}, rapid.Float64Range(0, 1-1e-16).Draw(t, "random"))
		if more != (p.Repeat || attempt <= len(p.Backoff)) {
			t.Fatalf("attempt %d of %d: more %v", attempt, len(p.Backoff), more)
		}
		if !more {
			return
		}
		d := p.Backoff[min(attempt, len(p.Backoff))-1]
		if most := d + time.Duration(float64(d)*p.Jitter); wait < d || wait > most {
			t.Fatalf("waits %v, not %v to %v", wait, d, most)
		}
	})
}

// What is drawn fills the range evenly: a tenth of the draws in every tenth of it.
func TestJitterIsEven(t *testing.T) {
	t.Parallel()
	p := webhook.Policy{Backoff: []time.Duration{time.Hour}, Jitter: 0.5}
	const draws = 10_000
	var tenths [10]int
	for i := range draws {
		wait, _ := p.Wait(webhook.Failure{Attempt: 1}, (float64(i)+0.5)/draws)
		tenths[int(float64(wait-time.Hour)/float64(30*time.Minute)*10)]++
	}
	for i, n := range tenths {
		if n < draws/10-1 || n > draws/10+1 {
			t.Errorf("%d of %d in tenth %d", n, draws, i)
		}
	}
}

// A receiver can ask for waits within the bounds, and without Min only for longer ones.
func TestRetryAfterBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := policies(t)
		asked := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "asked"))
		attempt, random := rapid.IntRange(1, len(p.Backoff)).Draw(t, "attempt"), rapid.Float64Range(0, 1-1e-16).Draw(t, "random")
		own, _ := p.Wait(webhook.Failure{Attempt: attempt, Asked: asked}, random)
		if plain, _ := p.Wait(webhook.Failure{Attempt: attempt}, random); own != plain {
			t.Fatalf("without bounds a receiver that asks for %v changes %v to %v", asked, plain, own)
		}
		p.RetryAfter.Max = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "max"))
		if wait, _ := p.Wait(webhook.Failure{Attempt: attempt, Asked: asked}, random); wait < min(own, wait) || wait < min(asked, p.RetryAfter.Max) || wait < own || wait > max(own, p.RetryAfter.Max) {
			t.Fatalf("asked for %v at most %v, waits %v in place of %v", asked, p.RetryAfter.Max, wait, own)
		}
		p.RetryAfter.Min = time.Duration(rapid.Int64Range(1, int64(p.RetryAfter.Max)).Draw(t, "min"))
		if wait, _ := p.Wait(webhook.Failure{Attempt: attempt, Asked: asked}, random); asked > 0 && (wait < p.RetryAfter.Min || wait > p.RetryAfter.Max || wait < min(asked, p.RetryAfter.Max)) {
			t.Fatalf("asked for %v within %+v, waits %v", asked, p.RetryAfter, wait)
		}
	})
}

func TestEnds(t *testing.T) {
	t.Parallel()
	p := webhook.Policy{Backoff: []time.Duration{time.Minute}, Repeat: true}
	for _, end := range []*time.Duration{&p.GiveUp, &p.TTL} {
		*end = time.Hour
		for age, want := range map[time.Duration]bool{0: true, 59 * time.Minute: true, 59*time.Minute + 1: false, 2 * time.Hour: false} {
			if _, more := p.Wait(webhook.Failure{Attempt: 7, Age: age}, 0); more != want {
				t.Errorf("%+v, age %v: more %v", p, age, more)
			}
		}
		if p.Expired(time.Hour) || p.Expired(time.Hour+1) != (p.TTL > 0) {
			t.Errorf("%+v: expired at %v: %v", p, time.Hour+1, p.Expired(time.Hour+1))
		}
		*end = 0
	}
}

// StandardPolicy follows the example of the specification: ten attempts, at the times of its table when nothing is added
// at random.
func TestStandardPolicy(t *testing.T) {
	t.Parallel()
	p := webhook.StandardPolicy()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	var at time.Duration
	for attempt, want := range []string{"5s", "5m5s", "35m5s", "2h35m5s", "7h35m5s", "17h35m5s", "31h35m5s", "51h35m5s", "75h35m5s"} {
		wait, more := p.Wait(webhook.Failure{Attempt: attempt + 1, Age: at, Since: at}, 0)
		if at += wait; !more || at.String() != strings.TrimSuffix(want, "0s") {
			t.Errorf("attempt %d is at %v, want %s", attempt+2, at, want)
		}
		if most, _ := p.Wait(webhook.Failure{Attempt: attempt + 1}, 1); most != wait+wait/5 {
			t.Errorf("attempt %d comes after at most %v, want a fifth more than %v", attempt+2, most, wait)
		}
	}
	if _, more := p.Wait(webhook.Failure{Attempt: 10}, 0); more {
		t.Error("there is an eleventh attempt")
	}
	for status := 100; status < 600; status++ {
		if p.Accepts(status) != (status/100 == 2) || p.Stops(status) != (status == 410) || status/100 != 2 && p.Retries(status) != (status != 410) {
			t.Errorf("status %d", status)
		}
	}
}

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	bad := webhook.Policy{
		ConnectTimeout: -1, GiveUp: -1, TTL: -1, LastBy: -1, Backoff: []time.Duration{0}, Jitter: math.NaN(),
		RetryAfter: webhook.RetryAfter{Min: 2, Max: 1},
	}
	err := bad.Validate()
	for _, want := range []string{"timeout is 0s", "connect_timeout", "give_up", "ttl", "last_by", "accept is empty", "backoff has 0s", "jitter is NaN", "retry_after.min is 2ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
	bad = webhook.Policy{Timeout: 1, Accept: webhook.Statuses{webhook.Any2xx}, Repeat: true, LastBy: 1}
	if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), "backoff is empty") || !strings.Contains(err.Error(), "leave out one of") {
		t.Error(err)
	}
}
