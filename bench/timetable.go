package bench

import (
	"context"
	"errors"
	"sync"
	"time"
)

// timetable publishes events at fixed moments: event k of a slice is due at k/rate and is about project
// k modulo the number of hosts. The events of the last project, whose receiver is silent, have an
// account of their own, or are left out.
type timetable struct {
	rig    *rig
	first  int64 // sequence number of event 0
	silent bool
	ledger *Ledger
	owed   *Ledger // what the silent receiver will not take
}

func newTimetable(r *rig, silent bool) *timetable {
	hosts := int64(r.config.Hosts)
	first := (r.next.Load() + hosts - 1) / hosts * hosts
	r.next.Store(first)
	return &timetable{
		rig: r, first: first, silent: silent,
		ledger: r.open(nil), owed: NewLedger(LedgerOptions{First: first}),
	}
}

// run publishes for a time. It returns what had been delivered at its end.
func (t *timetable) run(ctx context.Context, length time.Duration) (tally, error) {
	c := &t.rig.config
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := int64(length.Seconds() * float64(c.Rate*c.Hosts))
	interval := time.Second / time.Duration(c.Rate*c.Hosts)
	failures := make(chan error, c.Publishers)
	var group sync.WaitGroup
	start, cpu := time.Now(), processTime()
	for publisher := range c.Publishers {
		group.Go(func() {
			err := t.publish(ctx, int64(publisher), events, start, interval)
			if err != nil {
				cancel()
			}
			failures <- err
		})
	}
	wait(ctx, length)
	measured := t.ledger.since(start, cpu)
	group.Wait()
	t.rig.next.Store(t.first + events)
	close(failures)
	var problems []error
	for err := range failures {
		problems = append(problems, err)
	}
	return measured, errors.Join(problems...)
}

// publish publishes every Publishers-th event from the given one on, each when it is due.
func (t *timetable) publish(ctx context.Context, from, events int64, start time.Time, interval time.Duration) error {
	c := &t.rig.config
	var body []byte
	for k := from; k < events; k += int64(c.Publishers) {
		ledger := t.ledger
		sequence := t.first + k
		if t.rig.workload.Project(sequence) == c.Hosts-1 {
			if !t.silent {
				continue
			}
			ledger = t.owed
		}
		due := start.Add(time.Duration(k) * interval)
		wait(ctx, time.Until(due))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		body = t.rig.workload.Body(body[:0], sequence)
		if err := t.rig.publish(ctx, ledger, sequence, body, due); err != nil {
			return err
		}
	}
	return nil
}
