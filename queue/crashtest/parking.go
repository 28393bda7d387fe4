package crashtest

import (
	"slices"

	"hookline/queue"
)

// moving is a park or unpark in progress.
type moving struct {
	may   func(*debt, int) bool // adds what it may make of a debt, see mayBeParked
	alone bool                  // nobody takes, settles or releases anything of the endpoint meanwhile
	list  []moved
}

// moved is a debt that a park or unpark meets.
type moved struct {
	met
	held  bool // it stays with whom it is
	moved bool // before
}

// park sets aside what waits for an endpoint. It does not wait for large fan-outs.
func (h *hand) park() {
	if h.rng.IntN(2) == 0 {
		h.flush()
	}
	h.move((*debt).mayBeParked, func(ep queue.EndpointID) error { return h.q.Park(ep, queue.Disabled) })
}

// unpark has it wait again.
func (h *hand) unpark() { h.move((*debt).mayBeUnparked, h.q.Unpark) }

func (h *hand) parkAndUnpark() {
	if h.park(); h.rng.IntN(4) > 0 {
		h.unpark()
	}
}

// move does one of the two to an endpoint, if nobody does and nothing of it is being sent again.
func (h *hand) move(may func(*debt, int) bool, do func(queue.EndpointID) error) {
	ep := queue.EndpointID(h.rng.IntN(h.plan.endpoints))
	alone := h.faults == nil && h.rng.IntN(2) == 0
	begun := false
	h.note(func() { begun = h.moveBegins(ep, may, alone) })
	if !begun {
		return
	}
	err := do(ep)
	h.note(func() { h.moveEnds(ep, err) })
}

func (m *model) moveBegins(ep queue.EndpointID, may func(*debt, int) bool, alone bool) bool {
	if m.parking[ep] != nil {
		return false
	}
	var all []*debt
	for _, msg := range m.messages {
		for _, d := range msg.debts {
			if d.endpoint == ep {
				if d.busy {
					return false
				}
				all = append(all, d)
			}
		}
	}
	purged := m.purge(ep).running > 0
	p := &moving{may: may, alone: alone && m.calls[ep] == 0 && !purged}
	m.parking[ep], m.mixed[ep] = p, true
	m.forgetLines(ep)
	for _, d := range all {
		first, before := len(d.states), d.moved
		sure := may(d, d.sure) && d.of.over && d.arrived() && !before && !d.purged
		p.list = append(p.list, moved{metBy(d, first, sure), d.held, before})
		if purged && d.mayWait() {
			d.mayBePurged()
		}
	}
	return true
}

// moveEnds notes that a park or unpark has returned. What nothing else was done to meanwhile is for certain what it made of it, and
// stays so through a crash: what was in hand is what it was.
func (m *model) moveEnds(ep queue.EndpointID, err error) {
	p := m.parking[ep]
	delete(m.parking, ep)
	m.forgetLines(ep)
	if err != nil || !p.alone {
		return
	}
	for _, x := range p.list {
		d := x.debt
		if !x.sure || len(d.states) != x.n {
			continue
		}
		d.moved = x.moved
		if !x.held {
			d.reached(x.n - 1)
			continue
		}
		for i := x.first; i < x.n; i++ {
			d.states[i].void = true
		}
	}
}

// handles notes the beginning of a call about a delivery of an endpoint. It returns false if that may not be now.
func (h *hand) handles(ep queue.EndpointID) (ok bool) {
	ok = true
	h.note(func() {
		if p := h.parking[ep]; p != nil && p.alone {
			if ok = h.ctx.Err() != nil; !ok {
				return
			}
			p.alone = false
		}
		h.calls[ep]++
	})
	if !ok {
		pause()
	}
	return ok
}

// handled notes its end.
func (h *hand) handled(ep queue.EndpointID) { h.note(func() { h.calls[ep]-- }) }

// mayMove adds what a park or unpark in progress may make of the states of a debt from one on. Those before have it behind them.
func (m *model) mayMove(d *debt, from int) {
	if p := m.parking[d.endpoint]; p != nil {
		p.may(d, from)
	}
}

// mayBeParked adds the dead letters that it may become, and says whether it must become one if it is not in hand.
func (d *debt) mayBeParked(from int) bool {
	return d.mayBecome(from, func(s state) bool { return s.place == waiting }, func(s *state) { s.place, s.parked = letter, true })
}

// mayBeUnparked adds the deliveries that it may become again, and says whether it must.
func (d *debt) mayBeUnparked(from int) bool {
	return d.mayBecome(from, func(s state) bool { return s.parked }, func(s *state) { s.place, s.parked = waiting, false })
}

func (d *debt) mayBecome(from int, is func(state) bool, change func(*state)) (must bool) {
	must = true
	var more []state
	for _, s := range d.states[from:] {
		if s.void {
			continue
		}
		if !is(s) {
			must = false
			continue
		}
		change(&s)
		s.durable = false
		// The last of them follows from the last that it was.
		more = append(slices.DeleteFunc(more, s.looksLike), s)
	}
	d.moved = d.moved || len(more) > 0
	d.states = append(d.states, more...)
	return must && len(more) > 0
}
