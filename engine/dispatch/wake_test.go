package dispatch

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/queue"
)

// TestNoWakeUpIsLost lets endpoints become ready at the very moments in which workers find them empty.
// A lost wake-up leaves a delivery behind, and the test without an end: the queue tells nobody later
// what it still has.
func TestNoWakeUpIsLost(t *testing.T) {
	const producers, endpoints, each = 4, 6, 1500
	r := newRig(t, func(o *Options) {
		o.HostLimit, o.MaxInFlight = 3, 4
		o.OnAttempt = nil
		o.IdleConn, o.IdleHost = 2*time.Millisecond, time.Nanosecond // sweeps take part
	})
	r.Start(silentQueue{r.queue})
	for ep := range queue.EndpointID(endpoints) {
		target := r.target(ep, fmt.Sprintf("h%d:80", ep%2), jiraPolicy())
		target.Render = func(*fasthttp.Request, *queue.Delivery, int) error { return errNobody }
	}
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				r.queue.acceptIn(queue.Lane(i/endpoints%2), queue.EndpointID((i+p)%endpoints), 1)
			}
		})
	}
	r.queue.wait(producers * each)
	wg.Wait()
}

// silentQueue never tells what is due.
type silentQueue struct{ *fakeQueue }

func (silentQueue) NextDue(queue.EndpointID) (time.Time, bool)      { return time.Time{}, false }
func (silentQueue) NextDueFresh(queue.EndpointID) (time.Time, bool) { return time.Time{}, false }

// TestWakeUpBetweenTakeAndRest wakes the endpoint when the worker's Take has seen that there is nothing.
func TestWakeUpBetweenTakeAndRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const deliveries = 100
		r := newRig(t, func(o *Options) { o.HostLimit = 1 })
		r.serve("a:80", status(200))
		r.target(1, "a:80", jiraPolicy())
		q := &lateQueue{silentQueue: silentQueue{r.queue}, left: deliveries - 1}
		r.Start(q)
		r.queue.accept(1, 1)
		r.queue.wait(deliveries)
	})
}

// lateQueue accepts a delivery whenever it has just found that there is none.
type lateQueue struct {
	silentQueue
	left int
}

func (q *lateQueue) Take(ep queue.EndpointID) (queue.Delivery, bool) {
	d, ok := q.silentQueue.Take(ep)
	q.late(ep, ok)
	return d, ok
}

func (q *lateQueue) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) {
	d, ok := q.silentQueue.TakeFresh(ep)
	q.late(ep, ok)
	return d, ok
}

func (q *lateQueue) late(ep queue.EndpointID, found bool) {
	if !found && q.left > 0 {
		q.left--
		q.acceptIn(queue.Lane(q.left%2), ep, 1)
	}
}

// TestWakeUpOfAForgottenHost wakes a host that a sweep took off the table after it was looked up.
func TestWakeUpOfAForgottenHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("a:80", status(200))
		key := r.target(1, "a:80", jiraPolicy()).Host
		h := r.hosts.get(key, r.newHost)
		r.hosts.sweep(time.Now().Add(time.Hour), time.Minute)
		if h.wake(1, time.Time{}) {
			t.Error("a host off the table was woken")
		}
		r.queue.accept(1, 1)
		r.start()
		r.queue.wait(1)
	})
}
