package crashtest

import (
	"slices"

	"hookline/queue"
)

// park sets aside what waits for an endpoint.
func (h *hand) park() {
	h.move((*debt).mayBeParked, func(ep queue.EndpointID) error { return h.q.Park(ep, queue.Disabled) })
}

// unpark has it wait again.
func (h *hand) unpark() { h.move((*debt).mayBeUnparked, h.q.Unpark) }

// move does one of the two to an endpoint, if nobody does and nothing of it is being sent again.
func (h *hand) move(may func(*debt, int), do func(queue.EndpointID) error) {
	ep := queue.EndpointID(h.rng.IntN(h.plan.endpoints))
	begun := false
	h.note(func() { begun = h.moveBegins(ep, may) })
	if !begun {
		return
	}
	_ = do(ep) // what comes of it is open either way
	h.note(func() { h.moveEnds(ep) })
}

func (m *model) moveBegins(ep queue.EndpointID, may func(*debt, int)) bool {
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
	m.parking[ep], m.mixed[ep] = may, true
	m.forgetLines(ep)
	for _, d := range all {
		if may(d, d.sure); m.purge(ep).running > 0 && d.mayWait() {
			d.mayBePurged()
		}
	}
	return true
}

func (m *model) moveEnds(ep queue.EndpointID) {
	delete(m.parking, ep)
	m.forgetLines(ep)
}

// mayMove adds what a park or unpark in progress may make of the states of a debt from one on. Those before have it behind them.
func (m *model) mayMove(d *debt, from int) {
	if may := m.parking[d.endpoint]; may != nil {
		may(d, from)
	}
}

// mayBeParked adds the dead letters that it may become.
func (d *debt) mayBeParked(from int) {
	d.mayBecome(from, func(s state) bool { return s.place == waiting }, func(s *state) { s.place, s.parked = letter, true })
}

// mayBeUnparked adds the deliveries that it may become again.
func (d *debt) mayBeUnparked(from int) {
	d.mayBecome(from, func(s state) bool { return s.parked }, func(s *state) { s.place, s.parked = waiting, false })
}

func (d *debt) mayBecome(from int, is func(state) bool, change func(*state)) {
	var more []state
	for _, s := range d.states[from:] {
		if s.void || !is(s) {
			continue
		}
		change(&s)
		s.durable = false
		// The last of them follows from the last that it was.
		more = append(slices.DeleteFunc(more, s.looksLike), s)
	}
	d.moved = d.moved || len(more) > 0
	d.states = append(d.states, more...)
}
