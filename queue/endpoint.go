package queue

import (
	"slices"
	"sync"
	"sync/atomic"
)

// endpoint is what memory knows of the deliveries of one endpoint.
//
// At any time with mu free and no scan running, each delivery of a lane whose writer is done with it
// is in exactly one of four places:
//
//   - in the window, read or handed over and not taken yet
//   - parked, behind another one of its line or until it is due, see order.go
//   - in hand, which includes a settlement that is not committed yet
//   - on disk only, from the cursor to lane.last
//
// The cursor is a lower bound: what lies between it and the first delivery is nothing but the
// tombstones of what was settled, and reads begin at the cursor so as not to walk over those.
//
// Where last is before the cursor, nothing is on disk only, and the cursor may go to the end. Without
// that, an endpoint whose accepts follow each other closely would have each scan stopped by one in
// progress, the cursor left there, and for the sake of that the next hand-over left to the disk again.
type endpoint struct {
	id   EndpointID
	scan sync.Mutex // held during a scan; taken before mu

	mu       sync.Mutex
	lanes    [lanes]lane
	lines    *lines          // ordered deliveries of lane Fresh; nil as long as there was none
	held     map[handle]bool // in hand; true once it is being settled
	scanning *lane           // the lane being scanned, without mu
	left     []handle        // settled during the scan: out of held when it ends
	gen      uint32          // counts the purges of this endpoint
	purged   uint64          // endpoints.purges after the last of them, or when this came into the map
	purging  int             // purges on their way: keeps it in the map
	purges   []*purge        // whose snapshots a write in progress may have to look at: keep it in the map
	owed     int64           // deliveries, waiting or in hand, without those from before Open that are not counted yet
	dropped  bool            // no longer in the map
}

// handle is a delivery of an endpoint that is in hand.
type handle struct {
	lane Lane
	pos  position
}

// lane is the read side of one lane.
type lane struct {
	cursor  position
	last    position // no delivery is on disk only behind it
	window  []item   // sorted
	arrived []item   // handed over or released during a scan
	stalled micros   // not worth a scan before this, though something may be due: see Queue.refill
	resting micros   // the disk could not be read: nothing is taken before this
	water   lowWater // the committer's own, without mu
}

// item is a delivery in memory.
type item struct {
	state
	pos      position
	gen      uint32 // endpoint.gen when it came in; another one means its key is gone
	diskOnly bool   // written before a purge and handed over after it: its key may be gone
	released bool   // still in held until the scan ends
	corrupt  bool   // its state could not be read: to become a dead letter
}

// insert gives a delivery its place: the window, or the disk behind the cursor. It is for deliveries
// not read by a scan; no scan of the lane may be running.
//
// A delivery behind the cursor is left where it is, for the scan to come to. One before it has to be
// taken in here, or else the cursor has to go back. A full window lets go of its last delivery, so
// that one which is due earlier does not have to wait for the whole window.
func (e *endpoint) insert(ln *lane, it item, window int, now micros) {
	if it.diskOnly || it.pos.due > now || ln.cursor.less(it.pos) {
		e.leave(ln, &it)
		return
	}
	if ln.cursor == it.pos {
		ln.cursor = it.pos.next()
	}
	if it.turn != nil && !e.join(it, window, now) {
		return
	}
	ln.place(it)
	if last := len(ln.window) - 1; last >= window {
		e.leave(ln, &ln.window[last])
		ln.window[last] = item{}
		ln.window = ln.window[:last]
	}
}

// place puts a delivery into the window.
func (ln *lane) place(it item) {
	at := len(ln.window)
	for at > 0 && it.pos.less(ln.window[at-1].pos) {
		at--
	}
	ln.window = slices.Insert(ln.window, at, it)
}

// leave leaves a delivery to the disk.
func (e *endpoint) leave(ln *lane, it *item) {
	ln.leave(it.pos)
	e.forget(ln, it)
}

// leave notes that a delivery is on disk only.
func (ln *lane) leave(p position) {
	ln.cursor = earlier(ln.cursor, p)
	if ln.last.less(p) {
		ln.last = p
	}
}

