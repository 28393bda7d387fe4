package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hookline/queue"
)

// This file is what a measured process does: it fills, loads and drains.

const fillBatch = 100 // messages in one call

func (s *queueSide) fill(o *fillOrder) (fillAnswer, error) {
	pool, err := newPayloads(s.seed, o.Body)
	if err != nil {
		return fillAnswer{}, err
	}
	start := time.Now()
	messages := o.Deliveries / o.Fanout
	batch := make([]queue.Message, 0, fillBatch)
	targets := make([]queue.Target, fillBatch*o.Fanout)
	for n := 0; n < messages; n += len(batch) {
		batch = batch[:0]
		for i := range min(fillBatch, messages-n) {
			ts := targets[i*o.Fanout:][:o.Fanout]
			for j := range ts {
				ts[j].Endpoint = queue.EndpointID(deadEndpoint + ((n+i)*o.Fanout+j)%o.Endpoints)
			}
			batch = append(batch, queue.Message{Payload: pool.at(int64(n + i)), Deliveries: ts})
		}
		if _, err := s.queue.AcceptAll(context.Background(), batch); err != nil {
			return fillAnswer{}, err
		}
	}
	took := time.Since(start)
	s.calm()
	return fillAnswer{Took: took}, nil
}

func (s *queueSide) load(o *loadOrder) (l loadSlice, err error) {
	pool, err := newPayloads(s.seed, o.Body)
	if err != nil {
		return l, err
	}
	err = profiled(o.Profile, func() error {
		l, err = s.loadSlice(o, pool)
		return err
	})
	return l, err
}

func (s *queueSide) loadSlice(o *loadOrder, pool *payloads) (l loadSlice, err error) {
	p := newProducers(o.Producers, func(n int64) error {
		return s.accept(pool.at(n), queue.EndpointID(rand.IntN(liveEndpoints)))
	})
	large := &largeProducer{side: s, size: o.Large}
	start, cpu, before, done := time.Now(), processTime(), s.writes(), s.queue.Stats().Done
	p.start()
	if o.Large > 0 {
		large.start()
	}
	time.Sleep(o.For)
	l.Settled, l.Elapsed = int64(s.queue.Stats().Done-done), time.Since(start)
	times, err := p.stop()
	l.Large, err = large.stop(err)
	if err != nil {
		return l, err
	}
	all := uint64(len(times) + len(l.Large))
	missing, err := s.settled(done + all)
	if missing > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d messages were accepted and are not settled", missing, all))
	}
	time.Sleep(min(aftermath, o.For))
	l.Accepted, l.CPU, l.Written = int64(all), processTime()-cpu, s.writes()
	l.Written.add(-1, before)
	l.Bytes = int64(len(times))*int64(o.Body) + int64(len(l.Large))*int64(o.Large)
	l.setTimes(times)
	return l, err
}

func (s *queueSide) accept(payload []byte, to queue.EndpointID) error {
	_, err := s.queue.Accept(context.Background(), queue.Message{Payload: payload, Deliveries: []queue.Target{{Endpoint: to}}})
	return err
}

const largeEvery = 500 * time.Millisecond

// largeProducer accepts a large payload every half second.
type largeProducer struct {
	side    *queueSide
	size    int
	stopped chan struct{}
	done    chan struct{}
	times   []time.Duration
	err     error
}

func (p *largeProducer) start() {
	p.stopped, p.done = make(chan struct{}), make(chan struct{})
	payload := make([]byte, p.size)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(payload) // it never fails
	go func() {
		defer close(p.done)
		for ticker := time.NewTicker(largeEvery); p.err == nil; {
			begin := time.Now()
			if p.err = p.side.accept(payload, largeEndpoint); p.err == nil {
				p.times = append(p.times, time.Since(begin))
			}
			select {
			case <-ticker.C:
			case <-p.stopped:
				ticker.Stop()
				return
			}
		}
	}()
}

