package dispatch

import (
	"sync"
	"sync/atomic"
)

// slots bounds the workers of all hosts together. A host that finds no slot waits in line, once
// however much it has to do, and a slot that comes back goes to the host at the front: under scarcity
// every tenant gets one slot per round, and every host one per round of its tenant.
//
// There are no slots before open and none after close, which is all that starting and stopping the
// dispatcher means to the hosts.
type slots struct {
	scarce atomic.Bool // a host is waiting

	mu      sync.Mutex
	free    int
	used    int
	waiting line
	opened  bool
	queued  uint64 // hosts that had to wait in line since open
	closed  bool
	idle    chan struct{} // closed when the slots are closed and none is in use
}

func newSlots() *slots { return &slots{idle: make(chan struct{})} }

// open makes n slots and gives them to the hosts that wait.
func (s *slots) open(n int) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	granted := min(n, s.waiting.hosts)
	s.free = n - granted
	s.used = granted
	s.opened = true
	s.mu.Unlock()
	for range granted {
		s.give()
	}
}

// take reports whether the host gets a slot now. If not, the host waits in line until its granted
// method is called. The host's mutex is held.
func (s *slots) take(h *host) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.free == 0 {
		s.enqueue(h)
		return false
	}
	s.free--
	s.used++
	return true
}

// wait puts the host in line. The host's mutex is held.
func (s *slots) wait(h *host) {
	s.mu.Lock()
	s.enqueue(h)
	s.mu.Unlock()
}

func (s *slots) enqueue(h *host) {
	if s.closed {
		return
	}
	if s.opened {
		s.queued++
	}
	h.waiting = true
	s.waiting.add(h)
	s.scarce.Store(true)
}

// give returns a slot, or rather passes it to the first host in line that still has a use for it.
func (s *slots) give() {
	for {
		h := s.pass()
		if h == nil || h.granted() {
			return
		}
	}
}

func (s *slots) pass() *host {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting.hosts == 0 {
		s.free++
		s.used--
		if s.closed && s.used == 0 {
			close(s.idle)
		}
		return nil
	}
	h := s.waiting.take()
	if s.waiting.hosts == 0 {
		s.scarce.Store(false)
	}
	return h
}

// close gives out no further slot. The channel it returns is closed once all have come back.
func (s *slots) close() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.waiting = line{}
		s.scarce.Store(false)
		if s.used == 0 {
			close(s.idle)
		}
	}
	return s.idle
}

// counts returns the slots in use, the hosts in line, and how often one came there.
func (s *slots) counts() (used, waiting int, queued uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.waiting.hosts, s.queued
}
