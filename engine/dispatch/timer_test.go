package dispatch

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hookline/queue"
)

func TestTimersWakeAtTheEarliestTimeAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const endpoints, calls = 200, 2000
		random := rand.New(rand.NewPCG(1, 2))
		start := time.Now()
		var mu sync.Mutex
		woken := make(map[queue.EndpointID]time.Duration)
		timers := newTimers(func(id queue.EndpointID) {
			mu.Lock()
			defer mu.Unlock()
			if _, twice := woken[id]; twice {
				t.Errorf("endpoint %d was woken twice", id)
			}
			woken[id] = time.Since(start)
		})
		want := make(map[queue.EndpointID]time.Duration)
		for range calls {
			id := queue.EndpointID(random.IntN(endpoints))
			at := time.Duration(1 + random.Int64N(int64(time.Hour)))
			timers.set(id, start.Add(at))
			if least, ok := want[id]; !ok || at < least {
				want[id] = at
			}
		}
		if timers.len() != len(want) {
			t.Errorf("%d entries for %d endpoints", timers.len(), len(want))
		}
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		for id, at := range want {
			if woken[id] != at {
				t.Errorf("endpoint %d was woken after %v, want %v", id, woken[id], at)
			}
		}
		if timers.len() != 0 || len(timers.index) != 0 {
			t.Errorf("%d entries are left", timers.len())
		}
		timers.close()
	})
}

func TestTimersInThePastFireAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		woken := make(chan queue.EndpointID, 1)
		timers := newTimers(func(id queue.EndpointID) { woken <- id })
		timers.set(1, start.Add(time.Hour))
		timers.set(1, start.Add(-time.Hour))
		if id := <-woken; id != 1 || !time.Now().Equal(start) {
			t.Errorf("endpoint %d woken after %v", id, time.Since(start))
		}
		timers.set(2, start.Add(time.Hour))
		timers.close()
		time.Sleep(2 * time.Hour)
		select {
		case id := <-woken:
			t.Errorf("endpoint %d was woken after close", id)
		default:
		}
	})
}
