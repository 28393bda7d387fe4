package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// queueRun is one case of [Queue] as the parent of the measured processes sees it.
type queueRun struct {
	config   QueueConfig
	dir      string
	log      *bareLog
	payloads *payloads // for the log
	children []*queueChild
}

func (run *queueRun) open() (err error) {
	if run.dir, err = os.MkdirTemp(run.config.Dir, "hookline-queue-"); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if run.payloads, err = newPayloads(run.config.Seed, run.config.Body); err != nil {
		return err
	}
	run.log, err = newBareLog(run.dir)
	return err
}

// close kills what is still running: nothing of it is needed, and a queue that is closed would first have to write what it has.
func (run *queueRun) close() error {
	var problems []error
	for _, child := range run.children {
		problems = append(problems, child.kill())
	}
	if run.log != nil {
		problems = append(problems, run.log.close())
	}
	return errors.Join(append(problems, os.RemoveAll(run.dir))...)
}

// child starts a process with the queue of a name, which is that of its directory.
func (run *queueRun) child(ctx context.Context, name string) (*queueChild, error) {
	return run.start(ctx, openOrder{Dir: filepath.Join(run.dir, name), Seed: run.config.Seed})
}

func (run *queueRun) start(ctx context.Context, o openOrder) (*queueChild, error) {
	child, err := startQueueChild(ctx, run.config.Child, o)
	if err == nil {
		run.children = append(run.children, child)
	}
	return child, err
}

// end ends a child: by killing it or not.
func (run *queueRun) end(child *queueChild, how func(*queueChild) error) error {
	run.children = slices.DeleteFunc(run.children, func(other *queueChild) bool { return other == child })
	return how(child)
}

// backlogBody is the size of a payload in a backlog, and backlogFanout the deliveries that share it where endpoints are many.
const (
	backlogBody      = 1024
	backlogFanout    = 10
	backlogEndpoints = 1000
)

// fill gives a queue a backlog of n deliveries over as many endpoints.
func (run *queueRun) fill(child *queueChild, r *QueueResult, n, endpoints int) error {
	run.config.Progress("accepting %d deliveries that are to wait", n)
	answer, err := child.do(queueOrder{Fill: &fillOrder{
		Deliveries: n, Endpoints: endpoints, Fanout: min(backlogFanout, endpoints), Body: backlogBody,
	}})
	r.Waiting, r.FillRate = int64(n), round(ratio(float64(n), answer.Fill.Took.Seconds()))
	return err
}

// loadSide is one of the sides that take turns.
type loadSide struct {
	slice  func(length time.Duration, profile string) (loadSlice, error)
	slices loadSlices
}

func (run *queueRun) loadOf(child *queueChild, large int) *loadSide {
	return &loadSide{slice: func(length time.Duration, profile string) (loadSlice, error) {
		return child.load(loadOrder{
			For: length, Producers: run.config.Producers, Body: run.config.Body, Large: large, Profile: profile,
		})
	}}
}

func (run *queueRun) logLoad(ctx context.Context) *loadSide {
	return &loadSide{slice: func(length time.Duration, _ string) (loadSlice, error) {
		return run.log.load(ctx, run.config.Producers, run.payloads, length)
	}}
}

// warmBytes is what a queue accepts before it is measured: enough for the database to use its log files a second time.
const warmBytes = 256 << 20

// warm warms a side up, for as long as it takes but no longer than most.
func (run *queueRun) warm(ctx context.Context, l *loadSide, most time.Duration) error {
	length := min(run.config.For, warmUp)
	bytes := int64(0)
	for end := time.Now().Add(most); bytes < warmBytes && time.Now().Before(end); {
		s, err := l.slice(length, "")
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		bytes += s.Accepted * int64(run.config.Body)
	}
	return nil
}

