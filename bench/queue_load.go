package bench

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// payloads are bodies of one size, or the beginnings of bodies, that are made beforehand: making them is no part of what is measured.
type payloads struct{ bodies [][]byte }

const payloadVariety = 1024

func newPayloads(seed uint64, size int) (*payloads, error) {
	workload, err := NewWorkload(WorkloadOptions{Seed: seed, Size: max(size, minBody)})
	if err != nil {
		return nil, err
	}
	p := &payloads{}
	for n := range int64(payloadVariety) {
		p.bodies = append(p.bodies, workload.Body(nil, n)[:size])
	}
	return p, nil
}

func (p *payloads) at(n int64) []byte { return p.bodies[n%int64(len(p.bodies))] }

// producers call a function over and over, each as soon as its last call has returned.
type producers struct {
	call    func(n int64) error
	next    atomic.Int64
	stopped atomic.Bool
	group   sync.WaitGroup
	times   [][]time.Duration // of the calls that succeeded, by producer
	failed  chan error
}

func newProducers(n int, call func(int64) error) *producers {
	return &producers{call: call, times: make([][]time.Duration, n), failed: make(chan error, n)}
}

func (p *producers) start() {
	for i := range p.times {
		p.group.Go(func() { p.times[i] = p.loop() })
	}
}

func (p *producers) loop() (times []time.Duration) {
	for !p.stopped.Load() {
		begin := time.Now()
		if err := p.call(p.next.Add(1) - 1); err != nil {
			p.failed <- err
			return times
		}
		times = append(times, time.Since(begin))
	}
	return times
}

// stop waits for the calls in progress and returns the times of all.
func (p *producers) stop() ([]time.Duration, error) {
	p.stopped.Store(true)
	p.group.Wait()
	select {
	case err := <-p.failed:
		return nil, err
	default:
		return slices.Concat(p.times...), nil
	}
}

// loadSlice is what one side did in a slice. Settled and Elapsed are of the slice itself. The others count all that
// it began, to the end of what it left behind: so bytes and processor time are those of Accepted.
type loadSlice struct {
	Settled int64
	Elapsed time.Duration

	Accepted int64
	Bytes    int64 // of their payloads
	Written  writes
	CPU      time.Duration

	P50, P99 time.Duration // of an accept

	Large []time.Duration // of each accept of a large payload
}

func (s *loadSlice) rate() float64 { return ratio(float64(s.Settled), s.Elapsed.Seconds()) }

func (s *loadSlice) setTimes(times []time.Duration) {
	slices.Sort(times)
	s.P50, s.P99 = thousandth(times, 500), thousandth(times, 990)
}

// loadSlices are those of one side, in order.
type loadSlices []loadSlice

func (all loadSlices) sum() (t loadSlice) {
	for i := range all {
		t.Settled += all[i].Settled
		t.Elapsed += all[i].Elapsed
		t.Accepted += all[i].Accepted
		t.Bytes += all[i].Bytes
		t.Written.add(1, all[i].Written)
		t.CPU += all[i].CPU
		t.Large = append(t.Large, all[i].Large...)
	}
	return t
}

func (all loadSlices) rate() float64 {
	t := all.sum()
	return t.rate()
}

// p99 is the median of the slices, so that one in which something else had the machine does not count.
func (all loadSlices) p99() time.Duration {
	var values []time.Duration
	for i := range all {
		values = append(values, all[i].P99)
	}
	return median(values)
}

// over is the median of the ratios of neighbouring slices of two sides.
func (all loadSlices) over(others loadSlices, of func(*loadSlice) float64) float64 {
	var ratios []float64
	for i := range all {
		ratios = append(ratios, ratio(of(&all[i]), of(&others[i])))
	}
	return median(ratios)
}

func p99Of(s *loadSlice) float64 { return s.P99.Seconds() }
