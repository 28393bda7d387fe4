package bench

import (
	"slices"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	var times []time.Duration
	for n := 100; n > 0; n-- {
		times = append(times, time.Duration(n)*time.Millisecond)
	}
	slices.Sort(times)
	for n, want := range map[int]time.Duration{500: 51, 990: 100, 999: 100, 0: 1} {
		if got := thousandth(times, n); got != want*time.Millisecond {
			t.Errorf("%d of a thousand lie below %v, want %d ms", n, got, want)
		}
	}
	if got := thousandth(nil, 990); got != 0 {
		t.Errorf("of nothing: %v", got)
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
