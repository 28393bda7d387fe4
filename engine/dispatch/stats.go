package dispatch

import "time"

// Stats is a snapshot of what the dispatcher is doing.
type Stats struct {
	InFlight         int // workers, each with a request in flight or about to have one
	Hosts            int // hosts with work, or with some lately
	WaitingHosts     int // hosts that have work and wait for others, since MaxInFlight is reached
	ReadyEndpoints   int // endpoints that may have a delivery due now
	WaitingEndpoints int // endpoints with a delivery due later
	Connections      int // open connections, in use or not
	InUse            int // those in use

	OpenBreakers, HalfOpenBreakers int    // hosts that nothing, or one request at a time, is sent to
	Opened, HalfOpened, Closed     uint64 // times that a breaker has become so since New

	PutOff uint64 // retries that were put off since New, for the budget

	ProxyFailures uint64 // connections for attempts since New that ended at the egress proxy, which could not be reached
	// Connects are the connections opened since New, or attempted, by result: ok, dns, refused, timeout, tls, blocked or
	// failed.
	Connects map[string]uint64

	// Throttled is how often what was due had to wait for a limit since New: the rate of its endpoint ("endpoint"), the rate of
	// its host or what that asked for with Retry-After ("host"), or MaxInFlight ("global"). It counts waits, each of an
	// endpoint or a host and not of deliveries.
	Throttled map[string]uint64
}

// Stats returns a snapshot. It looks at every host, so it is meant for a metrics page, not for every
// delivery.
func (d *Dispatcher) Stats() Stats {
	var s Stats
	var queued uint64
	s.InFlight, s.WaitingHosts, queued = d.slots.counts()
	s.Throttled = map[string]uint64{
		"endpoint": d.throttled[throttleEndpoint].Load(), "host": d.throttled[throttleHost].Load(), "global": queued,
	}
	s.Connects = make(map[string]uint64, connectResults)
	for r := range connectResult(connectResults) {
		s.Connects[r.String()] = d.connects[r].Load()
	}
	s.WaitingEndpoints = d.timers.len()
	s.Opened, s.HalfOpened, s.Closed = d.transitions[BreakerOpen].Load(), d.transitions[BreakerHalfOpen].Load(), d.transitions[BreakerClosed].Load()
	s.PutOff = d.putOff.Load()
	s.ProxyFailures = d.proxy.failures.Load()
	d.hosts.each(func(h *host) bool {
		switch h.breaker.state {
		case BreakerOpen:
			s.OpenBreakers++
		case BreakerHalfOpen:
			s.HalfOpenBreakers++
		}
		s.Hosts++
		s.ReadyEndpoints += h.turns.ready
		s.Connections += h.client.ConnsCount()
		s.InUse += int(h.inUse.Load())
		return true
	})
	return s
}

// HostState is what the dispatcher knows of a host.
type HostState struct {
	Host      Host
	InFlight  int // workers, each with a request in flight or about to have one
	Limit     int // how many there may be at present
	Endpoints int // endpoints that may have a delivery due now
	Failures  int // attempts that failed since the last success
	Breaker   BreakerState
	OpenUntil time.Time // when an open breaker lets a probe through; zero for another
	HeldUntil time.Time // when it may be sent to again as it asked for with Retry-After; zero if it may be

	// Of its endpoints that were answered 429: how many may not be sent to before some time, when the last of them may be, and
	// how many have a limit of their own. An endpoint whose connection failed at the egress proxy is held for a moment as well.
	HeldEndpoints      int
	EndpointsHeldUntil time.Time // zero if there are none
	LimitedEndpoints   int
}

// Hosts calls yield for the hosts with work, or with some lately, until it returns false. They come in no
// order, and are as they were when the call began.
func (d *Dispatcher) Hosts(yield func(HostState) bool) {
	var list []HostState
	d.hosts.each(func(h *host) bool {
		if h.key != (Host{}) { // which is where endpoints are that are gone
			list = append(list, h.view())
		}
		return true
	})
	for _, s := range list {
		if !yield(s) {
			return
		}
	}
}

// view is the host's state. mu is held.
func (h *host) view() HostState {
	s := HostState{Host: h.key, InFlight: h.workers, Limit: h.limit.now, Endpoints: h.turns.ready, Failures: h.breaker.failures, Breaker: h.breaker.state}
	if s.Breaker == BreakerOpen {
		s.OpenUntil = h.breaker.until
	}
	now := time.Now()
	if h.until.After(now) {
		s.HeldUntil = h.until
	}
	for _, until := range h.held {
		if !until.After(now) {
			continue
		}
		s.HeldEndpoints++
		if until.After(s.EndpointsHeldUntil) {
			s.EndpointsHeldUntil = until
		}
	}
	s.LimitedEndpoints = len(h.turns.limits)
	return s
}
