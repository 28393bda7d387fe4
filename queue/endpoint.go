package queue

import (
	"slices"
	"sync"
)

// endpoint is what memory knows of the deliveries of one endpoint.
//
// At any time with mu free and no scan running, each delivery of a lane whose writer is done with it
// is in exactly one of four places:
//
//   - in the window, read or handed over and not taken yet
//   - in line, behind another one or until it is due, see order.go
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
	held     map[handle]hold // in hand
	scanning *lane           // the lane being scanned, without mu
	left     []handle        // settled during the scan: out of held when it ends
	gen      uint32          // counts the purges of this endpoint
	cleared  uint32          // counts the purges and what changes which segments are read: what a scan has read since is void
	purged   uint64          // endpoints.removals after the last purge, or when this came into the map
	removing int             // removals on their way: keeps it in the map
	removals []*removal      // whose snapshots a write in progress may have to look at: keep it in the map
	emptied  uint64          // the last purge or park: owed is right without what was there before; 0 if there was none
	owed     int64           // deliveries, waiting or in hand, without those from before Open that are not counted yet
	dropped  bool            // no longer in the map
}

// handle is a delivery of an endpoint that is in hand.
type handle struct {
	lane Lane
	pos  position
}

// hold is what is known of a delivery in hand.
type hold struct {
	settling bool    // or released during a scan
	segment  segment // that its key is in, which whoever has it need not know
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
	segment  segment // that its key is in
	gen      uint32  // endpoint.gen when it came in; another one means its key is gone
	diskOnly bool    // written before a purge and handed over after it: its key may be gone
	released bool    // still in held until the scan ends
	corrupt  bool    // its state could not be read: to become a dead letter
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
		e.held = make(map[handle]hold)
	}
	e.held[handle{l, it.pos}] = hold{segment: it.segment}
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
	held, ok := e.held[h]
	if !ok || held.settling {
		return false, false
	}
	held.settling = true
	e.held[h] = held
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
	ln, h := &e.lanes[l], handle{l, it.pos}
	it.segment = e.held[h].segment
	if e.scanning == ln {
		e.held[h] = hold{true, it.segment}
		it.released = true
		ln.arrived = append(ln.arrived, it)
		return
	}
	delete(e.held, h)
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
	e.cleared++
	return inHand
}

// idle reports whether the endpoint has nothing in memory or on disk.
func (e *endpoint) idle() bool {
	if e.scanning != nil || len(e.held) > 0 || e.removing > 0 || len(e.removals) > 0 || e.lines != nil && len(e.lines.byKey) > 0 {
		return false
	}
	for i := range e.lanes {
		if ln := &e.lanes[i]; len(ln.window) > 0 || ln.cursor != end {
			return false
		}
	}
	return true
}
