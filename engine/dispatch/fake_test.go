package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/goleak"

	"hookline/engine/webhook"
	"hookline/queue"
)

func TestMain(m *testing.M) {
	// What fasthttp's server leaves running, in the benchmark.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

var _ Queue = (*queue.Queue)(nil)

// jiraPolicy is the retry policy of Jira's webhooks.
func jiraPolicy() *webhook.Policy {
	return &webhook.Policy{
		ConnectTimeout: 5 * time.Second,
		Timeout:        25 * time.Second,
		Accept:         webhook.Statuses{webhook.Any2xx},
		Retry: webhook.Statuses{
			webhook.OneStatus(408), webhook.OneStatus(409), webhook.OneStatus(425), webhook.OneStatus(429), webhook.Any5xx,
		},
		Backoff: []time.Duration{
			10 * time.Second, 30 * time.Second, 100 * time.Second, 240 * time.Second, 600 * time.Second,
		},
		Jitter: 0.5,
	}
}

// fakeQueue is a queue in memory that keeps what it was told.
type fakeQueue struct {
	ready func(queue.EndpointID, time.Time)

	mu       sync.Mutex
	next     queue.EventID
	waiting  map[queue.EndpointID][]*queue.Delivery // in order of Due
	inHand   int
	settled  map[queue.Verdict]int
	dead     []queue.Outcome
	released int
	changed  chan struct{} // buffered; filled when a delivery is done or dead
}

func newFakeQueue() *fakeQueue {
	return &fakeQueue{
		waiting: make(map[queue.EndpointID][]*queue.Delivery),
		settled: make(map[queue.Verdict]int),
		changed: make(chan struct{}, 1),
	}
}

func (q *fakeQueue) accept(ep queue.EndpointID, n int) { q.acceptIn(queue.Fresh, ep, n) }

func (q *fakeQueue) acceptIn(l queue.Lane, ep queue.EndpointID, n int) {
	now := time.Now()
	for range n {
		q.mu.Lock()
		q.next++
		q.insert(&queue.Delivery{Event: q.next, Endpoint: ep, Lane: l, Due: now, Accepted: now, Payload: []byte(`{"id":1}`)})
		q.mu.Unlock()
		q.ready(ep, now)
	}
}

func (q *fakeQueue) insert(d *queue.Delivery) {
	w := q.waiting[d.Endpoint]
	i, _ := slices.BinarySearchFunc(w, d.Due, func(d *queue.Delivery, due time.Time) int {
		if d.Due.After(due) {
			return 1
		}
		return -1
	})
	q.waiting[d.Endpoint] = slices.Insert(w, i, d)
}

func (q *fakeQueue) Take(ep queue.EndpointID) (queue.Delivery, bool) {
	if d, ok := q.TakeFresh(ep); ok {
		return d, true
	}
	return q.take(ep, queue.Replay)
}

func (q *fakeQueue) TakeFresh(ep queue.EndpointID) (queue.Delivery, bool) {
	return q.take(ep, queue.Fresh)
}

func (q *fakeQueue) take(ep queue.EndpointID, l queue.Lane) (queue.Delivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting[ep]
	i := slices.IndexFunc(w, func(d *queue.Delivery) bool { return d.Lane == l })
	if i < 0 || w[i].Due.After(time.Now()) {
		return queue.Delivery{}, false
	}
	d := *w[i]
	if i == 0 {
		q.waiting[ep] = w[1:]
	} else {
		q.waiting[ep] = slices.Delete(w, i, i+1)
	}
	q.inHand++
	return d, true
}

func (q *fakeQueue) NextDue(ep queue.EndpointID) (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.waiting[ep]; len(w) > 0 {
		return w[0].Due, true
	}
	return time.Time{}, false
}

func (q *fakeQueue) NextDueFresh(ep queue.EndpointID) (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.waiting[ep] {
		if d.Lane == queue.Fresh {
			return d.Due, true
		}
	}
	return time.Time{}, false
}

func (q *fakeQueue) Settle(d *queue.Delivery, o queue.Outcome) error {
	q.mu.Lock()
	q.inHand--
	q.settled[o.Verdict]++
	if o.Verdict == queue.Again {
		again := *d
		again.Due, again.LastStatus = o.At, o.Status
		if o.Attempted {
			again.Attempts++
			if again.FirstFailure.IsZero() {
				again.FirstFailure = time.Now()
			}
		}
		q.insert(&again)
		q.mu.Unlock()
		q.ready(d.Endpoint, o.At)
		return nil
	}
	if o.Verdict == queue.Dead {
		q.dead = append(q.dead, o)
	}
	q.mu.Unlock()
	select {
	case q.changed <- struct{}{}:
	default:
	}
	return nil
}

func (q *fakeQueue) Release(d *queue.Delivery) {
	q.mu.Lock()
	q.inHand--
	q.released++
	again := *d
	q.insert(&again)
	q.mu.Unlock()
	q.ready(d.Endpoint, d.Due)
}

func (q *fakeQueue) count(v queue.Verdict) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.settled[v]
}

