package dispatch

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/queue"
)

// changing is a queue before whose takes something happens, once.
type changing struct {
	*fakeQueue
	once   sync.Once
	before func()
}

func (q *changing) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) {
	q.once.Do(q.before)
	return q.fakeQueue.TakeFresh(ep)
}

// What changes about an endpoint after a worker has begun its turn, and before it has taken a delivery, holds for that delivery.
func TestChangeBeforeTake(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Target)
		want   string // the hosts that have requests
	}{
		"moved":  {func(t *Target) { t.Host.Address = "b:80" }, "b"},
		"paused": {func(t *Target) { t.Paused = true }, ""},
		"render": {func(t *Target) { t.Render = func(*fasthttp.Request, *queue.Delivery, int) error { return errNobody } }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				var mu sync.Mutex
				var got []string
				for _, host := range []string{"a", "b"} {
					r.serve(host+":80", func(*fasthttp.RequestCtx) {
						mu.Lock()
						got = append(got, host)
						mu.Unlock()
					})
				}
				r.target(1, "a:80", jiraPolicy())
				r.Start(&changing{fakeQueue: r.queue, before: func() { r.change(1, c.change) }})
				r.queue.accept(1, 1)
				time.Sleep(time.Second)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				want := []string{}
				if c.want != "" {
					want = append(want, c.want)
				}
				if !slices.Equal(got, want) {
					t.Errorf("requests to %v, want %v", got, want)
				}
			})
		})
	}
}
