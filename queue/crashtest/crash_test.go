package crashtest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fewer is the number of rounds where time is short.
func fewer(rounds int) int {
	if testing.Short() {
		return rounds / 10
	}
	return rounds
}

// play plays rounds and returns their sums. Each breach is an error.
func play(t *testing.T, c Config) *Report {
	t.Helper()
	sum := new(Report)
	c.Seed = uint64(time.Now().UnixNano())
	c.Each = func(seed uint64, r *Report) bool {
		for _, b := range r.Breaches() {
			t.Errorf("seed %d: %s", seed, b.Text)
		}
		sum.Crashes += r.Crashes
		sum.Acknowledged += r.Acknowledged
		sum.Verified += r.Verified
		sum.Duplicates += r.Duplicates
		sum.Exits += r.Exits
		sum.Refused += r.Refused
		sum.Faults += r.Faults
		if c.Faults && r.Faults == 0 {
			t.Errorf("seed %d: no operation of the target %q failed", seed, r.Target)
		}
		if r.Acknowledged < leastAcknowledged {
			t.Errorf("seed %d: %d messages were acknowledged", seed, r.Acknowledged)
		}
		return !t.Failed()
	}
	Run(t.Context(), c)
	return sum
}

func TestPowerLoss(t *testing.T) {
	rounds := fewer(200)
	sum := play(t, Config{Rounds: rounds})
	t.Logf("%d crashes, %d messages acknowledged, %d deliveries verified, %d of them to be repeated", sum.Crashes, sum.Acknowledged, sum.Verified, sum.Duplicates)
	if sum.Crashes < rounds || sum.Verified < sum.Acknowledged || sum.Exits > 0 {
		t.Error("these rounds prove little")
	}
}

// Whatever fails on the disk, an acknowledged message is there when it works again. Every kind of operation fails, as each target
// has its rounds and a life is not cut before it was struck.
func TestFaults(t *testing.T) {
	rounds := max(fewer(100), len(targets))
	sum := play(t, Config{Rounds: rounds, Faults: true})
	t.Logf("%d operations failed, %d openings, %d fatal errors, %d messages acknowledged, %d deliveries verified",
		sum.Faults, sum.Refused, sum.Exits, sum.Acknowledged, sum.Verified)
	if sum.Exits == 0 || sum.Refused == 0 {
		t.Error("these rounds prove little")
	}
}

// Each mistake is noticed, and the messages say what is wrong.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, where it is run with -short")
	}
	for _, name := range Mutants() {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			rounds, noticed := Catch(t.Context(), name, Config{Rounds: 100, Seed: uint64(time.Now().UnixNano())})
			t.Logf("round %d: %s", rounds, noticed.Text)
			if rounds == 0 || noticed.Text == "" {
				t.Error("it was not noticed")
			}
		})
	}
}

// A seed repeats what a round sets out to do.
func TestSeed(t *testing.T) {
	c := &Config{}
	plan := func(seed uint64) string {
		p := newWorld(t.Context(), seed, c).plan
		p.setup.Now = nil
		return fmt.Sprintf("%+v", p)
	}
	if a, b, other := plan(7), plan(7), plan(8); a != b || a == other {
		t.Errorf("plans %s, %s, %s", a, b, other)
	}
}
