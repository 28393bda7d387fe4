package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/store"
	"hookline/queue"
)

// queueSide is a queue that is measured, on a store like the engine's, and what works on it. Its methods are called one after
// the other.
type queueSide struct {
	seed    uint64
	written atomic.Int64 // bytes, to all files of the store
	store   *store.Store
	queue   *queue.Queue

	first     chan queue.EndpointID // the first endpoint with work at the opening
	ready     chan queue.EndpointID // live endpoints with something due
	announced []atomic.Bool         // by live endpoint: it is in ready
	stop      chan struct{}         // closed to end the consumers
	consumers sync.WaitGroup
	lost      atomic.Int64
	failed    atomic.Pointer[error] // the first error of a consumer
}

const (
	liveEndpoints = 1000
	largeEndpoint = liveEndpoints // the one that large payloads go to; it is live too

	// deadEndpoint is the first endpoint of a backlog.
	deadEndpoint = 1 << 20

	// consumers is how many goroutines take and settle. They are enough to keep the cores busy, which is
	// what limits them: none waits for anything.
	consumers = 4
)

func (s *queueSide) open(o *openOrder) (a openAnswer, err error) {
	start := time.Now()
	s.seed = o.Seed
	s.first = make(chan queue.EndpointID, 1)
	s.ready = make(chan queue.EndpointID, liveEndpoints+1)
	s.announced = make([]atomic.Bool, liveEndpoints+1)
	s.stop = make(chan struct{})
	s.store, err = store.Open(o.Dir, store.Options{FS: counted{vfs.Default, &s.written}, Logger: failuresOnly()})
	if err != nil {
		return a, err
	}
	s.queue, err = queue.Open(s.store.DB(), queue.Options{
		Ready: s.announce, Lost: func(queue.Lane, queue.Reason) { s.lost.Add(1) },
		Cache: s.store.Cache(), FS: s.store.FS(), Dir: s.store.PayloadDir(), Logger: failuresOnly(),
	})
	if err != nil {
		return a, err
	}
	a.Took = time.Since(start)
	for range consumers {
		s.consumers.Go(s.consume)
	}
	if o.First {
		err = s.firstDelivery()
	}
	return a, err
}

