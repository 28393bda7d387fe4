package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

func TestCloseWaitsForAttemptsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", func(*fasthttp.RequestCtx) { time.Sleep(10 * time.Second) })
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 50)
		time.Sleep(time.Second)
		start := time.Now()
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("Close took %v, want 9s", took)
		}
		if done, hand := r.queue.count(queue.Done), r.queue.inHand; done != 20 || hand != 0 {
			t.Errorf("%d done and %d in hand, want 20 and none", done, hand)
		}
		if s := r.Stats(); s.InFlight != 0 || s.Connections != 0 || s.WaitingEndpoints != 0 {
			t.Errorf("left over: %+v", s)
		}
		r.queue.accept(1, 1)
		time.Sleep(time.Hour)
		if done := r.queue.count(queue.Done); done != 20 {
			t.Errorf("%d done after Close", done)
		}
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.blackHole("a:80")
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 50)
		time.Sleep(time.Second)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Close returned %v", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Close took %v, want 3s", took)
		}
		// The attempts end by their own limit, and leave nothing behind.
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s := r.Stats(); s.InFlight != 0 || s.Connections != 0 {
			t.Errorf("left over: %+v", s)
		}
		if n := len(r.log()); n != 20 {
			t.Errorf("%d attempts, want 20", n)
		}
	})
}

func TestCloseReleasesWhatWasTakenAndNotAttempted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("a:80", status(200))
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.Start(slowTake{r.queue})
		time.Sleep(time.Millisecond) // a worker is in Take
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := len(r.log()); n != 0 || r.queue.released != 1 {
			t.Errorf("%d attempts, %d released; want none and 1", n, r.queue.released)
		}
	})
}

type slowTake struct{ *fakeQueue }

func (q slowTake) Take(ep queue.EndpointID) (queue.Delivery, bool) {
	time.Sleep(time.Second)
	return q.fakeQueue.Take(ep)
}

func (q slowTake) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) {
	time.Sleep(time.Second)
	return q.fakeQueue.TakeFresh(ep)
}

func TestReadyBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("a:80", status(200))
		for ep := queue.EndpointID(1); ep <= 30; ep++ {
			r.target(ep, "a:80", jiraPolicy())
			r.queue.accept(ep, 2)
		}
		r.Ready(1, time.Now().Add(time.Minute))
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := r.Stats(); s.InFlight != 0 || s.ReadyEndpoints != 30 {
			t.Errorf("before Start: %+v", s)
		}
		r.start()
		r.queue.wait(60)
	})
}

func TestCloseWithoutStart(t *testing.T) {
	r := newRig(t, nil)
	r.target(1, "a:80", jiraPolicy())
	r.queue.accept(1, 1)
	r.Ready(1, time.Now().Add(time.Hour))
	for range 2 {
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	r.Start(r.queue)
	r.Ready(1, time.Now())
	if s := r.Stats(); s.InFlight != 0 || s.WaitingEndpoints != 0 {
		t.Errorf("after Close: %+v", s)
	}
}

// TestReadyDuringClose closes while wake-ups keep coming.
func TestReadyDuringClose(t *testing.T) {
	for range 50 {
		r := newRig(t, nil).start()
		r.target(1, "nobody:80", &webhook.Policy{
			Accept: webhook.Statuses{webhook.AnyStatus}, Timeout: time.Second,
			Backoff: []time.Duration{time.Nanosecond, time.Nanosecond},
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.queue.accept(1, 100)
		}()
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		<-done
		if r.queue.inHand != 0 {
			t.Fatalf("%d in hand after Close", r.queue.inHand)
		}
	}
}
