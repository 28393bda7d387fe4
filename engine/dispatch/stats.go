package dispatch

// Stats is a snapshot of what the dispatcher is doing.
type Stats struct {
	InFlight         int // workers, each with a request in flight or about to have one
	Hosts            int // hosts with work, or with some lately
	WaitingHosts     int // hosts that have work and wait for others, since MaxInFlight is reached
	ReadyEndpoints   int // endpoints that may have a delivery due now
	WaitingEndpoints int // endpoints with a delivery due later
	Connections      int // open connections, in use or not
}

// Stats returns a snapshot. It looks at every host, so it is meant for a metrics page, not for every
// delivery.
func (d *Dispatcher) Stats() Stats {
	var s Stats
	s.InFlight, s.WaitingHosts = d.slots.counts()
	s.WaitingEndpoints = d.timers.len()
	d.hosts.each(func(h *host) bool {
		s.Hosts++
		s.ReadyEndpoints += h.ready.len()
		s.Connections += h.client.ConnsCount()
		return true
	})
	return s
}