// wait returns when n deliveries are done or dead.
func (q *fakeQueue) wait(n int) {
	for q.count(queue.Done)+q.count(queue.Dead) < n {
		<-q.changed
	}
}

// rig is a dispatcher with a fake queue, and receivers it reaches by address.
type rig struct {
	*Dispatcher
	t     testing.TB
	queue *fakeQueue

	mu        sync.Mutex
	receivers map[string]func() (net.Conn, error)
	targets   map[queue.EndpointID]*Target
	attempts  []webhook.Attempt
}

var errNobody = errors.New("connection refused")

// newRig makes a rig that is closed at the end of the test. o is changed as asked and completed.
func newRig(t testing.TB, change func(*Options)) *rig {
	r := &rig{
		t: t, queue: newFakeQueue(),
		receivers: make(map[string]func() (net.Conn, error)),
		targets:   make(map[queue.EndpointID]*Target),
	}
	o := Options{
		Target: func(ep queue.EndpointID) (*Target, bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			target, ok := r.targets[ep]
			return target, ok
		},
		Dial: func(addr string, _ time.Duration) (net.Conn, error) {
			r.mu.Lock()
			dial := r.receivers[addr]
			r.mu.Unlock()
			if dial == nil {
				return nil, errNobody
			}
			return dial()
		},
		OnAttempt: func(a *webhook.Attempt, d *queue.Delivery) []byte {
			r.mu.Lock()
			defer r.mu.Unlock()
			kept := *a
			kept.Answer = slices.Clone(a.Answer)
			r.attempts = append(r.attempts, kept)
			return fmt.Appendf(nil, "%d/%d", d.Event, a.Number)
		},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&o)
	}
	r.Dispatcher = New(o)
	r.queue.ready = r.Ready
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// start starts the dispatcher.
func (r *rig) start() *rig {
	r.Start(r.queue)
	return r
}

// serve makes handler answer at the address, inside a synctest bubble.
func (r *rig) serve(addr string, handler fasthttp.RequestHandler) {
	r.t.Helper()
	ln := fasthttputil.NewInmemoryListener()
	r.mu.Lock()
	r.receivers[addr] = ln.Dial
	r.mu.Unlock()
	server := &fasthttp.Server{Handler: handler, NoDefaultDate: true, NoDefaultServerHeader: true, Logger: quiet{}}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	r.t.Cleanup(func() {
		_ = r.Close(context.Background()) // the server waits for connections
		_ = server.Shutdown()
		<-done
		time.Sleep(time.Minute) // in the time of the bubble, for a goroutine of fasthttp's worker pool
	})
}

// listen hands every connection to the address to handle, in a goroutine of its own.
func (r *rig) listen(addr string, handle func(net.Conn)) {
	var wg sync.WaitGroup
	r.mu.Lock()
	r.receivers[addr] = func() (net.Conn, error) {
		pipe := fasthttputil.NewPipeConns()
		wg.Go(func() {
			defer func() { _ = pipe.Conn2().Close() }()
			handle(pipe.Conn2())
		})
		return pipe.Conn1(), nil
	}
	r.mu.Unlock()
	r.t.Cleanup(func() {
		_ = r.Close(context.Background())
		wg.Wait()
	})
}

// blackHole accepts connections at the address and never answers.
func (r *rig) blackHole(addr string) {
	r.listen(addr, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// target makes the endpoint lead to the address.
func (r *rig) target(ep queue.EndpointID, addr string, p *webhook.Policy) *Target {
	url := "http://" + addr + "/hook"
	target := &Target{
		Host:   Host{Tenant: "t", Scheme: "http", Address: addr},
		Policy: p,
		Render: func(req *fasthttp.Request, d *queue.Delivery, _ int) error {
			req.Header.SetMethod(fasthttp.MethodPost)
			req.SetRequestURI(url)
			req.SetBodyRaw(d.Payload)
			return nil
		},
	}
	r.mu.Lock()
	r.targets[ep] = target
	r.mu.Unlock()
	return target
}

func (r *rig) log() []webhook.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.attempts)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func status(code int) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(code) }
}
