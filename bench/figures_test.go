package bench

import (
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	var times []time.Duration
	for n := 100; n > 0; n-- {
		times = append(times, time.Duration(n)*time.Millisecond)
	}
	p50, p99 := quantiles(times)
	if p50 != 51*time.Millisecond || p99 != 100*time.Millisecond {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	if p50, p99 := quantiles(nil); p50 != 0 || p99 != 0 {
		t.Errorf("of nothing: %v, %v", p50, p99)
	}
	if m := median([]int64{5, 1, 9}); m != 5 {
		t.Errorf("median %d", m)
	}
	for f, want := range map[float64]float64{0: 0, 0.123456: 0.1235, 123456: 123500, 1: 1, 9.99999: 10} {
		if got := round(f); got != want {
			t.Errorf("round(%v) is %v, want %v", f, got, want)
		}
	}
}
