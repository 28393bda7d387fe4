package queue

import (
	"sync"
	"sync/atomic"
)

// endpoints are the endpoints with work, by id. Once recovery has found all that were left from before
// Open, an endpoint that is not here has nothing on disk either.
type endpoints struct {
	shards   [endpointShards]endpointShard
	removals atomic.Uint64 // counts purges, parks and unparks, so that a hand-over knows whether one came between
}

type endpointShard struct {
	mu sync.Mutex
	m  map[EndpointID]*endpoint
}

const endpointShards = 64

func (s *endpoints) init() {
	for i := range s.shards {
		s.shards[i].m = make(map[EndpointID]*endpoint)
	}
}

func (s *endpoints) shard(id EndpointID) *endpointShard {
	// Ids may share their low bits; the multiplication spreads them.
	return &s.shards[uint64(id)*0x9e3779b97f4a7c15>>(64-6)]
}

// find returns nil if there is no such endpoint.
func (s *endpoints) find(id EndpointID) *endpoint {
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.m[id]
}

// lock returns the endpoint with its mu held. If there is none, it makes one with cursors at the given
// positions. It may be one that was purged and dropped, so it counts as purged just now: a write that
// began before is looked for on disk.
func (s *endpoints) lock(id EndpointID, cursors [lanes]position) *endpoint {
	sh := s.shard(id)
	for {
		sh.mu.Lock()
		e := sh.m[id]
		if e == nil {
			e = &endpoint{id: id, purged: s.removals.Load()}
			for i, c := range cursors {
				e.lanes[i].cursor = c
				if c != end {
					e.lanes[i].last = end // how far it goes is not known
				}
			}
			sh.m[id] = e
		}
		sh.mu.Unlock()
		e.mu.Lock()
		if !e.dropped {
			return e
		}
		e.mu.Unlock()
	}
}

// counted adds what was there for an endpoint at Open. An endpoint that is not in the map has ended all of it: none is
// dropped before this. One that was purged or parked has nothing left of it but what is in hand, which was counted then.
func (s *endpoints) counted(b Backlog) {
	e := s.find(b.Endpoint)
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.emptied == 0 {
		e.owed += int64(b.Waiting)
	}
}

// dropIdle forgets the endpoints that are idle, once what was there at Open is counted.
func (q *Queue) dropIdle() {
	if q.counts.complete.Load() {
		q.endpoints.drop()
	}
}

// drop forgets the endpoints that are idle.
func (s *endpoints) drop() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for id, e := range sh.m {
			e.mu.Lock()
			if e.dropped = e.idle(); e.dropped {
				delete(sh.m, id)
			}
			e.mu.Unlock()
		}
		sh.mu.Unlock()
	}
}

// each calls f with every endpoint, locked.
func (s *endpoints) each(f func(*endpoint)) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		all := make([]*endpoint, 0, len(sh.m))
		for _, e := range sh.m {
			all = append(all, e)
		}
		sh.mu.Unlock()
		for _, e := range all {
			e.mu.Lock()
			f(e)
			e.mu.Unlock()
		}
	}
}

// knownEndpoint returns an endpoint, nil if it is not in the map. all says that it has nothing then: that recovery was
// through before. Asked the other way around, recovery could find the endpoint in between and end.
func (q *Queue) knownEndpoint(id EndpointID) (e *endpoint, all bool) {
	all = q.recovered.Load()
	if q.hooks.afterAsked != nil {
		q.hooks.afterAsked()
	}
	return q.endpoints.find(id), all
}

// lockEndpoint returns an endpoint with its mu held, made if need be.
func (q *Queue) lockEndpoint(id EndpointID) *endpoint {
	cursors := [lanes]position{start, start}
	if q.recovered.Load() {
		cursors = [lanes]position{end, end}
	}
	return q.endpoints.lock(id, cursors)
}
