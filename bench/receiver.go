package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// IdentifierHeader is the header by which a receiver recognises a delivery that comes again.
const IdentifierHeader = "X-Atlassian-Webhook-Identifier"

// ReceiverOptions configure a Receiver. The zero value answers every request with 200 at once.
type ReceiverOptions struct {
	// Listener is where requests come from; the receiver closes it.
	//
	// Defaults to a port of 127.0.0.1 that the operating system chooses.
	Listener net.Listener

	// Status is what every request is answered with. Defaults to 200.
	Status int

	// RetryAfter is the Retry-After of every answer, in whole seconds. 0 leaves it out.
	RetryAfter time.Duration

	// FailEvery makes every n-th request be answered with 503. 0 means never.
	FailEvery int

	// Delay is the time before an answer.
	Delay time.Duration

	// SlowStart is the time after the first request in which Delay falls to nothing. 0 leaves it as it is.
	SlowStart time.Duration

	// Ledger is where requests are entered. Nil enters none; see also [Receiver.Use].
	Ledger *Ledger

	// Inspect is called with every request that is about to be answered with 200. It must not keep the
	// body.
	Inspect func(sequence int64, body []byte)
}

// Receiver is an HTTP server on loopback that webhooks are sent to.
type Receiver struct {
	load
	options  ReceiverOptions
	listener net.Listener
	server   *fasthttp.Server
	served   chan error
	close    sync.Once
	ledger   atomic.Pointer[Ledger]
	began    func() time.Time // when the first request came; called with that first
}

// load counts requests.
type load struct{ requests, inFlight, most atomic.Int64 }

// begin returns the number of the request, from 1.
func (l *load) begin() int64 {
	n := l.inFlight.Add(1)
	for most := l.most.Load(); n > most && !l.most.CompareAndSwap(most, n); {
		most = l.most.Load()
	}
	return l.requests.Add(1)
}

func (l *load) end() { l.inFlight.Add(-1) }

// Requests is the number of requests that have come in.
func (l *load) Requests() int64 { return l.requests.Load() }

// MaxInFlight is the most requests that were unanswered at one moment.
func (l *load) MaxInFlight() int64 { return l.most.Load() }

// NewReceiver starts a receiver.
func NewReceiver(o ReceiverOptions) (*Receiver, error) {
	if o.Listener == nil {
		var err error
		if o.Listener, err = listenLocally(); err != nil {
			return nil, err
		}
	}
	o.Status = cmp.Or(o.Status, fasthttp.StatusOK)
	r := &Receiver{options: o, listener: o.Listener, served: make(chan error, 1), began: sync.OnceValue(time.Now)}
	r.ledger.Store(o.Ledger)
	r.server = &fasthttp.Server{
		Handler: r.handle, Logger: quiet{}, MaxRequestBodySize: 32 << 20,
		NoDefaultDate: true, NoDefaultServerHeader: true, NoDefaultContentType: true,
	}
	go func() { r.served <- r.server.Serve(r.listener) }()
	return r, nil
}

func listenLocally() (net.Listener, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: a receiver cannot listen: %w", err)
	}
	return listener, nil
}

// Address is the host and port the receiver listens on.
func (r *Receiver) Address() string { return r.listener.Addr().String() }

// URL is the address of a path at the receiver.
func (r *Receiver) URL(path string) string { return "http://" + r.Address() + path }

// Use makes another ledger the one that requests are entered in from now on.
func (r *Receiver) Use(l *Ledger) { r.ledger.Store(l) }

// Close stops the receiver.
func (r *Receiver) Close() error {
	var err error
	r.close.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(r.server.ShutdownWithContext(ctx), <-r.served)
	})
	return err
}

func (r *Receiver) handle(ctx *fasthttp.RequestCtx) {
	arrived := time.Now()
	number := r.begin()
	defer r.end()

	sequence, known := Sequence(ctx.PostBody())
	visit := Visit{Sequence: sequence, Endpoint: hookEndpoint(ctx.Path()), Arrived: arrived, Status: r.answer(ctx, number)}
	if !known {
		visit.Sequence = unknownSequence
	}
	if visit.Status == fasthttp.StatusOK && r.options.Inspect != nil {
		r.options.Inspect(sequence, ctx.PostBody())
	}
	visit.Answered = time.Now()
	if l := r.ledger.Load(); l != nil {
		l.enter(ctx.Request.Header.Peek(IdentifierHeader), visit)
	}
}

// unknownSequence is beyond every ledger, so that what carries no number counts as a stranger.
const unknownSequence = 1<<63 - 1

// answer answers a request and returns the status.
func (r *Receiver) answer(ctx *fasthttp.RequestCtx, number int64) int {
	if d := r.delay(time.Since(r.began())); d > 0 {
		time.Sleep(d)
	}
	status := r.options.Status
	if n := int64(r.options.FailEvery); n > 0 && number%n == 0 {
		status = fasthttp.StatusServiceUnavailable
	}
	ctx.SetStatusCode(status)
	if r.options.RetryAfter > 0 {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(int(r.options.RetryAfter.Seconds())))
	}
	return status
}

// delay is the time before an answer to a request that comes so long after the first.
func (r *Receiver) delay(age time.Duration) time.Duration {
	d, slow := r.options.Delay, r.options.SlowStart
	if slow > 0 {
		d = time.Duration(float64(d) * float64(max(0, slow-age)) / float64(slow))
	}
	return d
}

// hookPathOf is the path of one of the endpoints that an event is owed to.
func hookPathOf(endpoint int) string { return fmt.Sprintf("%s/%d", hookPath, endpoint) }

// hookEndpoint is the endpoint that a path of hookPathOf belongs to, and 0 for other paths.
func hookEndpoint(path []byte) int64 {
	digits, ok := bytes.CutPrefix(path, []byte(hookPath+"/"))
	if !ok {
		return 0
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' || n > tableSize {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// sequenceMark stands before the sequence number in every body of a [Workload]: it is the number of the
// change-log entry, as a body of Jira has one.
var sequenceMark = []byte(`"changelog":{"id":"`)

// sequenceDigits is the fixed width of the number, so that it can be written in place.
const sequenceDigits = 12

// Sequence takes the sequence number out of a body that a [Workload] made.
func Sequence(body []byte) (int64, bool) {
	at := bytes.Index(body, sequenceMark)
	if at < 0 || len(body) < at+len(sequenceMark)+sequenceDigits {
		return 0, false
	}
	n := int64(0)
	for _, c := range body[at+len(sequenceMark):][:sequenceDigits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// quiet keeps fasthttp from writing about connections that a test or a run cuts on purpose.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
