package store

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue"
)

// Stats are sizes and counts of the database.
type Stats struct {
	Size           uint64 // bytes on disk, log included
	CompactionDebt uint64 // bytes that wait for a compaction
	Memtables      uint64 // bytes reserved in memory for what is not in tables on disk yet
	Cache          uint64 // bytes of the block cache in use
	Stalls         int64  // times that writes had to wait for compactions since Open
	Misuse         int64  // times that Pebble found a key deleted in a way its contract excludes, see queue.Misuse; must stay 0

	Corruption       int64 // reads since Open that found a file corrupt
	CorruptFiles     int   // which many files that were
	BackgroundErrors int64 // flushes and compactions since Open that failed
}

// Stats returns the present figures. It is meant for metrics, not for hot paths. After Close all are 0.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return Stats{}
	}
	m := s.db.Metrics()
	return Stats{
		Size:           m.DiskSpaceUsage(),
		CompactionDebt: m.Compact.EstimatedDebt,
		Memtables:      m.MemTable.Size + m.MemTable.ZombieSize,
		Cache:          uint64(m.BlockCache.Size),
		Stalls:         s.events.stalls.Load(),
		Misuse:         s.events.misuse.Load(),

		Corruption: s.events.corruption.Load(), CorruptFiles: s.events.corruptFiles(),
		BackgroundErrors: s.events.background.Load(),
	}
}

// events counts and logs what Pebble reports while it runs.
type events struct {
	log                                    *slog.Logger
	stalls, misuse, corruption, background atomic.Int64

	mu      sync.Mutex
	corrupt map[string]struct{} // paths
	said    time.Time           // when a background error was logged last
}

func (e *events) listener() *pebble.EventListener {
	return &pebble.EventListener{
		WriteStallBegin: func(pebble.WriteStallBeginInfo) { e.stalls.Add(1) },
		PossibleAPIMisuse: func(i pebble.PossibleAPIMisuseInfo) {
			if queue.Misuse(i) {
				e.misuse.Add(1)
			}
		},
		DataCorruption:    e.corrupted,
		BackgroundError:   e.failed,
	}
}

// corrupted notes a file that is not what was written. Pebble would end the process; but who reads gets the error too, and can
// do without what is in that block alone. It is logged once for each file: an endpoint that waits may come back each second.
func (e *events) corrupted(i pebble.DataCorruptionInfo) {
	e.corruption.Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.corrupt[i.Path]; known {
		return
	}
	if e.corrupt == nil {
		e.corrupt = map[string]struct{}{}
	}
	e.corrupt[i.Path] = struct{}{}
	e.log.Error("a file of the store is corrupt: what cannot be read of it is given up or passed over, and the rest goes on",
		"path", i.Path, "first key", fmt.Sprintf("%x", i.Bounds.Start), "last key", fmt.Sprintf("%x", i.Bounds.End.Key), "err", i.Details)
}

func (e *events) corruptFiles() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.corrupt)
}

// failed notes a flush or a compaction that failed. Pebble tries it again, at once or in minutes, so not each is logged.
func (e *events) failed(err error) {
	e.background.Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); now.Sub(e.said) > 10*time.Second {
		e.said = now
		e.log.Error("a flush or compaction of the store failed; it will be tried again", "err", err)
	}
}
