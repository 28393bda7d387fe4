package matcher

import (
	"fmt"
	"testing"

	"hookline/jql"
)

// crowd is filters that all stand in the same buckets: two subscribers of each, one key or several, and several leaves
// under one key.
func crowd(filters int) (entries []Entry) {
	for i := range filters {
		term := fmt.Sprint("v", i)
		node := not(fieldP, term)
		switch i % 3 {
		case 1:
			node = some(node, not(fieldS, term))
		case 2:
			node = some(all(node, not(fieldS, term)), all(node, not(fieldL, term)))
		}
		f := jql.NewFilter(node)
		entries = append(entries, Entry{ID(2 * i), f}, Entry{ID(2*i + 1), f})
	}
	return entries
}

// TestManyLeaveOneBucket removes most of a bucket in one update, with a filter kept by one of its subscribers here and
// there, and holds the view before and after against the plain evaluation.
func TestManyLeaveOneBucket(t *testing.T) {
	tuned := standard
	tuned.largeUpdate, tuned.backgroundFrom, tuned.smallIndex = 1<<30, 0, 0
	x, m := New(), model{}
	x.writer = newWriter(&tuned)
	add := crowd(60)
	x.Update(add, nil)
	m.apply(add, nil)

	x.mu.Lock()
	x.writer.merging = make(chan struct{}) // so that the removals stay removals
	x.mu.Unlock()
	before, had := x.View(), m.clone()
	var remove []ID
	for _, e := range add {
		if e.ID%7 != 0 {
			remove = append(remove, e.ID)
		}
	}
	x.Update(nil, remove)
	m.apply(nil, remove)

	v := x.View()
	if v.base != before.base || v.removals.gone == nil {
		t.Fatal("nothing was removed from the base in place")
	}
	var e Event
	for i := range 60 {
		term := []string{fmt.Sprint("v", i)}
		d := document{terms: map[jql.Field][]string{fieldP: term, fieldS: term, fieldL: {"other"}}}
		compareTo(t, before, had, d, &e)
		compareTo(t, v, m, d, &e)
	}
}

// BenchmarkRemoveFromOneBucket removes nearly all filters of an index in one update. What a removal takes must not grow
// with the size of the bucket.
func BenchmarkRemoveFromOneBucket(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			add := crowd(n)
			var remove []ID
			for _, e := range add[:len(add)/10*9] {
				remove = append(remove, e.ID)
			}
			for b.Loop() {
				b.StopTimer()
				x := New()
				x.Update(add, nil)
				b.StartTimer()
				x.Update(nil, remove)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(remove)), "ns/removal")
		})
	}
}
