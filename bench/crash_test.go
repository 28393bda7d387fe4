package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("has the rounds of package crashtest, whose own tests are run under the race detector")
	}
	r, err := Crash(t.Context(), CrashConfig{
		Rounds: 4, Mutants: []string{"accept without sync", "acknowledge before commit"}, Progress: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rounds != 4 || r.FaultRounds != 1 || r.Crashes < 4 || r.Acknowledged == 0 || r.Verified == 0 {
		t.Errorf("%+v", r)
	}
	if r.Lost+r.MissingPayload+r.Resurrected+r.Broken != 0 {
		t.Errorf("promises were broken: %+v", r)
	}
	if r.Mutants != 2 || r.MutantsCaught != r.Mutants || len(r.MutantRounds) != r.Mutants {
		t.Errorf("%d of %d mutants were caught: %v", r.MutantsCaught, r.Mutants, r.MutantRounds)
	}
}

func TestCrashProblems(t *testing.T) {
	var problem *ConfigError
	if _, err := Crash(context.Background(), CrashConfig{Rounds: -1, Mutants: []string{"none"}}); !errors.As(err, &problem) || !strings.Contains(err.Error(), "Rounds") || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
}
