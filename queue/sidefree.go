package queue

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// freedSides are files that nothing refers to any more, as far as what is committed goes. They are removed once that is
// durable: else a crash could bring back a delivery whose payload is gone.
type freedSides struct {
	turn    sync.Mutex // held while files are removed
	mu      sync.Mutex
	numbers []uint64
	some    chan struct{}
}

func (f *freedSides) init() { f.some = make(chan struct{}, 1) }

// add takes in files after the deletion of what referred to them was committed, and counted by syncer.wrote.
func (f *freedSides) add(numbers ...uint64) {
	f.mu.Lock()
	f.numbers = append(f.numbers, numbers...)
	f.mu.Unlock()
	select {
	case f.some <- struct{}{}:
	default:
	}
}

func (f *freedSides) take() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	numbers := f.numbers
	f.numbers = nil
	return numbers
}

// removeLoop removes freed files a SyncInterval later, when a sync for other reasons has mostly come by. What it has not
// come to when the queue is closed is removed after the next Open.
func (q *Queue) removeLoop() {
	for {
		select {
		case <-q.sides.freed.some:
		case <-q.stop:
			return
		}
		if q.opts.defect == lab.FileBeforeDeletion {
			q.removeFreed()
			continue
		}
		select {
		case <-time.After(q.opts.SyncInterval):
		case <-q.stop:
			return
		}
		q.removeFreed()
	}
}

// removeFreed removes the files that were freed before the call.
func (q *Queue) removeFreed() {
	s := &q.sides
	s.freed.turn.Lock()
	defer s.freed.turn.Unlock()
	numbers := s.freed.take()
	if q.opts.defect == lab.FileBeforeDeletion {
		defer q.betweenBatches()
	} else if err := q.syncSettlements(); err != nil {
		q.log.Error("queue: syncing failed, payload files are not removed before the next start", "files", len(numbers), "err", err)
		return
	}
	for _, n := range numbers {
		if q.stopping() {
			return
		}
		s.holds.Lock()
		err := s.remove(n)
		s.holds.Unlock()
		if err != nil {
			q.log.Error("queue: a payload file cannot be removed before the next start", "file", s.path(n), "err", err)
		}
	}
}

// sideRow is the row of a side file.
type sideRow struct {
	number uint64
	event  EventID
}

// freeSides frees the side files of messages below the horizon that are not live, with their payloads' rows. It comes
// before freePayloads, which then finds none of theirs.
func (q *Queue) freeSides(horizon EventID, live marked) error {
	const chunk = 1024
	var dead []sideRow
	err := q.eachReadable(q.db, []byte{prefixSide}, []byte{prefixSide + 1}, ofSide(func(r sideRow) {
		if r.event < horizon && !live.has(r.event) {
			dead = append(dead, r)
		}
	}))
	for len(dead) > 0 && err == nil {
		if q.stopping() {
			return errStopped
		}
		n := min(chunk, len(dead))
		err = q.deleteSides(dead[:n])
		dead = dead[n:]
	}
	return err
}

func (q *Queue) deleteSides(dead []sideRow) error {
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	b := q.db.NewBatch()
	defer b.Close()
	var numbers []uint64
	for _, r := range dead {
		if _, resent := q.byHand.resent[r.event]; resent {
			continue
		}
		if err := errors.Join(
			b.Delete(appendPayloadKey(nil, r.event), nil),
			b.Delete(appendSideKey(nil, r.number), nil),
		); err != nil {
			return err
		}
		numbers = append(numbers, r.number)
		q.sides.open.forget(r.event)
	}
	if len(numbers) == 0 {
		return nil
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	q.syncs.wrote()
	q.sides.freed.add(numbers...)
	return nil
}

// ofSide calls f with the row of a side file that an iterator is at.
func ofSide(f func(sideRow)) func(*pebble.Iterator) {
	return func(iter *pebble.Iterator) {
		number, ok := parseSideKey(iter.Key())
		if event, err := decodeSideRow(iter.Value()); ok && err == nil {
			f(sideRow{number, event})
		}
	}
}

// examineSides counts the files that are there since before Open, and removes those that nothing referred to then: of
// accepts that a crash cut off, and those that were freed and not removed. before is a snapshot from Open. Where some of the
// rows are corrupt it is not known which are needed, and all stay.
//
// Other files are not removed meanwhile, so that each that is counted in is counted out after that.
func (q *Queue) examineSides(before *pebble.Snapshot) error {
	s := &q.sides
	if s.dir == "" {
		s.examined.Store(true)
		return nil
	}
	needed := map[uint64]struct{}{}
	err := q.each(before, &pebble.IterOptions{LowerBound: []byte{prefixSide}, UpperBound: []byte{prefixSide + 1}}, ofSide(func(r sideRow) { needed[r.number] = struct{}{} }))
	allNeeded := isCorrupt(err)
	if allNeeded {
		q.log.Error("queue: which payload files are needed cannot be read, so that none is removed before the next start", "err", err)
	} else if err != nil {
		return err
	}
	// What the snapshot does not show may have been deleted by a process that was killed before it could sync that.
	if err := q.db.LogData(nil, pebble.Sync); err != nil {
		return err
	}
	s.holds.RLock()
	defer s.holds.RUnlock()
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	var count, bytes int64
	for _, name := range names {
		if q.stopping() {
			return errStopped
		}
		number, ok := parseSideName(name)
		if !ok || number >= s.numbers.first {
			continue
		}
		path := s.path(number)
		if _, ok := needed[number]; !ok && !allNeeded {
			if err := s.fs.Remove(path); err != nil {
				q.log.Error("queue: a payload file that nothing needs cannot be removed", "file", path, "err", err)
			}
			continue
		}
		info, err := s.fs.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		count++
		bytes += info.Size()
	}
	s.count.Add(count)
	s.bytes.Add(bytes)
	s.examined.Store(true)
	return nil
}
