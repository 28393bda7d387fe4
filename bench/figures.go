package bench

import (
	"math"
	"slices"
	"time"
)

// thousandth returns the value below which n in a thousand of sorted times lie; 0 where there are none.
func thousandth(sorted []time.Duration, n int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*n/1000)]
}

// tally is a number of deliveries with the time that passed and the processor time that they took.
type tally struct {
	deliveries   int64
	elapsed, cpu time.Duration
}

// since is what a ledger has delivered since the given moment, when the process had used cpu.
func (l *Ledger) since(start time.Time, cpu time.Duration) tally {
	return tally{deliveries: l.Delivered(), elapsed: time.Since(start), cpu: processTime() - cpu}
}

func (t *tally) add(other tally) {
	t.deliveries += other.deliveries
	t.elapsed += other.elapsed
	t.cpu += other.cpu
}

func (t *tally) rate() float64 { return ratio(float64(t.deliveries), t.elapsed.Seconds()) }

// cost is the processor time of 10,000 deliveries in seconds.
func (t *tally) cost() float64 { return ratio(t.cpu.Seconds()*1e4, float64(t.deliveries)) }

// cores is the processor time by the time that passed: 1 is a whole core.
func (t *tally) cores() float64 { return ratio(t.cpu.Seconds(), t.elapsed.Seconds()) }

// median returns the middle value, the lower one of two.
func median[T int64 | float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func milliseconds(d time.Duration) float64 { return round(d.Seconds() * 1e3) }

// round keeps four significant digits: the rest of a measured figure is noise.
func round(f float64) float64 {
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(f))))
	return math.Round(f*scale) / scale
}
