package queue

import "slices"

// Deliveries with an order key stand in line: of one endpoint and key, only the first that is not settled
// for good may be handed out.
//
// On disk a line is in order of its places, which are the times of the accepts and never those of
// retries or delays: a retry is written one microsecond before its old place, so that it stays in front
// of its line and its key is a new one. When it is due is told by its state, as turn.notBefore.
//
// In memory, an ordered delivery that a scan reads or an accept hands over is in the window only if it is
// the first of its line. Else it is kept behind the first one, and the cursor goes on past it. That the
// first one in memory is the first one of all rests on two rules:
//
//   - What comes into memory is before all of its line that is on disk only: a scan reads in order from the
//     cursor, and a hand-over behind the cursor is left to it.
//   - When the first one is left to the disk again, so are all that are behind it.
//
// Two accepts in progress at the same time have no order, and may come into memory either way around.

// lineWindows is how many windows full of deliveries may stand in line for an endpoint. When there are as
// many, nothing more is read in lane Fresh of that endpoint until some of them have gone.
const lineWindows = 16

// turn is what an ordered delivery has besides. It is shared by copies of an item and never changed.
type turn struct {
	key       uint64
	notBefore micros // it is due then, if that is later than its place
}

// due is when a delivery may be handed out, if it is its turn.
func (it *item) due() micros {
	if it.turn == nil {
		return it.pos.due
	}
	return max(it.pos.due, it.turn.notBefore)
}

// again returns a delivery in hand as it waits for its next attempt.
func (it item) again(next micros) item {
	if it.turn == nil {
		it.pos.due = next
		return it
	}
	it.pos.due--
	it.turn = &turn{it.turn.key, next}
	return it
}

// lines are the ordered deliveries of an endpoint in memory, by order key. A line without any is not there.
type lines struct {
	byKey  map[uint64]*line
	behind int    // deliveries that are behind another one, or not due yet, of all lines
	wake   micros // no line with nothing in front has its first one due before; end.due if there is none
}

type line struct {
	front  EventID // it is in the window, in hand or, released during a scan, in arrived; 0: none is
	behind []item  // sorted
}

func (l *line) place(p position) (int, bool) {
	return slices.BinarySearchFunc(l.behind, p, func(it item, p position) int { return it.pos.compare(p) })
}

// knows reports whether an ordered delivery that was read is in memory. The retry of the one in front may
// be read before it is handed over, at a place that only its event tells.
func (e *endpoint) knows(it *item) bool {
	if e.lines == nil {
		return false
	}
	l := e.lines.byKey[it.turn.key]
	if l == nil {
		return false
	}
	_, behind := l.place(it.pos)
	return behind || l.front == it.pos.event
}

// crowded reports whether as many deliveries stand in line as may.
func (e *endpoint) crowded(l Lane, window int) bool {
	return l == Fresh && e.lines != nil && e.lines.behind >= window*lineWindows
}

// join takes an ordered delivery into its line, and reports whether it goes to the window. Where there is
// no room it is left to the disk.
func (e *endpoint) join(it item, window int, now micros) bool {
	if e.lines == nil {
		e.lines = &lines{byKey: make(map[uint64]*line), wake: end.due}
	}
	l := e.lines.byKey[it.turn.key]
	switch {
	case l == nil && it.due() <= now:
		e.lines.byKey[it.turn.key] = &line{front: it.pos.event}
		return true
	case l != nil && l.front == it.pos.event:
		return true
	case e.crowded(Fresh, window):
		e.lanes[Fresh].leave(it.pos)
		return false
	case l == nil:
		l = new(line)
		e.lines.byKey[it.turn.key] = l
	}
	e.lineUp(l, it)
	e.advance(l, now)
	return false
}

func (e *endpoint) lineUp(l *line, it item) {
	at, _ := l.place(it.pos)
	l.behind = slices.Insert(l.behind, at, it)
	e.lines.behind++
}

// advance lets the first delivery of a line into the window if nothing is in front of it and it is due.
// It returns when Take is worth calling for the line, 0 if that is not known yet.
//
// The window may grow beyond its size so, by no more than what stood in line. A scan in progress does no harm:
// it passes over what is known.
func (e *endpoint) advance(l *line, now micros) (due micros) {
	if l.front != 0 || len(l.behind) == 0 {
		return 0
	}
	it := l.behind[0]
	if due = it.due(); due > now {
		e.lines.wake = min(e.lines.wake, due)
		return due
	}
	l.behind[0] = item{}
	if l.behind = l.behind[1:]; len(l.behind) == 0 {
		l.behind = nil
	}
	e.lines.behind--
	l.front = it.pos.event
	e.lanes[Fresh].place(it)
	return due
}

// wakeUp lets the lines go on whose first delivery has become due.
func (e *endpoint) wakeUp(now micros) {
	if e.lines == nil || e.lines.wake > now {
		return
	}
	e.lines.wake = end.due
	for _, l := range e.lines.byKey {
		e.advance(l, now)
	}
}

// pass takes a delivery out of its line whose settlement for good is on its way to the disk: what is
// settled later in the line is written later. It returns when Take is worth calling because of that, 0 if it
// is not: there is room in the lines only when one of them goes to the window.
func (e *endpoint) pass(it *item, now micros) (due micros) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.gen != e.gen {
		return 0
	}
	l := e.lines.byKey[it.turn.key]
	if l == nil || l.front != it.pos.event {
		return 0 // it was written already, and then the endpoint was parked or unparked
	}
	l.front = 0
	due = e.advance(l, now)
	if l.front == 0 && len(l.behind) == 0 {
		delete(e.lines.byKey, it.turn.key)
	}
	return due
}

// retry puts a delivery back into its line that is due again. It returns when Take is worth calling
// because of that.
func (e *endpoint) retry(it item, now micros) (due micros) {
	l := e.lines.byKey[it.turn.key]
	l.front = 0
	e.lineUp(l, it)
	return e.advance(l, now)
}

// forget leaves what is behind in a line to the disk, as the one in front of it was. A scan comes to them
// again, in order.
func (e *endpoint) forget(ln *lane, it *item) {
	if it.turn == nil || e.lines == nil {
		return
	}
	l := e.lines.byKey[it.turn.key]
	if l == nil || l.front != it.pos.event {
		return // it had not joined
	}
	for i := range l.behind {
		ln.leave(l.behind[i].pos)
	}
	e.lines.behind -= len(l.behind)
	delete(e.lines.byKey, it.turn.key)
}

// oldestInLine returns end.due if nothing stands in line.
func (e *endpoint) oldestInLine() micros {
	oldest := end.due
	if e.lines == nil || e.lines.behind == 0 {
		return oldest
	}
	for _, l := range e.lines.byKey {
		for i := range l.behind {
			oldest = min(oldest, l.behind[i].due())
		}
	}
	return oldest
}
