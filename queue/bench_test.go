package queue

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// BenchmarkAcceptSettle accepts messages of 2 KiB from 64 producers, and four workers settle them as
// soon as they are ready. One operation is one message accepted, synced, taken and settled.
//
//	go test ./queue -run '^$' -bench AcceptSettle -benchmem
func BenchmarkAcceptSettle(b *testing.B) {
	for _, c := range []struct {
		name      string
		endpoints int
		fanOut    int
	}{{"endpoints=1000", 1000, 1}, {"endpoints=1", 1, 1}, {"fanout=10", 1000, 10}} {
		b.Run(c.name, func(b *testing.B) { benchAcceptSettle(b, c.endpoints, c.fanOut) })
	}
}

func benchAcceptSettle(b *testing.B, endpoints, fanOut int) {
	const producers, workers = 64, 4
	ready := make(chan EndpointID, 1<<20)
	db := benchDB(b)
	q, err := Open(db, Options{Ready: func(ep EndpointID, _ time.Time) {
		select {
		case ready <- ep:
		default:
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 2<<10)
	for i := range payload {
		payload[i] = "{\"key\": value, 0123456789}"[rand.IntN(26)]
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	var producing, working sync.WaitGroup
	b.ResetTimer()
	for p := range producers {
		producing.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(p)))
			ts := make([]Target, fanOut)
			for left.Add(-1) >= 0 {
				first := rng.IntN(endpoints)
				for i := range ts {
					ts[i].Endpoint = EndpointID((first + i) % endpoints)
				}
				if _, err := q.Accept(context.Background(), Message{Payload: payload, Deliveries: ts}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for range workers {
		working.Go(func() {
			for ep := range ready {
				for {
					d, ok := q.Take(ep)
					if !ok {
						break
					}
					if err := q.Settle(&d, done); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	producing.Wait()
	for q.Stats().Done < uint64(b.N*fanOut) {
		for ep := range endpoints {
			if due, ok := q.NextDue(EndpointID(ep)); ok && time.Now().After(due) {
				ready <- EndpointID(ep)
			}
		}
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	close(ready)
	working.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N*fanOut)/b.Elapsed().Seconds(), "deliveries/s")
	m := db.Metrics()
	b.ReportMetric(float64(m.WAL.BytesWritten+m.Levels[0].TableBytesFlushed)/float64(b.N*len(payload)), "written/in")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

func benchDB(b *testing.B) *pebble.DB {
	o := &pebble.Options{Logger: quiet{}}
	Tune(o)
	o.EventListener = &pebble.EventListener{
		PossibleAPIMisuse: func(pebble.PossibleAPIMisuseInfo) { b.Error("a key was written or deleted twice") },
	}
	db, err := pebble.Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// BenchmarkDrain takes and settles a backlog that is on disk only: ten endpoints, 1 KiB payloads.
func BenchmarkDrain(b *testing.B) { benchDrain(b, 0) }

// BenchmarkDrainInOrder is BenchmarkDrain with one order key: all but the first that is read of an endpoint have to wait.
func BenchmarkDrainInOrder(b *testing.B) { benchDrain(b, 1) }

func benchDrain(b *testing.B, order uint64) {
	db := benchDB(b)
	q, err := Open(db, Options{HandOffBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 1<<10)
	batch := make([]Message, 0, 500)
	for n := 0; n < b.N; n += len(batch) {
		batch = batch[:0]
		for i := range min(cap(batch), b.N-n) {
			batch = append(batch, Message{Payload: payload, Deliveries: []Target{{Endpoint: EndpointID(i % 10), Order: order}}})
		}
		if _, err := q.AcceptAll(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for n := 0; n < b.N; {
		d, ok := q.Take(EndpointID(n % 10))
		if !ok {
			b.Fatalf("nothing to take after %d of %d", n, b.N)
		}
		n++
		if err := q.Settle(&d, done); err != nil {
			b.Fatal(err)
		}
	}
	if err := q.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

// BenchmarkCommit is what the database alone does for as many producers: the measure for AcceptSettle.
func BenchmarkCommit(b *testing.B) {
	db := benchDB(b)
	payload := make([]byte, 2<<10)
	for i := range payload {
		payload[i] = "{\"key\": value, 0123456789}"[rand.IntN(26)]
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := db.Set(appendPayloadKey(nil, EventID(n)), payload, pebble.Sync); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
