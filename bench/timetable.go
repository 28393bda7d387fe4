package bench

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"hookline/engine"
)

// timetable publishes events at fixed moments, whatever becomes of them: event k of a run is due at k/rate. Times that are
// counted from there are free of coordinated omission: an engine that stalls makes the events wait that are due meanwhile,
// and each of them shows it.
type timetable struct {
	rig    *rig
	engine *engine.Engine
	rate   float64 // events per second

	// account returns where an event is entered, or nil for one that is left out.
	account func(sequence int64) *Ledger
}

// run publishes for a time. The ledger is the one to say what had been delivered at its end.
func (t *timetable) run(ctx context.Context, ledger *Ledger, length time.Duration) (tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, events := t.rig.next.Load(), max(1, int64(length.Seconds()*t.rate))
	t.rig.next.Add(events)
	due := make(chan int64, 1024)
	failures := make(chan error, t.rig.config.Publishers)
	var group sync.WaitGroup
	start, cpu := time.Now(), processTime()
	group.Go(func() {
		t.pace(ctx, start, first, events, due)
	})
	for range t.rig.config.Publishers {
		group.Go(func() {
			err := t.publish(ctx, start, first, due)
			if err != nil {
				cancel()
			}
			failures <- err
		})
	}
	wait(ctx, length)
	measured := ledger.since(start, cpu)
	group.Wait()
	close(failures)
	problems := []error{ctx.Err()}
	for err := range failures {
		problems = append(problems, err)
	}
	return measured, errors.Join(problems...)
}

// pace sends each event's sequence number when it is due. It sleeps on a thread of its own: a timer of the runtime may be
// a millisecond late on an idle machine, as long as half of what is measured.
func (t *timetable) pace(ctx context.Context, start time.Time, first, events int64, due chan<- int64) {
	defer close(due)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for k := range events {
		if t.account(first+k) == nil {
			continue
		}
		nap(time.Until(t.due(start, k)))
		select {
		case due <- first + k:
		case <-ctx.Done():
			return
		}
	}
}

func (t *timetable) due(start time.Time, k int64) time.Time {
	return start.Add(time.Duration(float64(k) / t.rate * float64(time.Second)))
}

func (t *timetable) publish(ctx context.Context, start time.Time, first int64, due <-chan int64) error {
	var buffer []byte
	for sequence := range due {
		ev := t.rig.event(buffer[:0], sequence)
		buffer = ev.Body
		err := publish(ctx, t.engine, t.account(sequence), sequence, ev, t.due(start, sequence-first))
		if err != nil {
			return err
		}
	}
	return nil
}
