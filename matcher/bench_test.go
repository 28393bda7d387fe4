package matcher

import (
	"fmt"
	"runtime"
	"testing"

	"hookline/jql"
)

const (
	filterSeed = 42
	eventSeed  = 99
)

func benchSizes(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { run(b, n) })
	}
}

// BenchmarkMatch measures one event from its terms to the matching subscribers.
func BenchmarkMatch(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		x := New()
		x.Update(newWorkload(filterSeed).entries(1, n), nil)
		benchMatch(b, x)
	})
}

// BenchmarkMatchDelta is BenchmarkMatch with as many changes since the last merge as there may be.
func BenchmarkMatchDelta(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		x := New()
		w := newWorkload(filterSeed)
		x.Update(w.entries(1, n), nil)
		late := max(min(1024, n/2), n/20) / 2
		var gone []ID
		for i := range late {
			gone = append(gone, ID(1+i))
		}
		x.Update(w.entries(ID(n+1), late), gone)
		if x.Stats().Delta == 0 {
			b.Fatal("merged")
		}
		benchMatch(b, x)
	})
}

// BenchmarkMatchConditions is BenchmarkMatch where a quarter of the tests are conditions, many of which
// several filters share, over summaries of twenty words.
func BenchmarkMatchConditions(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		x := New()
		w, docs := newWorkload(filterSeed), newWorkload(eventSeed)
		w.conditions, docs.conditions = 0.25, 0.25
		x.Update(w.entries(1, n), nil)
		benchMatchOf(b, x, docs)
		s := x.Stats()
		b.ReportMetric(float64(s.Conditions), "conditions")
		b.ReportMetric(float64(s.Bytes)/float64(n), "B/filter")
	})
}

func benchMatch(b *testing.B, x *Index) { benchMatchOf(b, x, newWorkload(eventSeed)) }

func benchMatchOf(b *testing.B, x *Index, docs *workload) {
	v := x.View()
	var events []prepared
	for _, d := range docs.documents(2000) {
		events = append(events, d.prepare(v))
	}
	var e Event
	var ids []ID
	matches, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		events[i%len(events)].fill(&e, v)
		e.SetTime(firstDay)
		ids = v.Match(ids[:0], &e)
		matches += len(ids)
		i++
	}
	b.ReportMetric(float64(matches)/float64(b.N), "matches/op")
}

// BenchmarkFloor is the part of BenchmarkMatch that comes before any index: looking the terms up.
func BenchmarkFloor(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		x := New()
		x.Update(newWorkload(filterSeed).entries(1, n), nil)
		v := x.View()
		var events []prepared
		for _, d := range newWorkload(eventSeed).documents(2000) {
			events = append(events, d.prepare(v))
		}
		var e Event
		i := 0
		for b.Loop() {
			events[i%len(events)].fill(&e, v)
			i++
		}
	})
}

// BenchmarkLoop evaluates every filter for every event: what the index is there to avoid.
func BenchmarkLoop(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		entries := newWorkload(filterSeed).entries(1, n)
		docs := newWorkload(eventSeed).documents(100)
		var ids []ID
		i := 0
		for b.Loop() {
			d := docs[i%len(docs)]
			ids = ids[:0]
			for _, s := range entries {
				if s.Filter.Holds(d.lookup, d.now) {
					ids = append(ids, s.ID)
				}
			}
			i++
		}
	})
}

// BenchmarkBuild fills an empty index in one call and reports its memory.
func BenchmarkBuild(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		entries := newWorkload(filterSeed).entries(1, n)
		var x *Index
		b.ReportAllocs()
		for b.Loop() {
			x = New()
			x.Update(entries, nil)
		}
		perFilter := float64(b.N) * float64(n)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/perFilter, "ns/filter")
		b.ReportMetric(float64(x.Stats().Bytes)/float64(n), "B/filter")
		x = nil
		before := heap()
		x = New()
		x.Update(entries, nil)
		b.ReportMetric(float64(heap()-before)/float64(n), "heap-B/filter")
		runtime.KeepAlive(x)
		runtime.KeepAlive(entries)
	})
}

// BenchmarkUpdate replaces one subscriber's filter per call, merges included.
func BenchmarkUpdate(b *testing.B) {
	benchSizes(b, func(b *testing.B, n int) {
		w := newWorkload(filterSeed)
		x := New()
		x.Update(w.entries(1, n), nil)
		changes := append(w.entries(1, n), w.entries(1, n)...)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			at := i % len(changes)
			x.Update(changes[at:at+1], nil)
			i++
		}
	})
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// BenchmarkBuildOfDisjunctions builds from conjunctions of two large disjunctions, of which one is left to verify for
// every part of the other: what a part takes must not grow with their number.
func BenchmarkBuildOfDisjunctions(b *testing.B) {
	for _, parts := range []int{64, 512} {
		b.Run(fmt.Sprint(parts), func(b *testing.B) {
			var add []Entry
			for i := range 4096 / parts {
				var left, right []jql.Node
				for j := range parts {
					other := not(fieldS, fmt.Sprint("s", j))
					left = append(left, all(is(fieldP, fmt.Sprint("v", i+j)), other))
					right = append(right, all(is(fieldL, fmt.Sprint("v", i+j)), other))
				}
				add = append(add, Entry{ID(i), jql.NewFilter(all(some(left...), some(right...)))})
			}
			for b.Loop() {
				New().Update(add, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*4096), "ns/part")
		})
	}
}
