package dispatch

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const shards = 64

// table holds the hosts that have work or had some lately. It is sharded because every delivery that
// becomes due looks its host up.
type table struct {
	seed   maphash.Seed
	shards [shards]struct {
		mu    sync.Mutex
		hosts map[Host]*host
	}
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].hosts = make(map[Host]*host)
	}
	return t
}

// get returns the host, made if it is not there.
func (t *table) get(key Host, create func(Host) *host) *host {
	s := &t.shards[maphash.Comparable(t.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[key]
	if h == nil {
		h = create(key)
		s.hosts[key] = h
	}
	return h
}

// find returns the host, nil if it is not there.
func (t *table) find(key Host) *host {
	s := &t.shards[maphash.Comparable(t.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[key]
}

// each calls f for every host, with the host's mutex held. Hosts for which it returns false are
// taken off the table.
func (t *table) each(f func(*host) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for key, h := range s.hosts {
			h.mu.Lock()
			if !f(h) {
				h.gone = true
				delete(s.hosts, key)
			}
			h.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

// sweep closes connections that are not needed any more and forgets hosts that have been without work
// for long.
//
// Connections are unneeded when a host has more of them than it had workers at any time since the last
// sweep. Which of them were used is the pool's secret, so all idle ones are closed: at worst a few
// are opened again.
func (t *table) sweep(now time.Time, idleHost time.Duration) {
	var surplus []*fasthttp.HostClient
	t.each(func(h *host) bool {
		if h.client.ConnsCount() > h.peak {
			surplus = append(surplus, h.client)
		}
		pacing, holding := h.pacing(now), h.holding(now) // of busy hosts, too, which would keep what is over for ever
		h.turns.forgetLimits(now)
		used := pacing || holding || h.peak > 0 || h.turns.ready > 0 || h.waiting || h.breaker.remembered(&h.d.opts.Breaker, now)
		h.peak = h.workers
		if used {
			h.unusedSince = now
		}
		return used || now.Sub(h.unusedSince) < idleHost
	})
	for _, client := range surplus {
		client.CloseIdleConnections()
	}
}

// close closes every connection that is not in use, and leaves breakers as they are.
func (t *table) close() {
	var clients []*fasthttp.HostClient
	t.each(func(h *host) bool {
		h.breaker.stop()
		clients = append(clients, h.client)
		return true
	})
	for _, client := range clients {
		client.CloseIdleConnections()
	}
}
