package bench

import (
	"math"
	"testing"
	"time"
)

func TestGrowth(t *testing.T) {
	for name, c := range map[string]struct {
		megabytes []int64 // one every half minute
		want      float64
	}{
		"none": {nil, 0}, "one": {[]int64{7}, 0}, "flat": {[]int64{5, 5, 5}, 0},
		"steady": {[]int64{100, 103, 106, 109}, 6}, "less": {[]int64{9, 8, 7}, -2},
		"saw teeth": {[]int64{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}, 0.05},
	} {
		var series []memory
		for i, m := range c.megabytes {
			series = append(series, memory{at: time.Time{}.Add(time.Duration(i) * 30 * time.Second), resident: m * 1e6})
		}
		if got := growth(series, func(m memory) int64 { return m.resident }); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s: %v MB a minute, want %v", name, got, c.want)
		}
	}
}