// handOver takes in a delivery whose write is committed. Its ticket must not have ended.
func (e *endpoint) handOver(l Lane, it item, window int, now micros) {
	it.gen = e.gen
	ln := &e.lanes[l]
	if e.scanning == ln {
		ln.arrived = append(ln.arrived, it)
		return
	}
	e.insert(ln, it, window, now)
}

// pop moves the first delivery of a lane's window into someone's hands.
func (e *endpoint) pop(l Lane) (item, bool) {
	ln := &e.lanes[l]
	if len(ln.window) == 0 {
		return item{}, false
	}
	it := ln.window[0]
	ln.window[0] = item{}
	if ln.window = ln.window[1:]; len(ln.window) == 0 {
		ln.window = nil
	}
	if e.held == nil {
		e.held = make(map[handle]bool)
	}
	e.held[handle{l, it.pos}] = false
	return it, true
}

// claim begins the settlement of a delivery in hand. It returns false if it is not in hand. purged
// says that there is nothing to settle any more.
func (e *endpoint) claim(l Lane, it *item) (ok, purged bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.gen != e.gen {
		return false, true
	}
	h := handle{l, it.pos}
	if settling, ok := e.held[h]; !ok || settling {
		return false, false
	}
	e.held[h] = true
	return true, false
}

// letGo takes a delivery out of hand after its key was deleted. A scan in progress may have read the
// key before that, and must find it in held.
func (e *endpoint) letGo(l Lane, p position) {
	if e.scanning == &e.lanes[l] {
		e.left = append(e.left, handle{l, p})
		return
	}
	delete(e.held, handle{l, p})
}

// giveBack takes a delivery out of hand whose key is still there.
func (e *endpoint) giveBack(l Lane, it item, window int, now micros) {
	ln := &e.lanes[l]
	if e.scanning == ln {
		e.held[handle{l, it.pos}] = true
		it.released = true
		ln.arrived = append(ln.arrived, it)
		return
	}
	delete(e.held, handle{l, it.pos})
	if it.gen == e.gen {
		e.insert(ln, it, window, now)
	}
}

// clear forgets all deliveries, whose keys are gone, and returns how many were in hand. What a scan in
// progress has read or put off is recognised by its old generation.
//
// The cursors go to the end. A key that is on disk now was committed after the range deletion, and its
// hand-over, which needs mu, is still to come: it takes the delivery in or gets the cursor back.
func (e *endpoint) clear() (inHand int) {
	inHand = len(e.held) - len(e.left)
	for i := range e.lanes {
		ln := &e.lanes[i]
		for j := range ln.arrived {
			if ln.arrived[j].released {
				inHand--
				ln.arrived[j].released = false // another purge must not count it again
			}
		}
		ln.window, ln.cursor, ln.last = nil, end, start
		ln.stalled, ln.resting = 0, 0
	}
	e.held, e.left, e.lines, e.owed = nil, nil, nil, 0
	e.gen++
	return inHand
}

// idle reports whether the endpoint has nothing in memory or on disk.
func (e *endpoint) idle() bool {
	if e.scanning != nil || len(e.held) > 0 || e.purging > 0 || len(e.purges) > 0 || e.lines != nil && len(e.lines.byKey) > 0 {
		return false
	}
	for i := range e.lanes {
		if ln := &e.lanes[i]; len(ln.window) > 0 || ln.cursor != end {
			return false
		}
	}
	return true
}

// endpoints are the endpoints with work, by id. Once recovery has found all that were left from before
// Open, an endpoint that is not here has nothing on disk either.
type endpoints struct {
	shards [endpointShards]endpointShard
	purges atomic.Uint64 // counts purges, so that a hand-over knows whether one came between
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
			e = &endpoint{id: id, purged: s.purges.Load()}
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
// dropped before this. One that was purged has nothing left of it.
func (s *endpoints) counted(b Backlog) {
	e := s.find(b.Endpoint)
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gen == 0 {
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