func (s *queueSide) close() (err error) {
	if s.queue != nil {
		close(s.stop)
		s.consumers.Wait()
		err = s.queue.Close()
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// announce is told of endpoints with work by the queue.
func (s *queueSide) announce(id queue.EndpointID, due time.Time) {
	if id >= deadEndpoint {
		select {
		case s.first <- id:
		default:
		}
		return
	}
	if !s.announced[id].Swap(true) {
		s.ready <- id // there is room for all
	}
}

// consume takes what the live endpoints have as it is announced, and settles it at once.
func (s *queueSide) consume() {
	random := rand.New(rand.NewPCG(s.seed, rand.Uint64()))
	for {
		select {
		case id := <-s.ready:
			s.announced[id].Store(false)
			s.settleAll(id, random)
			s.later(id)
		case <-s.stop:
			return
		}
	}
}

func (s *queueSide) settleAll(id queue.EndpointID, random *rand.Rand) {
	for {
		d, ok := s.queue.Take(id)
		if !ok {
			return
		}
		o := queue.Outcome{Verdict: queue.Done, Attempted: true, Status: 200, Record: queueRecord(random)}
		if err := s.queue.Settle(&d, o); err != nil {
			s.failed.CompareAndSwap(nil, &err)
		}
	}
}

// later comes back to an endpoint whose next delivery cannot be taken yet: an accept that is older is still in progress.
func (s *queueSide) later(id queue.EndpointID) {
	due, ok := s.queue.NextDue(id)
	if !ok || s.announced[id].Load() {
		return
	}
	time.AfterFunc(time.Until(due), func() { s.announce(id, due) })
}

// firstDelivery waits until a delivery that was there at the opening is in hand.
func (s *queueSide) firstDelivery() error {
	deadline := time.After(drainTimeout)
	var id queue.EndpointID
	select {
	case id = <-s.first:
	case <-deadline:
		return errors.New("no endpoint has work")
	}
	for {
		d, ok := s.queue.Take(id)
		if ok {
			if len(d.Payload) == 0 {
				return errors.New("a delivery has no payload")
			}
			s.queue.Release(&d)
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("endpoint %d has nothing due", id)
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// recordBytes is about what the engine keeps of an attempt: numbers, the beginning of an answer, and the webhooks.
const recordBytes = 100

// records are made beforehand, so that making them is no part of what is measured. They are so many that hardly one is twice in a block
// of a table, which would be compressed.
var records = sync.OnceValue(func() [][]byte {
	all := make([][]byte, 1<<13)
	const answer = `{"status":"accepted","id":"`
	random := rand.New(rand.NewPCG(1, 1))
	for n := range all {
		r := make([]byte, recordBytes)
		for i := range r {
			r[i] = "0123456789abcdef"[random.IntN(16)]
		}
		copy(r[24:], answer)
		all[n] = r
	}
	return all
})

func queueRecord(random *rand.Rand) []byte {
	all := records()
	return all[random.IntN(len(all))]
}

// look waits for the queue to have counted what it has, and with Settled for the store to have done what it has to.
func (s *queueSide) look(o *lookOrder) (a lookAnswer, err error) {
	for end := time.Now().Add(drainTimeout); !s.queue.Stats().Counted; {
		if time.Now().After(end) {
			return a, errors.New("what waits is not counted yet")
		}
		time.Sleep(depthPoll)
	}
	if o.Settled {
		if err := s.store.DB().Flush(); err != nil {
			return a, err
		}
		s.calm()
	}
	a.Waiting, a.RSS, a.PeakRSS = s.queue.Stats().Waiting, resident("VmRSS"), resident("VmHWM")
	tables, err := s.store.DB().EstimateDiskUsage([]byte(deliveryKeys), []byte(behindDeliveryKeys))
	a.Tables = int64(tables)
	return a, err
}

// All keys of deliveries begin with a byte of their own, see package queue.
const deliveryKeys, behindDeliveryKeys = "q", "r"

// writes are bytes that were written: to all files, and of those to the write-ahead log, to tables when memtables were flushed, and to
// tables by compactions.
type writes struct{ All, Log, Flushed, Compacted int64 }

func (s *queueSide) writes() writes {
	m := s.store.DB().Metrics()
	w := writes{All: s.written.Load(), Log: int64(m.WAL.BytesWritten)}
	for i := range m.Levels {
		w.Flushed += int64(m.Levels[i].TableBytesFlushed)
		w.Compacted += int64(m.Levels[i].TableBytesCompacted)
	}
	return w
}

func (w *writes) add(n int64, o writes) {
	w.All += n * o.All
	w.Log += n * o.Log
	w.Flushed += n * o.Flushed
	w.Compacted += n * o.Compacted
}

// calm waits until the store has compacted what it was given.
func (s *queueSide) calm() {
	for end := time.Now().Add(calmTimeout); time.Now().Before(end); {
		before := s.written.Load()
		time.Sleep(aftermath)
		if s.written.Load()-before < calmSecond {
			return
		}
	}
}

// profiled calls f, with a CPU profile in a file if it has a name.
func profiled(name string, f func() error) (err error) {
	if name == "" {
		return f()
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// settled waits until as many deliveries as given are done, and their outcomes durable. It returns how many are not.
func (s *queueSide) settled(done uint64) (missing int64, err error) {
	for end := time.Now().Add(drainTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if s.queue.Stats().Done >= done {
			break
		}
	}
	missing = int64(done) - int64(s.queue.Stats().Done)
	if failed := s.failed.Load(); failed != nil {
		err = *failed
	}
	return missing, errors.Join(err, s.queue.Flush(context.Background()))
}
