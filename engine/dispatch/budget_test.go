package dispatch

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"hookline/engine/webhook"
	"hookline/queue"
)

func sortByStart(log []webhook.Attempt) {
	slices.SortFunc(log, func(a, b webhook.Attempt) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
}

// retry has a delivery in the queue that was attempted once, and is due now.
func (q *fakeQueue) retry(ep queue.EndpointID) {
	now := time.Now()
	q.mu.Lock()
	q.next++
	q.insert(&queue.Delivery{
		Event: q.next, Endpoint: ep, Due: now, Accepted: now.Add(-time.Minute), FirstFailure: now.Add(-time.Minute), Attempts: 1,
		Payload: []byte(`{"id":1}`),
	})
	q.mu.Unlock()
	q.ready(ep, now)
}

// busy makes a rig with a host that serves 100 requests a second, ten at a time.
func busy(t *testing.T, share float64) *rig {
	r := newRig(t, func(o *Options) {
		o.HostLimit = 10
		o.RetryBudget.Share = share
	})
	r.serve("h:80", func(*fasthttp.RequestCtx) { time.Sleep(100 * time.Millisecond) })
	r.target(1, "h:80", jiraPolicy())
	return r
}

// crowd has as many retries as first attempts waiting, in turns, and returns the retries that were made before the last first
// attempt, and how many attempts there were then.
func crowd(t *testing.T, r *rig) (retries, all int) {
	const each = 1000
	for range each {
		r.queue.retry(1)
		r.queue.accept(1, 1)
	}
	r.start()
	r.queue.wait(2 * each)
	log := r.log()
	sortByStart(log)
	if len(log) != 2*each || r.queue.count(queue.Done) != 2*each {
		t.Errorf("%d attempts, %d delivered", len(log), r.queue.count(queue.Done))
	}
	last := len(log) - 1
	for log[last].Number != 1 {
		last--
	}
	for _, a := range log[:last] {
		if a.Number == 2 {
			retries++
		}
		if a.Number > 2 {
			t.Errorf("being put off used up an attempt: %+v", a)
		}
	}
	return retries, last
}

// While first attempts wait, retries have their share of what is sent, and the floor.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := busy(t, 0.2)
		retries, all := crowd(t, r)
		spans := float64(all)/100/budgetSpan.Seconds() + 1
		if most := 0.2*float64(all) + 10*spans; float64(retries) > most || float64(retries) < 0.2*float64(all) {
			t.Errorf("%d retries among %d attempts while first attempts waited", retries, all)
		}
		if n := r.Stats().PutOff; n < 500 || n > 1500 {
			t.Errorf("1000 retries were put off %d times", n)
		}
	})
}

func TestRetryBudgetOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := busy(t, -1)
		if retries, all := crowd(t, r); retries < 980 || r.Stats().PutOff != 0 {
			t.Errorf("%d retries among %d attempts, %d put off", retries, all, r.Stats().PutOff)
		}
	})
}

// Where no first attempt waits, retries have the whole host.
func TestRetriesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := busy(t, 0.2)
		start := time.Now()
		for range 1000 {
			r.queue.retry(1)
		}
		r.start()
		r.queue.wait(1000)
		if took := time.Since(start); took > 10100*time.Millisecond || r.Stats().PutOff != 0 {
			t.Errorf("took %v, %d put off", took, r.Stats().PutOff)
		}
	})
}

// First attempts that are made in time keep no retry waiting.
func TestRetriesBesideFirstAttemptsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := busy(t, 0.2)
		r.start()
		for range 200 { // 20 first attempts a second and twice as many retries
			r.queue.accept(1, 1)
			r.queue.retry(1)
			r.queue.retry(1)
			time.Sleep(50 * time.Millisecond)
		}
		r.queue.wait(600)
		if n := r.Stats().PutOff; n != 0 {
			t.Errorf("%d put off", n)
		}
	})
}

// What is let through while first attempts wait is within the budget as it counts, and what is put off comes back in a
// while, later the more there is of it.
func TestBudgetCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := RetryBudget{Share: rapid.Float64Range(0, 1).Draw(t, "share"), Floor: rapid.IntRange(0, 20).Draw(t, "floor")}
		var b budget
		now := time.Unix(1_000_000, 0)
		var slot time.Time
		for range 300 {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "passes")) * time.Millisecond)
			if rapid.Bool().Draw(t, "first") {
				b.first(time.Duration(rapid.IntRange(0, 1000).Draw(t, "late"))*time.Millisecond, now)
				continue
			}
			at, ok := b.retry(&o, now)
			retries, all := b.present.retries+b.past.retries, b.present.first+b.past.first+b.present.retries+b.past.retries
			waits := now.Before(b.waiting)
			switch {
			case ok && waits && float64(retries) > o.Share*float64(all)+float64(o.Floor)+1e-9:
				t.Fatalf("%d retries among %d attempts", retries, all)
			case !ok && !waits:
				t.Fatal("put off for nobody")
			case !ok && (at.Before(now.Add(budgetSpan/2)) || at.After(now.Add(maxPutOff)) || at.Before(slot) && at.Before(now.Add(maxPutOff/2))):
				t.Fatalf("put off by %v, the one before by %v", at.Sub(now), slot.Sub(now))
			}
			if !ok {
				slot = at
			}
		}
	})
}

// storm has retries due that take a host with one endpoint half a minute, and then first attempts at half the rate that it has
// room for. It returns how long the one that waited longest did.
func storm(t *testing.T, share float64) (longest time.Duration, r *rig) {
	const retries, firsts = 3000, 1500
	r = busy(t, share)
	start := time.Now()
	for range retries {
		r.queue.retry(1)
	}
	r.start()
	for range firsts {
		time.Sleep(20 * time.Millisecond)
		r.queue.accept(1, 1)
	}
	r.queue.wait(retries + firsts)
	log := r.log()
	if len(log) != retries+firsts {
		t.Errorf("%d attempts", len(log))
	}
	for _, a := range log {
		if a.Number == 1 {
			longest = max(longest, a.Start.Sub(a.Accepted))
		}
	}
	t.Logf("share %v: first attempts waited for up to %v, all was through after %v, %d put off", share, longest, time.Since(start), r.Stats().PutOff)
	return longest, r
}

// A block of retries that is ahead of an endpoint's first attempts in the order of due times is noticed although none of those has
// come up, and no other endpoint of the host has any.
func TestFirstAttemptsBehindABlockOfRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if longest, _ := storm(t, 0.2); longest > time.Second {
			t.Errorf("a first attempt waited for %v", longest)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if longest, r := storm(t, -1); longest < 20*time.Second || r.Stats().PutOff != 0 {
			t.Errorf("without a budget the longest wait is %v, %d put off: there is no block", longest, r.Stats().PutOff)
		}
	})
}
