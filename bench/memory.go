package bench

import (
	"runtime/metrics"
	"time"
)

// memory is what the process had in memory at a moment, in bytes.
type memory struct {
	at       time.Time
	resident int64 // 0 where the system does not tell
	heap     int64 // Go's own that was reachable at the last garbage collection
	store    int64 // what the engine's store has reserved, outside Go's heap
}

// memory looks at the process and at the rig's engine.
func (r *rig) memory() (memory, error) {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	store, err := r.figures("hookline_store_memory_bytes")
	if err != nil {
		return memory{}, err
	}
	m := memory{at: time.Now(), resident: resident("VmRSS"), heap: int64(heap[0].Value.Uint64())}
	for _, bytes := range store {
		m.store += int64(bytes)
	}
	return m, nil
}

// growth is the slope of the line through a series that fits best by least squares, in MB of 10^6 bytes in a minute; 0 for a
// series of one. Other than the difference of two moments it does not depend on where in its rounds the garbage collector,
// or the store with its memtables, happens to be at these.
func growth(series []memory, of func(memory) int64) float64 {
	var sumX, sumY, sumXX, sumXY float64
	for _, m := range series {
		x, y := m.at.Sub(series[0].at).Minutes(), float64(of(m))/1e6
		sumX, sumY, sumXX, sumXY = sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	n := float64(len(series))
	return ratio(n*sumXY-sumX*sumY, n*sumXX-sumX*sumX)
}
