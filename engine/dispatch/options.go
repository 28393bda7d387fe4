package dispatch

import (
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

// Queue is the part of queue.Queue that the dispatcher uses. Whatever makes a delivery due, now or
// later, is followed by a call of Dispatcher.Ready: that includes Settle with Again, and Release.
type Queue interface {
	Take(queue.EndpointID) (queue.Delivery, bool)
	TakeFresh(queue.EndpointID) (queue.Delivery, bool)
	NextDue(queue.EndpointID) (time.Time, bool)
	NextDueFresh(queue.EndpointID) (time.Time, bool)
	Settle(*queue.Delivery, queue.Outcome) error
	Release(*queue.Delivery)
}

// Host is the unit of concurrency: one scheme and address as one tenant sees it.
type Host struct {
	Tenant  string
	Scheme  string // "http" or "https"
	Address string // host:port, always with the port
}

// String returns the host as in a URL, always with the port: "https://receiver.example:443". The tenant is not in it.
func (h Host) String() string { return h.Scheme + "://" + h.Address }

// Target says where and how the deliveries of one endpoint are sent. It is not changed once the
// dispatcher has it; a new Target for the same endpoint takes effect with the next delivery.
type Target struct {
	Host   Host
	Policy *webhook.Policy

	// Epoch is copied to webhook.Attempt.Epoch. The endpoint may have another one when an attempt has ended.
	Epoch uint64

	// Paused keeps deliveries of the endpoint from being taken: they stay in the queue. Attempts in flight go on, and one
	// that is just being taken may still be made. Once the target is not paused any more, Dispatcher.Ready is to
	// be called for the endpoint.
	Paused bool

	// Rate bounds the requests per second to the endpoint. 0 is the dispatcher's Rate.Endpoint.
	Rate float64

	// Stopped gives up what waits for the endpoint, without attempts: reason queue.Disabled. It wins over Paused, as
	// what is queued would never be sent; Dispatcher.Ready is to be called for an endpoint that becomes both.
	Stopped bool

	// Render fills in the request of one attempt: method, URL, headers, body. attempt counts
	// from 1. The request is the dispatcher's; Render must not retain it, nor change the delivery.
	// The connection goes to Host whatever the URL says. What Render puts into the header as host and
	// request URI is sent as it stands; a URL set as a whole is normalised by fasthttp first. The body may be the delivery's payload itself.
	// An error settles the delivery as dead, with outcome webhook.Unsendable.
	Render func(req *fasthttp.Request, d *queue.Delivery, attempt int) error

	// Gone is called after a delivery was settled because of a 410 that Policy takes for an end (webhook.Policy.StopOnGone),
	// with the Target that the attempt began with: by then the endpoint may lead elsewhere. It may be called again for
	// attempts that were in flight then; the worker waits for it. nil ends nothing but the delivery.
	Gone func()
}

// leftAlone says whether what waits for the endpoint is left alone.
func (t *Target) leftAlone() bool { return t.Paused && !t.Stopped }

// Options of a Dispatcher.
type Options struct {
	// Target returns how to reach an endpoint. False means that the endpoint is gone: what waits for it
	// is settled as dead, reason queue.Gone, without an attempt, so from Start on every endpoint has to
	// be known. Called often, from any goroutine; must be quick.
	Target func(queue.EndpointID) (*Target, bool)

	// HostLimit is the number of requests in flight per host. It is the most: a host that answers 503, or not in
	// time, is sent less at once until it does better, and so is an endpoint that is answered 429; one that was down
	// begins with a single request.
	//
	// Defaults to 20, the Primary limit that Jira Cloud documents per tenant and URL host.
	HostLimit int

	// ReplayLimit is how many of them may be deliveries of lane queue.Replay. It is taken for less than
	// HostLimit, so that there is always room for fresh ones, except where that is 1.
	//
	// Defaults to half of HostLimit: 10, as Jira Cloud documents for its Secondary flow.
	ReplayLimit int

	// FixedLimit lets HostLimit requests be in flight to every host, and to every endpoint, whatever they answer.
	FixedLimit bool

	// MaxInFlight bounds the requests in flight over all hosts, and so the memory they hold. It is a
	// last resort: where it is reached, tenants take turns, and each tenant's hosts.
	//
	// Defaults to 16384.
	MaxInFlight int

	// MaxResponse is how many bytes of an answer's body are read; a longer answer counts by
	// its status all the same, and its connection is closed.
	//
	// Defaults to 64 KiB.
	MaxResponse int

	// IdleConn is how long at most an unused connection is kept, IdleHost how long the state of a host
	// without work is.
	//
	// Default to 10 seconds and 1 minute.
	IdleConn, IdleHost time.Duration

	// Dial opens a TCP connection to an address (host:port) within the timeout. It is required. An attempt for which it
	// returns an *egress.BlockedError is [webhook.Blocked], and retried as failed connections are. An *egress.ProxyError makes
	// it none: it is held against no host, uses up nothing, and after several of them everything waits for the proxy.
	Dial func(addr string, timeout time.Duration) (net.Conn, error)

	// TLS is the configuration of https connections, copied for each host. It is where an operator's own
	// certificate authority goes.
	//
	// Defaults to Go's.
	TLS *tls.Config

	// Breaker keeps hosts that are down from being sent to.
	Breaker Breaker

	// RetryBudget keeps retries from crowding out first attempts.
	RetryBudget RetryBudget

	// Rate bounds requests per second. What has to wait for that uses up no attempt, stays in the queue and holds up
	// nothing else.
	Rate Rate

	// OnAttempt is called after every attempt, before the delivery is settled, and for a delivery that
	// is Unsendable. Attempt and delivery are reused: they must not be kept or changed. What it returns goes into the queue's attempt
	// log with the settlement, and must not be changed afterwards; nil writes nothing.
	OnAttempt func(*webhook.Attempt, *queue.Delivery) (record []byte)

	// Logger gets failures worth an operator's eye. Defaults to slog.Default.
	Logger *slog.Logger
}
