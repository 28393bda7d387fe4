package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descStore    = desc("store_size_bytes", "Bytes that the store's database has on disk.")
	descFiles    = desc("store_payload_files", "Payloads that are in files of their own.")
	descFileSize = desc("store_payload_file_bytes", "Bytes of the payloads that are in files of their own.")
	descTables   = desc("store_tables_bytes", "Bytes that rows take in tables on disk, by what they are of; an estimate.", "kind")
	descWAL      = desc("store_wal_bytes", "Bytes of the store's write-ahead log on disk.")
	descFree     = desc("store_free_bytes", "Bytes that are free on the disk of the store.")
	descReadOnly = desc("store_read_only", "1 where nothing new is taken in, as the disk has no room for it, else 0.")
	descFull     = desc("store_disk_full_total", "Times that a write found the disk full.")
	descMemory   = desc("store_memory_bytes", "Bytes that the store has in memory, outside the heap of Go: memtables as they are reserved, blocks in the cache.", "part")
	descDebt     = desc("store_compaction_debt_bytes", "Bytes that the store still has to compact.")
	descSync     = desc("store_sync_duration_seconds", "Time to sync the store's write-ahead log to disk.")
	descStalls   = desc("store_write_stalls_total", "Times that writes had to wait for the store's flushes or compactions.")
	descStalled  = desc("store_write_stall_seconds_total", "Time for which writes had to wait for the store's flushes or compactions.")
	descCorrupt  = desc("store_corruption_total", "Reads that found the store corrupt.")
	descDamaged  = desc("store_corrupt_files", "Files of the store that were found corrupt since the start.")
	descUnread   = desc("store_unreadable_webhooks", "Rows of webhooks that were found unreadable since the start.")
	descErrors   = desc("store_background_errors_total", "Flushes and compactions of the store that failed, and are tried again.")
	descMisuse   = desc("store_misuse_total", "Keys that the store found deleted in a way its contract excludes; must stay 0.")
)

// storage reads the sizes of the store.
func (c *collector) storage(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, of prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, of, v, labels...)
	}
	s := c.e.store.Stats()
	send(descStore, prometheus.GaugeValue, float64(s.Size))
	send(descWAL, prometheus.GaugeValue, float64(s.WAL))
	send(descMemory, prometheus.GaugeValue, float64(s.Memtables), "memtables")
	send(descMemory, prometheus.GaugeValue, float64(s.Cache), "cache")
	send(descDebt, prometheus.GaugeValue, float64(s.CompactionDebt))
	send(descStalls, prometheus.CounterValue, float64(s.Stalls))
	send(descStalled, prometheus.CounterValue, s.StallTime.Seconds())
	send(descErrors, prometheus.CounterValue, float64(s.BackgroundErrors))
	send(descCorrupt, prometheus.CounterValue, float64(s.Corruption))
	send(descDamaged, prometheus.GaugeValue, float64(s.CorruptFiles))
	send(descUnread, prometheus.GaugeValue, float64(s.UnreadableRows))
	send(descMisuse, prometheus.CounterValue, float64(s.Misuse))
	for kind, n := range c.tables() {
		send(descTables, prometheus.GaugeValue, float64(n), kind)
	}
	space, readOnly := c.e.store.Space(), 0.0
	if space.Known {
		send(descFree, prometheus.GaugeValue, float64(space.Free))
	}
	if c.e.store.ReadOnly() {
		readOnly = 1
	}
	send(descReadOnly, prometheus.GaugeValue, readOnly)
	send(descFull, prometheus.CounterValue, float64(space.Full))
}

// tables are the bytes in tables by kind of row, those of the registrations in one. Where they cannot be read there are none:
// what is wrong with the disk shows elsewhere.
func (c *collector) tables() map[string]uint64 {
	list, err := c.e.store.Tables()
	if err != nil {
		return nil
	}
	sizes := map[string]uint64{}
	for _, t := range list {
		name := t.Kind.Name
		if !t.Queue {
			name = "registrations"
		}
		sizes[name] += t.Bytes
	}
	return sizes
}

// syncs hands on Pebble's histogram of syncs, which counts nanoseconds, in seconds and with fewer buckets: the bound of each is at
// least half as large again as that of the one before.
func (c *collector) syncs(ch chan<- prometheus.Metric) {
	h := c.e.store.Syncs()
	if h == nil {
		return
	}
	m, err := written(h)
	if err != nil {
		return
	}
	all := m.GetHistogram()
	buckets, last := map[float64]uint64{}, 0.0
	for _, b := range all.GetBucket() {
		if bound := b.GetUpperBound(); bound > 0 && bound >= 1.5*last {
			buckets[bound/float64(time.Second)] = b.GetCumulativeCount()
			last = bound
		}
	}
	ch <- prometheus.MustNewConstHistogram(descSync, all.GetSampleCount(), all.GetSampleSum()/float64(time.Second), buckets)
}

// written returns what a metric writes of itself. The type of that is inferred, as its package is one that the module does not
// depend on by itself.
func written[T any](m interface{ Write(*T) error }) (*T, error) {
	out := new(T)
	return out, m.Write(out)
}
