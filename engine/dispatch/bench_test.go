package dispatch

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// BenchmarkAttempt compares the dispatcher with the least that could make the same requests: as many
// goroutines, each with a loop around fasthttp's HostClient. Receiver and sender share the machine.
//
// In "backlog" one endpoint has all deliveries from the start; in "trickle" there are always 20 waiting or in
// flight, so endpoints fall idle and wake up all the time.
func BenchmarkAttempt(b *testing.B) {
	addr := loopback(b)
	b.Run("bare", func(b *testing.B) { benchmarkBare(b, addr) })
	b.Run("backlog", func(b *testing.B) { benchmarkBacklog(b, addr) })
	b.Run("trickle", func(b *testing.B) { benchmarkTrickle(b, addr) })
}

const benchWorkers = 20

var benchPayload = make([]byte, 1024)

func loopback(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &fasthttp.Server{Handler: status(200)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	b.Cleanup(func() {
		_ = server.Shutdown()
		<-done
	})
	return ln.Addr().String()
}

func netDial(addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, timeout)
}

func benchRender(url string) func(*fasthttp.Request, *queue.Delivery, int) error {
	return func(req *fasthttp.Request, d *queue.Delivery, _ int) error {
		req.Header.SetMethod(fasthttp.MethodPost)
		req.Header.SetContentType("application/json")
		req.SetRequestURI(url)
		req.SetBodyRaw(d.Payload)
		return nil
	}
}

func benchmarkBare(b *testing.B, addr string) {
	client := &fasthttp.HostClient{
		Addr: addr, MaxConns: benchWorkers, MaxIdemponentCallAttempts: 1, NoDefaultUserAgentHeader: true,
		MaxResponseBodySize: 64 << 10, DialTimeout: netDial,
	}
	render := benchRender("http://" + addr + "/hook")
	d := &queue.Delivery{Payload: benchPayload}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range benchWorkers {
		wg.Go(func() {
			var req fasthttp.Request
			var resp fasthttp.Response
			for left.Add(-1) >= 0 {
				req.Reset()
				_ = render(&req, d, 1)
				if err := client.DoTimeout(&req, &resp, 25*time.Second); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
	client.CloseIdleConnections()
}

// countQueue hands out as many deliveries as there are left. One in waiting is added for each that
// is settled, if refill is set.
type countQueue struct {
	left    atomic.Int64 // to be made available
	waiting atomic.Int64 // may be taken
	settled atomic.Int64
	total   int64
	refill  func()
	done    chan struct{}
}

func (q *countQueue) Take(ep queue.EndpointID) (queue.Delivery, bool) {
	for n := q.waiting.Load(); n > 0; n = q.waiting.Load() {
		if q.waiting.CompareAndSwap(n, n-1) {
			return queue.Delivery{Endpoint: ep, Payload: benchPayload}, true
		}
	}
	return queue.Delivery{}, false
}

func (q *countQueue) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) { return q.Take(ep) }

func (q *countQueue) NextDue(queue.EndpointID) (time.Time, bool)      { return time.Time{}, false }
func (q *countQueue) NextDueFresh(queue.EndpointID) (time.Time, bool) { return time.Time{}, false }

func (q *countQueue) Release(*queue.Delivery) {}

func (q *countQueue) Settle(*queue.Delivery, queue.Outcome) error {
	if q.settled.Add(1) == q.total {
		close(q.done)
	}
	if q.refill != nil && q.left.Add(-1) >= 0 {
		q.waiting.Add(1)
		q.refill()
	}
	return nil
}

func benchDispatcher(addr string) *Dispatcher {
	target := &Target{
		Host:   Host{Tenant: "t", Scheme: "http", Address: addr},
		Policy: jiraPolicy(),
		Render: benchRender("http://" + addr + "/hook"),
	}
	return New(Options{
		Target:    func(queue.EndpointID) (*Target, bool) { return target, true },
		OnAttempt: func(*webhook.Attempt, *queue.Delivery) []byte { return nil },
		Dial: func(addr string, timeout time.Duration) (net.Conn, error) {
			return net.DialTimeout("tcp", addr, timeout)
		},
	})
}

func runDispatcher(b *testing.B, d *Dispatcher, q *countQueue) {
	q.total = int64(b.N)
	q.done = make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	d.Start(q)
	d.Ready(1, time.Time{})
	<-q.done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
	if err := d.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

func benchmarkBacklog(b *testing.B, addr string) {
	q := new(countQueue)
	q.waiting.Store(int64(b.N))
	runDispatcher(b, benchDispatcher(addr), q)
}

func benchmarkTrickle(b *testing.B, addr string) {
	d := benchDispatcher(addr)
	q := &countQueue{refill: func() { d.Ready(1, time.Time{}) }}
	first := min(int64(b.N), benchWorkers)
	q.waiting.Store(first)
	q.left.Store(int64(b.N) - first)
	runDispatcher(b, d, q)
}
