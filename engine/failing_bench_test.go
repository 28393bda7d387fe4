package engine

import (
	"testing"
	"time"

	"hookline/engine/webhook"
)

// succeeding is an attempt at an endpoint that is delivered while others fail.
func succeeding() (*Engine, *webhook.Attempt) {
	e := new(Engine)
	for id := range uint64(1000) {
		e.failing.begin(&webhook.Endpoint{ID: 1000 + id}, time.Unix(0, 0))
	}
	return e, &webhook.Attempt{Endpoint: 1 << 40, Outcome: webhook.Delivered}
}

// A success allocates nothing, whatever else fails.
func TestSuccessAllocatesNothing(t *testing.T) {
	e, a := succeeding()
	if n := testing.AllocsPerRun(1000, func() { e.judge(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSuccessWhileOthersFail(b *testing.B) {
	e, a := succeeding()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e.judge(a)
		}
	})
}
