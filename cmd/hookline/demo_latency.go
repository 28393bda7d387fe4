package main

import (
	"math"
	"time"
)

// demoLatency is a histogram of times whose buckets grow by 2 %, so that its quantiles are right to 2 %
// however long a demo runs. The zero value is ready.
type demoLatency struct {
	total  int64
	counts [1024]int64 // from 1 µs to ten minutes
}

const demoGrowth = 1.02

func (h *demoLatency) observe(t time.Duration) {
	bucket := 0
	if t > time.Microsecond {
		bucket = int(math.Log(float64(t)/float64(time.Microsecond)) / math.Log(demoGrowth))
	}
	h.counts[min(bucket, len(h.counts)-1)]++
	h.total++
}

// quantile returns the time within which the share q of the observations lie, or 0 without any.
func (h *demoLatency) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.total)))
	seen := int64(0)
	for bucket, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(math.Pow(demoGrowth, float64(bucket+1)) * float64(time.Microsecond))
		}
	}
	return 0
}
