package dispatch

import (
	"bufio"
	"context"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// TestWithTheQueue delivers from the real queue, in memory: every message arrives, although a third of the
// first attempts fails.
func TestWithTheQueue(t *testing.T) {
	const messages, endpoints = 300, 5
	attempts := make(chan webhook.Attempt, 2*messages)
	r := newRig(t, func(o *Options) {
		o.OnAttempt = func(a *webhook.Attempt, _ *queue.Delivery) []byte {
			attempts <- *a
			return nil
		}
	})
	var firsts atomic.Int64
	r.listen("a:80", func(c net.Conn) {
		br := bufio.NewReader(c)
		var req fasthttp.Request
		for req.Read(br) == nil {
			text := okAnswer
			if req.Header.Peek("Attempt")[0] == '1' && firsts.Add(1)%3 == 0 {
				text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
			}
			_, _ = io.WriteString(c, text)
		}
	})
	p := jiraPolicy()
	p.Backoff = []time.Duration{time.Millisecond}
	for ep := queue.EndpointID(1); ep <= endpoints; ep++ {
		target := r.target(ep, "a:80", p)
		render := target.Render
		target.Render = func(req *fasthttp.Request, d *queue.Delivery, attempt int) error {
			req.Header.Set("Attempt", strconv.Itoa(attempt))
			return render(req, d, attempt)
		}
	}

	o := &pebble.Options{FS: vfs.NewMem()}
	queue.Tune(o)
	db, err := pebble.Open("db", o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	q, err := queue.Open(db, queue.Options{Ready: r.Ready})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	defer func() { _ = r.Close(context.Background()) }()
	r.Start(q)
	for i := range messages {
		_, err := q.Accept(context.Background(), queue.Message{
			Payload: []byte("{}"), Deliveries: []queue.Target{{Endpoint: queue.EndpointID(i%endpoints + 1)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	made := 0
	for settled := 0; settled < messages; {
		a := <-attempts
		made++
		if a.Settled {
			settled++
			if a.Outcome != webhook.Delivered {
				t.Errorf("attempt: %+v", a)
			}
		}
	}
	if made != messages+messages/3 {
		t.Errorf("%d attempts for %d messages", made, messages)
	}
}
