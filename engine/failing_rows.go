package engine

import (
	"time"

	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/queue"
)

// What is known of failing endpoints is kept in the store for DisableAfter alone. Rows are written by the sweep, once for
// each failure and each warning, and at the end. The row goes when a delivery succeeds, before that is settled and in the same
// log: a crash that brings the row back brings the delivery back as well, whose success removes it again.

// restore reads the rows. The time since they were written last is taken off: nothing was tried then.
func (f *failing) restore(rows *store.Store, r *registry.Registry, kept bool, now time.Time) error {
	list, written, err := rows.Failing()
	if err != nil {
		return err
	}
	if !kept {
		if len(list) > 0 || !written.IsZero() {
			return rows.ForgetFailing() // or they would count when it is switched on again
		}
		return nil
	}
	f.rows, f.byID = rows, map[queue.EndpointID]*failure{}
	down := max(now.Sub(written), 0)
	for _, row := range list {
		ep, ok := r.Endpoint(row.Endpoint)
		if !ok || ep.Epoch != row.Epoch || ep.Stopped != "" {
			if err := rows.DeleteFailing(row.Endpoint); err != nil {
				return err
			}
			continue
		}
		one := &failure{since: row.Since.Add(down), epoch: row.Epoch, kept: true, wrote: row.Warned}
		one.attempts.Store(row.Attempts)
		one.warned.Store(row.Warned)
		f.byID[queue.EndpointID(row.Endpoint)] = one
	}
	f.n.Store(int64(len(f.byID)))
	if len(f.byID) > 0 {
		return f.keep(now, true) // as of now, or the time that is taken off would be taken off again
	}
	return nil
}

// keep writes what is new, or all. Where nothing fails nothing is written. It waits for the disk, and whoever ends a failure that
// has a row waits for that as well, so that no row is written after it was removed.
func (f *failing) keep(now time.Time, all bool) error {
	if f.rows == nil || f.n.Load() == 0 {
		return nil
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	list := f.unwritten(all)
	err := f.rows.PutFailing(list, now)
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, row := range list {
			if one := f.byID[queue.EndpointID(row.Endpoint)]; one != nil {
				one.wrote = -1
			}
		}
	}
	return err
}

// unwritten returns the rows that are to be written, and takes them for written.
func (f *failing) unwritten(all bool) (list []store.Failing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, one := range f.byID {
		if warned := one.warned.Load(); all || !one.kept || one.wrote != warned {
			list = append(list, store.Failing{Endpoint: uint64(id), Epoch: one.epoch, Since: one.since, Attempts: one.attempts.Load(), Warned: warned})
			one.kept, one.wrote = true, warned // so that it is removed even where it is not known whether it was written
		}
	}
	return list
}

// drop removes the row of a failure that is over, unless there is one of another by now. What cannot be removed is out of date at worst
// until the next that is written there.
func (f *failing) drop(id queue.EndpointID) {
	f.writing.Lock()
	defer f.writing.Unlock()
	if one := f.of(id); one == nil || !one.kept {
		_ = f.rows.DeleteFailing(uint64(id))
	}
}
