package dispatch

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/queue"
)

// pause makes the endpoint's target one that is paused, or not.
func (r *rig) pause(ep queue.EndpointID, paused bool) {
	r.change(ep, func(t *Target) { t.Paused = paused })
	if !paused {
		r.Ready(ep, time.Time{})
	}
}

// change replaces the endpoint's target by one that differs.
func (r *rig) change(ep queue.EndpointID, f func(*Target)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := *r.targets[ep]
	f(&fresh)
	r.targets[ep] = &fresh
}

// takes counts the calls of Take.
type takes struct {
	*fakeQueue
	mu sync.Mutex
	n  int
}

func (q *takes) Take(ep queue.EndpointID) (queue.Delivery, bool) {
	q.mu.Lock()
	q.n++
	q.mu.Unlock()
	return q.fakeQueue.Take(ep)
}

func (q *takes) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) {
	q.mu.Lock()
	q.n++
	q.mu.Unlock()
	return q.fakeQueue.TakeFresh(ep)
}

func (q *takes) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

func TestPausedEndpointRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 2 })
		q := &takes{fakeQueue: r.queue}
		r.Start(q)
		r.serve("a:80", func(*fasthttp.RequestCtx) { time.Sleep(time.Second) })
		r.target(1, "a:80", jiraPolicy())
		r.target(2, "a:80", jiraPolicy())
		r.queue.accept(1, 10)
		time.Sleep(1500 * time.Millisecond)
		r.pause(1, true)
		time.Sleep(time.Second)
		synctest.Wait()
		if done := q.fakeQueue.count(queue.Done); done != 4 {
			t.Errorf("%d done, want the 2 before and the 2 that were in flight", done)
		}
		before := q.count()
		r.queue.accept(1, 5)
		r.queue.accept(2, 3) // a neighbour at the same host
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := q.count() - before; n > 5+3+3 { // at most one for each that was accepted, and each that was answered
			t.Errorf("%d takes while one endpoint is paused and the other has 3 deliveries", n)
		}
		if done := q.fakeQueue.count(queue.Done); done != 7 {
			t.Errorf("%d done, want 7", done)
		}
		if s := r.Stats(); s.InFlight != 0 || s.ReadyEndpoints != 0 || s.WaitingEndpoints != 0 || s.Hosts != 0 {
			t.Errorf("a paused endpoint costs %+v", s)
		}
		r.pause(1, false)
		r.queue.wait(18)
	})
}

// A delivery that is due later is sent at its time when the endpoint is paused in between, and at once when it is resumed
// after that.
func TestPauseAcrossARetry(t *testing.T) {
	for name, resume := range map[string]time.Duration{"before": 5 * time.Second, "after": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil).start()
				r.serve("a:80", status(503))
				r.target(1, "a:80", jiraPolicy())
				r.queue.accept(1, 1)
				time.Sleep(time.Second)
				r.pause(1, true)
				time.Sleep(resume - time.Second)
				r.pause(1, false)
				resumed := time.Now()
				synctest.Wait()
				time.Sleep(15 * time.Second)
				log := r.log()
				want := log[0].Next
				if want.Before(resumed) {
					want = resumed
				}
				if len(log) != 2 || !log[1].Start.Equal(want) {
					t.Errorf("%d attempts, want the second at %v", len(log), want)
				}
			})
		})
	}
}

// TestNothingIsLostBetweenPauseAndResume pauses and resumes endpoints while deliveries come. The queue tells nobody
// later what it still has, so a resumption that a worker missed leaves the test without an end.
func TestNothingIsLostBetweenPauseAndResume(t *testing.T) {
	const endpoints, each = 4, 1500
	r := newRig(t, func(o *Options) {
		o.HostLimit, o.MaxInFlight = 2, 3
		o.OnAttempt = nil
		o.IdleConn, o.IdleHost = 2*time.Millisecond, time.Nanosecond
	})
	r.Start(silentQueue{r.queue})
	for ep := range queue.EndpointID(endpoints) {
		r.target(ep, "h:80", jiraPolicy()).Render = func(*fasthttp.Request, *queue.Delivery, int) error { return errNobody }
	}
	var wg sync.WaitGroup
	for ep := range queue.EndpointID(endpoints) {
		wg.Go(func() {
			for range each {
				r.queue.accept(ep, 1)
			}
		})
		wg.Go(func() {
			for i := range 2 * each {
				r.pause(ep, i%2 == 0)
			}
		})
	}
	r.queue.wait(endpoints * each)
	wg.Wait()
}

// What waits for an endpoint that is paused and stopped is given up, without attempts.
func TestStoppedAndPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("h:80", status(200))
		r.target(1, "h:80", jiraPolicy())
		r.change(1, func(t *Target) { t.Paused = true })
		r.queue.accept(1, 5)
		r.start()
		synctest.Wait()
		if n := r.queue.count(queue.Dead); n != 0 {
			t.Errorf("%d given up of what is paused", n)
		}
		r.change(1, func(t *Target) { t.Stopped = true })
		r.Ready(1, time.Time{})
		r.queue.wait(5)
		if r.queue.dead[4].Reason != queue.Disabled || len(r.log()) != 0 {
			t.Errorf("%+v, %d attempts", r.queue.dead, len(r.log()))
		}
	})
}
