package bench

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hookline/queue/crashtest"
)

// CrashConfig configures [Crash]. The zero value is a run with the defaults.
type CrashConfig struct {
	// Rounds is the number of rounds, in each of which a queue loses its power some times. Beside them there are a tenth as many
	// in which operations on files fail.
	//
	// Defaults to 1000.
	Rounds int

	// Seed chooses what happens in the first round, and with the numbers behind it in the others; 0 means another one each time.
	// How the goroutines of a round take turns is not repeated.
	Seed uint64

	// Mutants are the mistakes that a queue is given to show that they are noticed, see [crashtest.Mutants].
	//
	// Defaults to all.
	Mutants []string

	// Progress is told what is going on, in words for people. Nil tells nobody.
	Progress func(format string, args ...any)
}

func (c CrashConfig) withDefaults() CrashConfig {
	c.Rounds = cmp.Or(c.Rounds, 1000)
	if c.Mutants == nil {
		c.Mutants = crashtest.Mutants()
	}
	c.Seed = cmp.Or(c.Seed, uint64(time.Now().UnixNano()))
	if c.Progress == nil {
		c.Progress = func(string, ...any) {}
	}
	return c
}

func (c *CrashConfig) validate() error {
	var p problems
	p.check(c.Rounds > 0, "Rounds is %d; use at least 1", c.Rounds)
	for _, name := range c.Mutants {
		p.check(slices.Contains(crashtest.Mutants(), name), "there is no mutant %q; there are %q", name, crashtest.Mutants())
	}
	return p.err()
}

// CrashResult is what [Crash] found. Lost, MissingPayload, Resurrected and Broken count what must not happen, and end the
// round; of a round at most twenty are counted.
type CrashResult struct {
	Kind    string `json:"kind"` // "crash"
	Rounds  int    `json:"rounds"`
	Crashes int    `json:"crashes"`

	Acknowledged   int `json:"acknowledged"`    // messages
	Verified       int `json:"verified"`        // deliveries and dead letters, each after each crash
	Lost           int `json:"lost"`            // of these, acknowledged and not there
	MissingPayload int `json:"missing_payload"` // deliveries and dead letters without theirs
	Resurrected    int `json:"resurrected"`     // settled and synced, and back
	Broken         int `json:"broken"`          // any other promise
	Duplicates     int `json:"duplicates"`      // settled and not synced: due again, as they may be

	FaultRounds  int            `json:"fault_rounds"` // in which operations on files failed, so many of them:
	Faults       int            `json:"faults"`
	FaultTargets map[string]int `json:"fault_targets"` // the same, by the kind of operation that a round was for
	Exits        int            `json:"exits"`         // lives that a fatal error ended
	Refused      int            `json:"refused"`       // openings that failed

	Mutants       int            `json:"mutants"` // queues with a mistake
	MutantsCaught int            `json:"mutants_caught"`
	MutantRounds  map[string]int `json:"mutant_rounds"` // until each was noticed, 0: it was not

	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"` // without those for the mutants
}

// mutantRounds is within how many rounds a mistake has to be noticed.
const mutantRounds = 100

// Crash takes the power from a queue on a disk in memory, at random moments, and counts what is not as it was promised
// afterwards; and then does so with queues that have a mistake, each of which must be noticed. See package crashtest.
func Crash(ctx context.Context, c CrashConfig) (CrashResult, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return CrashResult{}, err
	}
	r := CrashResult{Kind: "crash", Seed: c.Seed, MutantRounds: map[string]int{}, FaultTargets: map[string]int{}}
	begin := time.Now()
	c.Progress("%d rounds, the first with seed %d", c.Rounds, c.Seed)
	crashtest.Run(ctx, crashtest.Config{Rounds: c.Rounds, Seed: c.Seed, Each: func(seed uint64, report *crashtest.Report) bool {
		r.Rounds++
		r.enter(&c, seed, report)
		if r.Rounds%500 == 0 {
			c.Progress("%d rounds, %d crashes, %d messages acknowledged", r.Rounds, r.Crashes, r.Acknowledged)
		}
		return true
	}})
	faulty := (c.Rounds + 9) / 10
	c.Progress("%d rounds in which operations on files fail", faulty)
	crashtest.Run(ctx, crashtest.Config{Rounds: faulty, Seed: c.Seed, Faults: true, Each: func(seed uint64, report *crashtest.Report) bool {
		r.FaultRounds++
		r.enter(&c, seed, report)
		return true
	}})
	r.Seconds = round(time.Since(begin).Seconds())
	for _, name := range c.Mutants {
		if ctx.Err() == nil {
			r.catch(ctx, &c, name)
		}
	}
	return r, ctx.Err()
}

// enter adds the report of a round.
func (r *CrashResult) enter(c *CrashConfig, seed uint64, report *crashtest.Report) {
	r.Crashes += report.Crashes
	r.Acknowledged += report.Acknowledged
	r.Verified += report.Verified
	r.Duplicates += report.Duplicates
	r.Faults += report.Faults
	if report.Target != "" {
		r.FaultTargets[report.Target] += report.Faults
	}
	r.Exits += report.Exits
	r.Refused += report.Refused
	for _, b := range report.Breaches() {
		c.Progress("seed %d: %s", seed, b.Text)
		switch b.Kind {
		case crashtest.Lost:
			r.Lost++
		case crashtest.MissingPayload:
			r.MissingPayload++
		case crashtest.Resurrected:
			r.Resurrected++
		default:
			r.Broken++
		}
	}
}

func (r *CrashResult) catch(ctx context.Context, c *CrashConfig, name string) {
	rounds, noticed := crashtest.Catch(ctx, name, crashtest.Config{Rounds: mutantRounds, Seed: c.Seed})
	r.Mutants++
	r.MutantRounds[name] = rounds
	if rounds == 0 {
		c.Progress("mutant %q was not noticed in %d rounds", name, mutantRounds)
		return
	}
	r.MutantsCaught++
	c.Progress("mutant %q, round %d: %s", name, rounds, noticed.Text)
}
