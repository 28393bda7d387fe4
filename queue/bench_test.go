package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// BenchmarkFanOut accepts messages that are owed to ten thousand endpoints, one after the other. accept-ms is until Accept
// returns, deliveries/s until all of them can be taken.
func BenchmarkFanOut(b *testing.B) {
	up, mixed := make([]EndpointID, 10_000), make([]EndpointID, 10_000)
	for i, ep := range rand.New(rand.NewPCG(1, 2)).Perm(len(mixed)) {
		up[i], mixed[i] = EndpointID(i), EndpointID(ep)
	}
	b.Run("ascending", func(b *testing.B) { benchFanOut(b, up) })
	b.Run("mixed", func(b *testing.B) { benchFanOut(b, mixed) })
}

func benchFanOut(b *testing.B, eps []EndpointID) {
	db := benchDB(b)
	q, err := Open(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 2<<10)
	ts := to(eps...)
	for i := range ts {
		ts[i].Note = make([]byte, 8)
	}
	var accepts []time.Duration
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		if _, err := q.Accept(context.Background(), Message{Payload: payload, Deliveries: ts}); err != nil {
			b.Fatal(err)
		}
		accepts = append(accepts, time.Since(begin))
		if err := q.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	slices.Sort(accepts)
	b.ReportMetric(accepts[len(accepts)/2].Seconds()*1e3, "accept-ms")
	b.ReportMetric(float64(b.N*len(ts))/b.Elapsed().Seconds(), "deliveries/s")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

// BenchmarkDrainOne takes and settles a backlog of one endpoint that is on disk only, with payloads of 1 KiB. last/first is
// the rate of the last tenth beside that of the first.
//
//	go test ./queue -run '^$' -bench DrainOne -benchtime 1000000x
func BenchmarkDrainOne(b *testing.B) {
	db := benchDB(b)
	q, err := Open(db, Options{HandOffBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	benchFill(b, q, b.N, 1, make([]byte, 1<<10))
	var tenths [11]time.Duration
	begin := time.Now()
	b.ResetTimer()
	for n := range b.N {
		d, ok := q.Take(0)
		if !ok {
			b.Fatalf("nothing to take after %d of %d", n, b.N)
		}
		if err := q.Settle(&d, done); err != nil {
			b.Fatal(err)
		}
		tenths[(n+1)*10/b.N] = time.Since(begin)
	}
	if err := q.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(tenths[1].Seconds()/(tenths[10]-tenths[9]).Seconds(), "last/first")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

// BenchmarkRestart opens a queue with one delivery waiting for each of some endpoints, behind those that were settled.
// first-ms is until the first delivery is taken, found-ms until all endpoints with work are known.
//
//	go test ./queue -run '^$' -bench Restart -benchtime 5000000x
func BenchmarkRestart(b *testing.B) {
	for _, endpoints := range []int{1, 1000} {
		b.Run(fmt.Sprintf("endpoints=%d", endpoints), func(b *testing.B) { benchRestart(b, endpoints) })
	}
}

func benchRestart(b *testing.B, endpoints int) {
	db := benchDB(b)
	q, err := Open(db, Options{HandOffBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	benchFill(b, q, b.N, endpoints, nil)
	for n := 0; n < b.N; n++ {
		d, ok := q.Take(EndpointID(n % endpoints))
		if !ok {
			b.Fatalf("nothing to take after %d", n)
		}
		if err := q.Settle(&d, done); err != nil {
			b.Fatal(err)
		}
	}
	benchFill(b, q, endpoints, endpoints, nil)
	if err := q.Close(); err != nil {
		b.Fatal(err)
	}
	ready := make(chan EndpointID, endpoints)
	b.ResetTimer()
	begin := time.Now()
	q, err = Open(db, Options{Ready: func(id EndpointID, _ time.Time) { ready <- id }})
	if err != nil {
		b.Fatal(err)
	}
	if _, ok := q.Take(<-ready); !ok {
		b.Error("nothing to take")
	}
	first := time.Since(begin)
	for !q.Stats().Recovered {
		time.Sleep(100 * time.Microsecond)
	}
	found := time.Since(begin)
	b.StopTimer()
	b.ReportMetric(first.Seconds()*1e3, "first-ms")
	b.ReportMetric(found.Seconds()*1e3, "found-ms")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

// benchFill accepts n messages for one endpoint after the other.
func benchFill(b *testing.B, q *Queue, n, endpoints int, payload []byte) {
	batch := make([]Message, 0, 1000)
	for done := 0; done < n; done += len(batch) {
		batch = batch[:0]
		for i := range min(cap(batch), n-done) {
			batch = append(batch, Message{Payload: payload, Deliveries: to(EndpointID((done + i) % endpoints))})
		}
		if _, err := q.AcceptAll(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
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

// BenchmarkAcceptBesideLarge accepts messages of 2 KiB from 64 producers, and twice a second one of 25 MB from another,
// that is kept in a file or in the database. All are settled. One operation is one small message accepted.
//
//	go test ./queue -run '^$' -bench AcceptBesideLarge -benchtime 500000x
func BenchmarkAcceptBesideLarge(b *testing.B) {
	for _, c := range []struct {
		name  string
		large bool
		dir   bool
	}{{"alone", false, true}, {"beside=file", true, true}, {"beside=database", true, false}} {
		b.Run(c.name, func(b *testing.B) { benchBesideLarge(b, c.large, c.dir) })
	}
}

func benchBesideLarge(b *testing.B, large, dir bool) {
	const producers, endpoints, place = 64, 1000, EndpointID(1000)
	ready := make(chan EndpointID, 1<<20)
	o := Options{Ready: func(ep EndpointID, _ time.Time) {
		select {
		case ready <- ep:
		default:
		}
	}}
	if dir {
		o.Dir = b.TempDir()
	}
	q, err := Open(benchDB(b), o)
	if err != nil {
		b.Fatal(err)
	}
	accept := func(payload []byte, ep EndpointID) time.Duration {
		begin := time.Now()
		if _, err := q.Accept(context.Background(), Message{Payload: payload, Deliveries: to(ep)}); err != nil {
			b.Error(err)
		}
		return time.Since(begin)
	}
	var working, producing, besides sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for ep := range ready {
				for d, ok := q.Take(ep); ok; d, ok = q.Take(ep) {
					if err := q.Settle(&d, done); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, producers)
	payload := make([]byte, 2<<10)
	b.ResetTimer()
	for p := range producers {
		producing.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(p)))
			for left.Add(-1) >= 0 {
				took[p] = append(took[p], accept(payload, EndpointID(rng.IntN(endpoints))))
			}
		})
	}
	end := make(chan struct{})
	var tookLarge []time.Duration
	if large {
		besides.Go(func() {
			payload, tick := make([]byte, 25_000_000), time.NewTicker(500*time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					tookLarge = append(tookLarge, accept(payload, place))
				case <-end:
					return
				}
			}
		})
	}
	producing.Wait()
	b.StopTimer()
	close(end)
	besides.Wait()
	small := slices.Sorted(slices.Values(slices.Concat(took...)))
	slices.Sort(tookLarge)
	for name, of := range map[string]int{"p50": 500, "p99": 990, "p999": 999} {
		b.ReportMetric(small[(len(small)-1)*of/1000].Seconds()*1e3, name+"-ms")
	}
	b.ReportMetric(small[len(small)-1].Seconds()*1e3, "max-ms")
	if n := len(tookLarge); n > 0 {
		b.ReportMetric(tookLarge[n/2].Seconds()*1e3, "large-p50-ms")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	close(ready)
	working.Wait()
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}

// BenchmarkPark parks a million deliveries and unparks them again, on disk as in memory. Beside the time that each call takes
// it reports when the counts were right again.
//
//	go test ./queue -run '^$' -bench Park -benchtime 5x
func BenchmarkPark(b *testing.B) {
	const n, perMessage = 1_000_000, 1000
	db := benchDB(b)
	q, err := Open(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]Message, perMessage)
	for i := range batch {
		batch[i] = Message{Payload: make([]byte, 100), Deliveries: []Target{{Endpoint: 1}}}
	}
	for range n / perMessage {
		if _, err := q.AcceptAll(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	var park, unpark, counted time.Duration
	step := func(sum *time.Duration, do func() error, dead int64) {
		begin := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		*sum += time.Since(begin)
		for !q.Stats().Counted {
			time.Sleep(time.Millisecond)
		}
		counted += time.Since(begin)
		if s := q.Stats(); s.Dead != dead || s.Waiting != n-dead {
			b.Fatalf("%d dead, %d waiting", s.Dead, s.Waiting)
		}
	}
	b.ResetTimer()
	for range b.N {
		step(&park, func() error { return q.Park(1, Disabled) }, n)
		step(&unpark, func() error { return q.Unpark(1) }, 0)
	}
	b.StopTimer()
	ms := func(d time.Duration, of int) float64 { return float64(d.Microseconds()) / 1000 / float64(of) }
	b.ReportMetric(ms(park, b.N), "park-ms")
	b.ReportMetric(ms(unpark, b.N), "unpark-ms")
	b.ReportMetric(ms(counted, 2*b.N), "counted-ms")
	if err := q.Close(); err != nil {
		b.Error(err)
	}
}