// turns has all sides do their slices in turn, every other time the other way around. The first is the one that is
// measured, the last the log.
func (run *queueRun) turns(ctx context.Context, all ...*loadSide) error {
	c := &run.config
	run.config.Progress("warming up")
	for _, l := range all {
		if err := run.warm(ctx, l, c.For); err != nil {
			return err
		}
	}
	n := max(minSlices, int((c.For+maxSlice-1)/maxSlice))
	for i := range n {
		for j := range all {
			l, profile := all[j], ""
			if i%2 == 1 {
				l = all[len(all)-1-j]
			}
			if i == n-1 && l == all[0] {
				profile = c.Profile
			}
			s, err := l.slice(c.For/time.Duration(n), profile)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			l.slices = append(l.slices, s)
		}
		c.Progress("slice %d of %d: %.0f/s, bare log %.0f/s", i+1, n, all[0].slices[i].rate(), all[len(all)-1].slices[i].rate())
	}
	return nil
}

// tell puts what a side did into the result, beside the log.
func (r *QueueResult) tell(side, log *loadSide) {
	sum := side.slices.sum()
	r.Rate, r.LogRate = round(sum.rate()), round(log.slices.rate())
	r.Ratio = round(side.slices.over(log.slices, (*loadSlice).rate))
	r.P99, r.LogP99 = milliseconds(side.slices.p99()), milliseconds(log.slices.p99())
	r.tellWritten(sum.Written, float64(sum.Bytes))
	r.CPU = round(ratio(sum.CPU.Seconds()*1e4, float64(sum.Accepted)))
	r.Seconds = round(sum.Elapsed.Seconds())
}

func (r *QueueResult) tellWritten(w writes, payloads float64) {
	per := func(n int64) float64 { return round(ratio(float64(n), payloads)) }
	r.WrittenPerByte, r.LogPerByte, r.FlushedPerByte, r.CompactedPerByte = per(w.All), per(w.Log), per(w.Flushed), per(w.Compacted)
}

// look puts the memory of a process into the result, and what it has lost.
func (r *QueueResult) look(child *queueChild) error {
	at, err := child.look(lookOrder{})
	r.RSS, r.PeakRSS = megabytes(at.RSS), megabytes(at.PeakRSS)
	r.Lost += r.Waiting - at.Waiting
	return err
}

func (run *queueRun) steady(ctx context.Context, r *QueueResult) error {
	child, err := run.child(ctx, "empty")
	if err != nil {
		return err
	}
	side, log := run.loadOf(child, 0), run.logLoad(ctx)
	if err := run.turns(ctx, side, log); err != nil {
		return err
	}
	r.tell(side, log)
	return r.look(child)
}

func (run *queueRun) behind(ctx context.Context, r *QueueResult, waiting int) error {
	full, err := run.child(ctx, "full")
	if err != nil {
		return err
	}
	if err := run.fill(full, r, waiting, backlogEndpoints); err != nil {
		return err
	}
	empty, err := run.child(ctx, "empty")
	if err != nil {
		return err
	}
	side, other, log := run.loadOf(full, 0), run.loadOf(empty, 0), run.logLoad(ctx)
	if err := run.turns(ctx, side, other, log); err != nil {
		return err
	}
	r.tell(side, log)
	at, err := empty.look(lookOrder{})
	r.QueueBehind = &QueueBehind{
		EmptyRate: round(other.slices.rate()), OverEmpty: round(side.slices.over(other.slices, (*loadSlice).rate)),
		EmptyP99: milliseconds(other.slices.p99()), P99OverEmpty: round(side.slices.over(other.slices, p99Of)),
		EmptyRSS: megabytes(at.RSS),
	}
	return errors.Join(err, r.look(full))
}

func (run *queueRun) large(ctx context.Context, r *QueueResult) error {
	child, err := run.child(ctx, "large")
	if err != nil {
		return err
	}
	side, alone, log := run.loadOf(child, run.config.Large), run.loadOf(child, 0), run.logLoad(ctx)
	if err := run.turns(ctx, side, alone, log); err != nil {
		return err
	}
	r.tell(side, log)
	times := side.slices.sum().Large
	slices.Sort(times)
	r.QueueLarge = &QueueLarge{
		AloneRate: round(alone.slices.rate()), OverAlone: round(side.slices.over(alone.slices, (*loadSlice).rate)),
		AloneP99: milliseconds(alone.slices.p99()), P99OverAlone: round(side.slices.over(alone.slices, p99Of)),
		LargeP50: milliseconds(thousandth(times, 500)), Large: len(times), LargeBytes: run.config.Large,
	}
	return r.look(child)
}
