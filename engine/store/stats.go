package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/queue"
)

// Stats are sizes and counts of the database.
type Stats struct {
	Size           uint64 // bytes on disk, log included
	WAL            uint64 // bytes of the log on disk
	CompactionDebt uint64 // bytes that wait for a compaction
	Memtables      uint64 // bytes reserved in memory for what is not in tables on disk yet
	Cache          uint64 // bytes of the block cache in use

	Stalls    int64         // times that writes had to wait for flushes or compactions since Open
	StallTime time.Duration // and for how long
	Misuse    int64         // times that Pebble found a key deleted in a way its contract excludes, see queue.Misuse; must stay 0

	Corruption       int64 // reads since Open that found a file corrupt
	CorruptFiles     int   // which many files that were
	UnreadableRows   int   // of webhooks, whole or as subscribers, that were found since Open
	BackgroundErrors int64 // flushes and compactions since Open that failed; they are tried again
}

// Stats returns the present figures. It is meant for metrics, not for hot paths. After Close all are 0.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return Stats{}
	}
	m := s.db.Metrics()
	// The file that is being written counts with the size it was opened with; a recycled one may be larger than what is in it.
	grown := max(m.WAL.Size, m.WAL.PhysicalSize) - m.WAL.PhysicalSize
	stalls, stalled := s.events.heldUp(time.Now())
	return Stats{
		Size:           m.DiskSpaceUsage() + grown,
		WAL:            m.WAL.PhysicalSize + m.WAL.ObsoletePhysicalSize + grown,
		CompactionDebt: m.Compact.EstimatedDebt,
		Memtables:      m.MemTable.Size + m.MemTable.ZombieSize,
		Cache:          uint64(m.BlockCache.Size),
		Stalls:         stalls,
		StallTime:      stalled,
		Misuse:         s.events.misuse.Load(),

		Corruption:       s.events.corruption.Load(),
		CorruptFiles:     s.events.corruptFiles(),
		UnreadableRows:   s.events.unreadableRows(),
		BackgroundErrors: s.events.background.Load(),
	}
}

// Levels returns the levels of the database that have tables, none after Close.
func (s *Store) Levels() []LevelReport {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil
	}
	return levelsOf(s.db.Metrics())
}

func levelsOf(m *pebble.Metrics) (list []LevelReport) {
	for n, l := range m.Levels {
		if l.TablesCount > 0 {
			list = append(list, LevelReport{n, l.TablesCount, uint64(l.TablesSize)})
		}
	}
	return list
}

// Syncs returns a histogram of how long it took to sync the log since Open, in nanoseconds. It goes on counting. After Close
// it is nil.
func (s *Store) Syncs() prometheus.Histogram {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil
	}
	return s.db.Metrics().LogWriter.FsyncLatency
}

// Tables is what rows of a kind take in tables on disk.
type Tables struct {
	Kind  queue.Kind
	Queue bool   // the queue keeps them, not the store itself
	Bytes uint64 // an estimate, by blocks; what is in the log alone is not in it
}

// Kinds returns what kinds of rows there are, the queue's first. The list is the caller's own.
func Kinds() []queue.Kind { return append(queue.Kinds(), kinds...) }

// kinds are the store's own; see the package documentation.
var kinds = []queue.Kind{
	{Prefix: prefixTenant, Name: "tenants"},
	{Prefix: prefixApp, Name: "apps"},
	{Prefix: prefixEndpoint, Name: "endpoints"},
	{Prefix: prefixWebhook, Name: "webhooks"},
	{Prefix: prefixGroups, Name: "webhook_groups"},
	{Prefix: prefixSubscriber, Name: "webhook_subscribers"},
	{Prefix: prefixOldFilter, Name: "webhook_filters"},
	{Prefix: prefixReplay, Name: "replays"},
	{Prefix: prefixFailing, Name: "failing_endpoints"},
	{Prefix: prefixLastID, Name: "webhook_numbers"},
	{Prefix: prefixLastEnd, Name: "endpoint_numbers"},
	{Prefix: prefixAge, Name: "generations"},
	{Prefix: prefixStore, Name: "store_state"},
}

// Tables returns what each kind of row takes. It reads the indexes of tables that hold the beginning or the end of a kind, so
// it takes about as long as a few dozen reads. Errors: [ErrClosed], or one of the database.
func (s *Store) Tables() ([]Tables, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	return tablesOf(s.db)
}

func tablesOf(db *pebble.DB) ([]Tables, error) {
	var list []Tables
	ofQueue := len(queue.Kinds())
	for i, k := range Kinds() {
		n, err := db.EstimateDiskUsage([]byte{k.Prefix}, []byte{k.Prefix + 1})
		if err != nil {
			return nil, fmt.Errorf("store: estimating the size of %s: %w", k.Name, err)
		}
		list = append(list, Tables{k, i < ofQueue, n})
	}
	return list, nil
}
