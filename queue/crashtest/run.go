package crashtest

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// Config is a run of rounds.
type Config struct {
	Rounds int
	Seed   uint64 // of the first round; the next have the numbers behind it

	// Parallel is the number of rounds at a time, most of which wait for something.
	//
	// Defaults to four for each processor.
	Parallel int

	// Faults makes operations on files fail, of every kind, at random. Then a life may also end as the process would, by a fatal
	// error.
	Faults bool

	// Each is called after each round, one at a time. If it returns false, no more are begun.
	Each func(seed uint64, r *Report) bool

	mutant mutant
	cache  *pebble.Cache
}

// Run plays rounds until there are enough, ctx ends or Each says so.
func Run(ctx context.Context, c Config) {
	if c.Parallel == 0 {
		c.Parallel = 4 * runtime.GOMAXPROCS(0)
	}
	c.cache = pebble.NewCache(8 << 20)
	defer c.cache.Unref()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var players sync.WaitGroup
	next := 0
	draw := func() (n int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= c.Rounds && ctx.Err() == nil
	}
	for range min(c.Parallel, c.Rounds) {
		players.Go(func() {
			for n, ok := draw(); ok; n, ok = draw() {
				seed := c.Seed + uint64(n)
				r := round(ctx, seed, &c)
				mu.Lock()
				if !c.Each(seed, r) {
					stop()
				}
				mu.Unlock()
			}
		})
	}
	players.Wait()
}

// mutant is a queue with a mistake.
type mutant struct {
	name   string
	defect lab.Defect

	fileUnsynced, nameUnsynced bool // its payload files, or their directory
}

var mutants = []mutant{
	{name: "accept without sync", defect: lab.AcceptWithoutSync},
	{name: "acknowledge before commit", defect: lab.AcknowledgeBeforeCommit},
	{name: "key after its message", defect: lab.KeyAfterMessage},
	{name: "key before its message", defect: lab.KeyBeforeMessage},
	{name: "cursor without watermark", defect: lab.CursorWithoutWatermark},
	{name: "sweep that forgets dead letters", defect: lab.SweepWithoutLetters},
	{name: "snapshot before the horizon", defect: lab.SnapshotBeforeHorizon},
	{name: "snapshot beside outcomes", defect: lab.SnapshotBesideOutcomes},
	{name: "payload freed with one delivery open", defect: lab.PayloadOfTheLastButOne},
	{name: "letter removed before it is sent again", defect: lab.LetterBeforeResend},
	{name: "letter removed after it is sent again", defect: lab.LetterAfterResend},
	{name: "part removed before its deliveries are there", defect: lab.PartBeforeDeliveries},
	{name: "part removed after its deliveries are there", defect: lab.PartAfterDeliveries},
	{name: "low-water mark too high", defect: lab.WaterAboveTheHeld},
	{name: "delivery moved in two batches", defect: lab.OutcomeInTwo},
	{name: "purge without sync", defect: lab.PurgeWithoutSync},
	{name: "park without sync", defect: lab.ParkWithoutSync},
	{name: "park that takes what is in hand", defect: lab.ParkWithTheHeld},
	{name: "unpark that forgets a range", defect: lab.UnparkWithoutOne},
	{name: "sweep that forgets what is parked", defect: lab.SweepWithoutParked},
	{name: "sweep that forgets large fan-outs", defect: lab.SweepWithoutParts},
	{name: "row before its payload file", defect: lab.RowBeforeFile},
	{name: "payload file not synced", fileUnsynced: true},
	{name: "name of a payload file not synced", nameUnsynced: true},
	{name: "payload file removed too early", defect: lab.FileBeforeDeletion},
}

// Mutants returns the names of the mistakes that a queue can be given, to show that a run notices each.
func Mutants() (names []string) {
	for _, m := range mutants {
		names = append(names, m.name)
	}
	return names
}

// Catch plays rounds with a queue that has a mistake, until it is noticed or there were enough. It returns how many rounds that
// took and what was noticed, 0 if nothing was.
func Catch(ctx context.Context, name string, c Config) (rounds int, noticed Breach) {
	for _, m := range mutants {
		if m.name == name {
			c.mutant = m
		}
	}
	if c.mutant.name == "" {
		panic(fmt.Sprintf("crashtest: there is no mutant %q", name))
	}
	played := 0
	c.Each = func(_ uint64, r *Report) bool {
		played++
		if list := r.Breaches(); rounds == 0 && len(list) > 0 {
			rounds, noticed = played, list[0]
		}
		return rounds == 0
	}
	Run(ctx, c)
	return rounds, noticed
}
