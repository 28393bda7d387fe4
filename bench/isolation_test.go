package bench

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestIsolation(t *testing.T) {
	t.Parallel()
	var results []IsolationResult
	err := Isolation(context.Background(), IsolationConfig{
		Config: Config{For: 400 * time.Millisecond, Quick: true, Publishers: 16, Hosts: 3, Dir: t.TempDir(), Progress: t.Logf},
		Rate:   50, Kinds: []Fault{BlackHole, HangingDNS}, Shares: []float64{0.5},
	}, func(r IsolationResult) error {
		results = append(results, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		t.Logf("%+v", r)
		if r.Lost != 0 {
			t.Errorf("%s: %d lost", r.Kind, r.Lost)
		}
		if r.Good != 1 || r.Bad != 2 || r.BadShare != 0.5 {
			t.Errorf("%s: %d good, %d bad", r.Kind, r.Good, r.Bad)
		}
		// The dispatcher knows that a request is over before a receiver does, so the receiver may see a few more.
		if r.BadInFlight == 0 || r.BadInFlight > 2*20 {
			t.Errorf("%s: %d requests in flight at a bad host; the limit is 20", r.Kind, r.BadInFlight)
		}
		// The figures of so short a run say little, and nothing on a machine that does something else; that deliveries go on
		// beside the bad hosts is what this holds. The measurement itself is a command.
		if r.RateRatio <= 0 {
			t.Errorf("%s: the good hosts kept %.2f of their rate", r.Kind, r.RateRatio)
		}
	}
}

func TestIsolationProblems(t *testing.T) {
	for name, c := range map[string]IsolationConfig{
		"one host": {Config: Config{Hosts: 1}}, "a kind": {Kinds: []Fault{"sleepy"}}, "a share": {Shares: []float64{0.5, 1}},
	} {
		err := Isolation(context.Background(), c, func(IsolationResult) error { return nil })
		var problem *ConfigError
		if !errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharesLeaveOneOfEach(t *testing.T) {
	for share, want := range map[float64]int{0.01: 1, 0.25: 5, 0.5: 10, 0.9: 18, 0.99: 19} {
		if got := (&IsolationConfig{Config: Config{Hosts: 20}}).bad(share); got != want {
			t.Errorf("%v of 20 hosts are %d, want %d", share, got, want)
		}
	}
}