func (p *largeProducer) stop(err error) ([]time.Duration, error) {
	if p.done == nil {
		return nil, err
	}
	close(p.stopped)
	<-p.done
	return p.times, errors.Join(err, p.err)
}

// drain takes all there is of a backlog. What is due again is so long after the drain.
func (s *queueSide) drain(o *drainOrder) (a drainAnswer, err error) {
	err = profiled(o.Profile, func() error {
		a, err = s.drainAll(o)
		return err
	})
	return a, err
}

func (s *queueSide) drainAll(o *drainOrder) (a drainAnswer, err error) {
	d := &drainer{side: s, order: o, written: s.writes(), start: time.Now(), cpu: processTime()}
	d.last, d.lastCPU = d.start, d.cpu
	times := make([][]time.Duration, consumers)
	var group sync.WaitGroup
	for i := range consumers {
		group.Go(func() { times[i] = d.work(i) })
	}
	group.Wait()
	if failed := d.failed.Load(); failed != nil {
		return a, *failed
	}
	if err := s.queue.Flush(context.Background()); err != nil {
		return a, err
	}
	a = drainAnswer{Tenths: d.tenths, Took: time.Since(d.start), CPU: processTime() - d.cpu, Written: s.writes()}
	a.Written.add(-1, d.written)
	var slice loadSlice
	for _, t := range times[1:] {
		times[0] = append(times[0], t...)
	}
	slice.setTimes(times[0])
	a.P99 = slice.P99
	return a, nil
}

// drainer is a drain in progress.
type drainer struct {
	side   *queueSide
	order  *drainOrder
	taken  atomic.Int64
	failed atomic.Pointer[error]

	start   time.Time
	cpu     time.Duration
	written writes

	mu      sync.Mutex
	last    time.Time // the end of the last tenth
	lastCPU time.Duration
	tenths  [10]tenth
}

// work takes from endpoints in turn, each worker from its share of them where there are as many, until all there is is taken.
func (d *drainer) work(n int) (times []time.Duration) {
	random := rand.New(rand.NewPCG(d.side.seed, uint64(n)))
	stride := min(consumers, d.order.Endpoints)
	total := int64(d.order.Deliveries)
	idle := time.Now()
	for at := n % stride; d.taken.Load() < total && d.failed.Load() == nil; at += stride {
		if at >= d.order.Endpoints {
			at = n % stride
		}
		begin := time.Now()
		delivery, ok := d.side.queue.Take(queue.EndpointID(deadEndpoint + at))
		if !ok {
			if begin.Sub(idle) > drainTimeout {
				d.fail(fmt.Errorf("only %d of %d deliveries can be taken", d.taken.Load(), total))
			}
			continue
		}
		idle = time.Now()
		times = append(times, idle.Sub(begin))
		if err := d.side.queue.Settle(&delivery, d.outcome(random)); err != nil {
			d.fail(err)
		}
		if taken := d.taken.Add(1); taken*10%total == 0 {
			d.endTenth(taken*10/total - 1)
		}
	}
	return times
}

func (d *drainer) fail(err error) { d.failed.CompareAndSwap(nil, &err) }

// reschedulePast is how far ahead a delivery is due again, and reschedule how much further at most.
const reschedulePast, reschedule = 30 * time.Minute, 10 * time.Minute

func (d *drainer) outcome(random *rand.Rand) queue.Outcome {
	o := queue.Outcome{Verdict: d.order.Verdict, Attempted: true, Status: 200}
	if o.Verdict == queue.Again {
		o.Status, o.At = 503, time.Now().Add(reschedulePast+rand.N(reschedule))
	}
	if d.order.Record {
		o.Record = queueRecord(random)
	}
	return o
}

func (d *drainer) endTenth(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, cpu := time.Now(), processTime()
	d.tenths[n] = tenth{now.Sub(d.last), cpu - d.lastCPU}
	d.last, d.lastCPU = now, cpu
}
