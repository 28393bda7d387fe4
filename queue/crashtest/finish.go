package crashtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue"
)

// finish is a life without a crash, and then another one: what is there must be handed out by the queue as it is, and leave
// nothing behind.
func (w *world) finish() error {
	l, err := w.begin(false)
	if l == nil {
		return err
	}
	before := w.model.report.Acknowledged
	over := make(chan struct{})
	w.load(l, func() { close(over) })
	<-over
	err = w.acknowledged(l, before+leastAcknowledged)
	l.stop()
	l.hands.Wait()
	if err == nil {
		err = w.flush(l)
	}
	if err == nil {
		err = w.verify(l)
	}
	if err == nil && !w.model.report.failed() {
		err = w.drain(l)
	}
	if err := errors.Join(err, l.close()); err != nil || w.model.report.failed() {
		return err
	}
	if l, err = w.begin(false); l == nil {
		return err
	}
	return l.close()
}

// leastAcknowledged is how many messages are acknowledged in each round at least.
const leastAcknowledged = 10

// acknowledged waits until so many messages are.
func (w *world) acknowledged(l *life, least int) error {
	return w.eventually(func() (wrong string) {
		l.note(func() {
			if n := l.report.Acknowledged; n < least {
				wrong = fmt.Sprintf("%d messages are acknowledged in this round, and no more", n)
			}
		})
		return wrong
	})
}

// flush makes all settlements durable.
func (w *world) flush(l *life) error {
	err := l.q.Flush(context.Background())
	if err == nil {
		l.note(func() { l.flushed(l.settled) })
	}
	return err
}

// patience is how long something is waited for that must come about, on a machine however busy.
const patience = 20 * time.Second

// drain takes and settles everything.
func (w *world) drain(l *life) error {
	h := &hand{life: l, rng: w.rng, plan: &w.plan}
	for end := time.Now().Add(patience); ; {
		took := false
		for ep := range w.endpoints {
			for d, ok := l.q.Take(queue.EndpointID(ep)); ok; d, ok = l.q.Take(queue.EndpointID(ep)) {
				took = true
				h.deliver(&d)
			}
		}
		if took {
			continue
		}
		if left := waitingIn(l.q); left == nil {
			break
		} else if w.ctx.Err() != nil {
			return nil
		} else if time.Now().After(end) {
			w.model.report.breach(Lost, "event %d for endpoint %d is due since %v and not handed out", left.Event, left.Endpoint, left.Due)
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return w.drained(l)
}

// deliver settles a delivery as done.
func (h *hand) deliver(d *queue.Delivery) {
	h.note(func() {
		if debt := h.taken(d, h.model.purge(d.Endpoint).epoch); debt != nil {
			h.held = append(h.held, held{*d, debt})
		}
	})
	x, ok := h.pick()
	if !ok {
		return
	}
	defer h.handled(x.debt.endpoint)
	o := queue.Outcome{Verdict: queue.Done, Record: noteOf(x.debt.of.name, x.debt.endpoint)}
	i := -1
	h.note(func() { i = h.settling(x.debt, o) })
	if err := h.q.Settle(&x.delivery, o); err != nil {
		h.report.breach(Other, "settling %v: %v", x.debt, err)
	}
	h.note(func() { h.settled = append(h.settled, settled{x.debt, i}) })
}

// waitingIn returns a delivery that is not settled, nil if there is none.
func waitingIn(q *queue.Queue) (left *queue.WaitingDelivery) {
	_ = q.Waiting(queue.Select{}, func(w queue.WaitingDelivery) bool { left = &w; return false })
	return left
}

// drained checks what is left of a queue where nothing waits: dead letters and their payloads.
func (w *world) drained(l *life) error {
	if err := w.flush(l); err != nil {
		return err
	}
	letters, events := 0, map[queue.EventID]bool{}
	err := l.q.DeadLetters(queue.Select{}, func(d queue.DeadLetter) bool {
		letters++
		events[d.Event] = true
		return true
	})
	if err != nil {
		return err
	}
	check := func() (wrong string) {
		s := l.q.Stats()
		if !s.Counted || s.Waiting != 0 || s.InHand != 0 || s.Dead != int64(letters) {
			return fmt.Sprintf("it is empty but for %d dead letters, and has the stats %+v", letters, s)
		}
		if w.options.KeepDelivered > 0 {
			return ""
		}
		if wrong := l.files(); wrong != "" {
			return wrong
		}
		n, err := l.payloads()
		if err != nil || n != len(events) {
			return fmt.Sprintf("%d payloads are left for %d events with dead letters (error %v)", n, len(events), err)
		}
		return ""
	}
	return w.eventually(check)
}

// files compares the payload files with what the database has of them.
func (l *life) files() (wrong string) {
	if !l.q.Stats().FilesCounted {
		return "the payload files are not counted"
	}
	rows := 0
	snapshot := l.db.NewSnapshot()
	err := queue.SideFiles(snapshot, func(f queue.SideFile) bool {
		if err := f.Check(l.disk.fs, payloadDir); err != nil {
			wrong = fmt.Sprintf("the payload of event %d: %v", f.Event, err)
		}
		rows++
		return true
	})
	names, listed := l.disk.fs.List(payloadDir)
	counted := l.q.Stats().Files
	if err := errors.Join(err, listed, snapshot.Close()); err != nil || len(names) != rows || counted != int64(rows) {
		return fmt.Sprintf("%d payload files, %d are counted, for %d that the database knows (error %v)", len(names), counted, rows, err)
	}
	return wrong
}

// payloads counts the payloads on the disk; see keys.go of package queue.
func (l *life) payloads() (n int, err error) {
	iter, err := l.db.NewIter(&pebble.IterOptions{LowerBound: []byte{'p'}, UpperBound: []byte{'p' + 1}})
	if err != nil {
		return 0, err
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		n++
	}
	return n, errors.Join(iter.Error(), iter.Close())
}
