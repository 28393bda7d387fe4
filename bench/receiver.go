package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// IdentifierHeader is the header by which a receiver recognises a delivery that comes again.
const IdentifierHeader = "X-Atlassian-Webhook-Identifier"

// ReceiverOptions configure a Receiver. The zero value answers every request with 200 at once.
type ReceiverOptions struct {
	// Silent makes a black hole: connections are accepted, requests are read, and none is answered. Such
	// requests are in flight until the other side closes the connection; they are in no ledger.
	Silent bool

	// FailEvery makes every n-th request be answered with 503. 0 means never.
	FailEvery int

	// Delay is the time before an answer.
	Delay time.Duration

	// Ledger is where requests are entered. Nil enters none; see also [Receiver.Use].
	Ledger *Ledger

	// Inspect is called with every request that is about to be answered with 200. It must not keep the
	// body.
	Inspect func(sequence int64, body []byte)
}

// Receiver is an HTTP server on loopback that webhooks are sent to.
type Receiver struct {
	options  ReceiverOptions
	listener net.Listener
	server   *fasthttp.Server
	served   chan error
	closing  chan struct{}
	close    sync.Once

	ledger             atomic.Pointer[Ledger]
	requests, inFlight atomic.Int64
	mostInFlight       atomic.Int64
}

// NewReceiver starts a receiver on a port that the operating system chooses.
func NewReceiver(o ReceiverOptions) (*Receiver, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: a receiver cannot listen: %w", err)
	}
	r := &Receiver{options: o, listener: listener, served: make(chan error, 1), closing: make(chan struct{})}
	r.ledger.Store(o.Ledger)
	r.server = &fasthttp.Server{
		Handler: r.handle, Logger: quiet{}, MaxRequestBodySize: 32 << 20,
		NoDefaultDate: true, NoDefaultServerHeader: true, NoDefaultContentType: true,
	}
	go func() { r.served <- r.serve() }()
	return r, nil
}

func (r *Receiver) serve() error {
	if r.options.Silent {
		return r.serveSilently()
	}
	return r.server.Serve(r.listener)
}

// Address is the host and port the receiver listens on.
func (r *Receiver) Address() string { return r.listener.Addr().String() }

// URL is the address of a path at the receiver.
func (r *Receiver) URL(path string) string { return "http://" + r.Address() + path }

// Use makes another ledger the one that requests are entered in from now on.
func (r *Receiver) Use(l *Ledger) { r.ledger.Store(l) }

// Requests is the number of requests that have come in.
func (r *Receiver) Requests() int64 { return r.requests.Load() }

// MaxInFlight is the most requests that were unanswered at one moment.
func (r *Receiver) MaxInFlight() int64 { return r.mostInFlight.Load() }

// Close stops the receiver. Connections that a silent one holds are closed without an answer.
func (r *Receiver) Close() error {
	var err error
	r.close.Do(func() {
		close(r.closing)
		if r.options.Silent {
			err = errors.Join(r.listener.Close(), <-r.served)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(r.server.ShutdownWithContext(ctx), <-r.served)
	})
	return err
}

func (r *Receiver) handle(ctx *fasthttp.RequestCtx) {
	arrived := time.Now()
	number := r.requests.Add(1)
	raise(&r.mostInFlight, r.inFlight.Add(1))
	defer r.inFlight.Add(-1)

	sequence, known := Sequence(ctx.PostBody())
	visit := Visit{Sequence: sequence, Arrived: arrived, Status: r.answer(ctx, number)}
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
	if r.options.Delay > 0 {
		time.Sleep(r.options.Delay)
	}
	status := fasthttp.StatusOK
	if n := int64(r.options.FailEvery); n > 0 && number%n == 0 {
		status = fasthttp.StatusServiceUnavailable
	}
	ctx.SetStatusCode(status)
	return status
}

// raise makes most at least n.
func raise(most *atomic.Int64, n int64) {
	for {
		old := most.Load()
		if n <= old || most.CompareAndSwap(old, n) {
			return
		}
	}
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
