package queue

import (
	"sync"
	"time"
)

// ages counts the deliveries that are owed by the time at which they were accepted: waiting, or in hand. A delivery is
// counted once when it is handed over and once when it ends, so retries change nothing.
//
// The counts are of fixed spans of time, and finer the younger they are. Which one a delivery is in follows from the time
// alone, so the order in which deliveries are counted in and out does not matter: what was there at Open is added in the
// end, after some of it was settled.
type ages struct {
	mu    sync.Mutex
	lanes [lanes][len(spans)]map[micros]int64 // by the beginning of the span
	since [len(spans) - 1]micros              // from when on counts are in this span, and not in a wider one
}

const (
	second = micros(time.Second / time.Microsecond)
	minute = 60 * second
	hour   = 60 * minute
)

// spans are how wide the spans are, and to what age: a second up to an hour, a minute up to two days, an hour beyond. So the
// counts take a few thousand entries at most, and one more for each hour of what is older.
var spans = [...]struct{ width, upTo micros }{{second, hour}, {minute, 48 * hour}, {hour, 0}}

// newCensus returns counts to be made apart and merged.
func newCensus(now micros) *ages {
	a := new(ages)
	a.fold(now)
	return a
}

// add counts n deliveries accepted at a time in, or out if n is negative.
func (a *ages) add(now micros, l Lane, at micros, n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fold(now)
	a.count(l, at, n)
}

// merge adds counts that were made apart.
func (a *ages) merge(now micros, other *ages) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fold(now)
	other.fold(now)
	for l := range other.lanes {
		for i := range other.lanes[l] {
			for at, n := range other.lanes[l][i] {
				a.count(Lane(l), at, n)
			}
		}
	}
}

func (a *ages) count(l Lane, at micros, n int64) {
	i := 0
	for i < len(a.since) && at < a.since[i] {
		i++
	}
	m := a.lanes[l][i]
	if m == nil {
		m = make(map[micros]int64)
		a.lanes[l][i] = m
	}
	at -= at % spans[i].width
	if sum := m[at] + n; sum != 0 || i == 0 { // the second that everything is accepted in comes back at once
		m[at] = sum
	} else {
		delete(m, at)
	}
}

// fold moves what has become too old for its span to the next one, which begins and ends with whole spans of that.
func (a *ages) fold(now micros) {
	for i := range a.since {
		since := now - spans[i].upTo
		if since -= since % spans[i+1].width; since <= a.since[i] {
			continue
		}
		a.since[i] = since
		for l := range a.lanes {
			for at, n := range a.lanes[l][i] {
				if at < since {
					delete(a.lanes[l][i], at)
					a.count(Lane(l), at, n)
				}
			}
		}
	}
}

// oldest returns when the oldest delivery of a lane was accepted, at the beginning of its span, and false if none is owed.
func (a *ages) oldest(l Lane) (at micros, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at = end.due
	for _, m := range a.lanes[l] {
		for start, n := range m {
			if n > 0 && start < at {
				at, ok = start, true
			}
		}
	}
	return at, ok
}

// before returns how many deliveries of a lane were accepted before a time, as far as their whole span was.
func (a *ages) before(l Lane, t micros) (n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, m := range a.lanes[l] {
		for start, sum := range m {
			if start+spans[i].width <= t {
				n += sum
			}
		}
	}
	return max(n, 0)
}

// OldestAge returns how long ago the oldest event was accepted that a delivery in a lane is still owed of, waiting or in
// hand; 0 if there is none. Attempts make no difference to it, and a delivery by Resend counts from that. What was there at Open is
// left out until Stats.Counted.
//
// It is exact to a second up to an hour, to a minute up to two days and to an hour beyond, and rounded up. It
// takes some ten microseconds, and no disk.
func (q *Queue) OldestAge(l Lane) time.Duration {
	now := q.clock.present()
	at, ok := q.ages.oldest(l)
	if !ok {
		return 0
	}
	return time.Duration(max(now-at, 0)) * time.Microsecond
}

// OlderThan returns how many deliveries of a lane are owed, waiting or in hand, whose event was accepted longer ago than
// age. It is exact as OldestAge is, and rounded down.
func (q *Queue) OlderThan(l Lane, age time.Duration) int64 {
	return q.ages.before(l, q.clock.present()-micros(age/time.Microsecond))
}
