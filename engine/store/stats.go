package store

import (
	"sync/atomic"

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
	}
}

// events counts what Pebble reports while it runs.
type events struct{ stalls, misuse atomic.Int64 }

func (e *events) listener() *pebble.EventListener {
	return &pebble.EventListener{
		WriteStallBegin: func(pebble.WriteStallBeginInfo) { e.stalls.Add(1) },
		PossibleAPIMisuse: func(i pebble.PossibleAPIMisuseInfo) {
			if queue.Misuse(i) {
				e.misuse.Add(1)
			}
		},
	}
}
